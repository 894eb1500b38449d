# SPDX-License-Identifier: MIT
"""A network of the published JSON format as a torch module, written as users of torch write it."""
import json

from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6, "leakyrelu": nn.LeakyReLU, "swish": nn.SiLU}


def convolution(inputs, outputs, kernel=1, stride=1, groups=1, activation=None):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + ([activation()] if activation else [])


class SqueezeExcite(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        hidden = max(1, int(channels * ratio))
        self.gates = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, hidden, 1), nn.ReLU(),
                                   nn.Conv2d(hidden, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.gates(x)


class Block(nn.Module):
    def __init__(self, inputs, stage, stride):
        super().__init__()
        activation = ACTIVATIONS[stage["activation"]]
        outputs = stage["output_channels"]
        middle = inputs * stage["expansion_factor"] if stage["conv_type"] == "mbconv" else inputs
        layers = convolution(inputs, middle, activation=activation) if stage["conv_type"] == "mbconv" else []
        layers += convolution(middle, middle, stage["kernel_size"], stride, middle, activation)
        if stage["use_se"]:
            layers.append(SqueezeExcite(middle, stage["se_ratio"]))
        self.path = nn.Sequential(*layers, *convolution(middle, outputs))
        self.shortcut = None
        if stage["skip_op"] == "residual" and stride == 1:
            self.shortcut = nn.Identity() if inputs == outputs else nn.Sequential(*convolution(inputs, outputs))

    def forward(self, x):
        return self.path(x) + self.shortcut(x) if self.shortcut else self.path(x)


def build(stages, classes):
    layers, channels = [], 3
    for stage in stages:
        for number in range(stage["num_layers"]):
            layers.append(Block(channels, stage, stage["stride"] if number == 0 else 1))
            channels = stage["output_channels"]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def read_stages(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["candidate_config"]["blocks"]
