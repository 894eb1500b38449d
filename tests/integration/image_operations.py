#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Resize, the operations of AutoAugment, affine maps and normalisation beside torchvision 0.14 with PIL, on fixed
parameters: the operations are exact up to 1 of 255 (they are equal in fact), geometric ones up to 2 for 99 % of the
pixels. Skipped where Debian's python3-torchvision is missing."""
import os
import random
import subprocess
import sys

try:
    import numpy
    from PIL import Image
    from torchvision import transforms
    from torchvision.transforms import functional
    from torchvision.transforms.autoaugment import _apply_op
except ImportError as missing:
    print(f"LLMNAS_SKIP: {missing}; Debian: python3-torchvision")
    sys.exit(77)

PROGRAM = os.environ.get("LLMNAS_IMAGE_OPERATIONS", "")
GEOMETRIC = ["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Affine"]
NEAREST = transforms.InterpolationMode.NEAREST
SIZES = [(32, 32), (160, 160), (33, 47), (7, 5), (3, 3), (2, 9), (1, 1), (64, 96)]  # height, width
RESIZES = [((32, 32), (160, 160)), ((32, 32), (64, 64)), ((375, 500), (224, 224)), ((32, 32), (224, 224)),
           ((160, 160), (32, 32)), ((33, 47), (100, 31)), ((31, 100), (47, 33)), ((1, 1), (8, 8)), ((8, 8), (1, 1)),
           ((32, 32), (32, 45)), ((32, 32), (45, 32)), ((32, 32), (32, 32)), ((2, 3), (97, 101)), ((1000, 7), (5, 700))]

process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
compared = {}
draw = random.Random(1)


def ask(name, pixels, parameters, size=None, item=numpy.uint8):
    """Sends one request; pixels are H x W x C, as is the answer."""
    height, width, channels = pixels.shape
    line = " ".join(map(str, (name, channels, height, width, *map(repr, parameters))))
    process.stdin.write(line.encode() + b"\n" + numpy.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes())
    process.stdin.flush()
    shape = (channels, *(size or (height, width)))
    data = process.stdout.read(int(numpy.prod(shape)) * numpy.dtype(item).itemsize)
    return numpy.frombuffer(data, item).reshape(shape).transpose(1, 2, 0)


def to_pil(pixels):
    return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])


def from_pil(image):
    pixels = numpy.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def compare(name, wanted, got, parameters):
    difference = numpy.abs(from_pil(wanted).astype(int) - got.astype(int))
    where = f"{name} {parameters} on {got.shape}"
    if name in GEOMETRIC:
        assert (difference <= 2).mean() >= 0.99, f"{where}: {(difference > 2).mean():.2%} of the pixels differ"
    else:
        assert difference.max() <= 1, f"{where}: differs by {difference.max()}"
    images, values, unequal = compared.get(name, (0, 0, 0))
    compared[name] = images + 1, values + difference.size, unequal + int((difference > 0).sum())


def pictures(size, channels=3):
    """Noise, a smooth picture of low contrast, one value, two values."""
    generator = numpy.random.default_rng(size[0] * 1000 + size[1])
    shape = (*size, channels)
    y, x, c = numpy.indices(shape)
    yield generator.integers(0, 256, shape, dtype=numpy.uint8)
    yield (60 + 100 * numpy.sin(y / 9 + c) * numpy.cos(x / 7) ** 2 + generator.integers(0, 9, shape)).clip(0, 255).astype(
        numpy.uint8)
    yield numpy.full(shape, 77, numpy.uint8)
    yield (generator.integers(0, 2, shape) * 255).astype(numpy.uint8)


def magnitudes(name, size):
    """All levels of torchvision's table with both signs, and others between."""
    space = transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10)._augmentation_space(10, size)
    table, signed = space[name]
    if table.ndim == 0:
        return [0.0]
    values = [float(v) for v in table]
    if signed:
        values += [-v for v in values] + [v * draw.uniform(0.5, 1.5) * draw.choice((-1, 1)) for v in values]
    return values


def operations():
    for size in SIZES:
        for channels in (3, 1):
            for pixels in pictures(size, channels):
                for name in ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
                             "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert"):
                    for magnitude in magnitudes(name, size):
                        wanted = _apply_op(to_pil(pixels), name, magnitude, NEAREST, None)
                        compare(name, wanted, ask(name, pixels, [magnitude]), [magnitude])


def quarter_turns():
    for size in ((32, 32), (33, 47)):
        for degrees in (90.0, 180.0, -90.0, 45.0):
            pixels = next(pictures(size))
            compare("Rotate", functional.rotate(to_pil(pixels), degrees), ask("Rotate", pixels, [degrees]), [degrees])


def affine_maps():
    cases = [(0.0, 0, 0, 1.0, 0.0, 0.0), (0.0, 5, -3, 0.8, 0.0, 0.0), (0.0, 0, 0, 1.2, 0.0, 0.0),
             (10.0, 16, -16, 0.8, 0.0, 0.0), (-10.0, 0, 0, 1.2, 5.0, -7.0), (0.0, 200, 0, 1.0, 0.0, 0.0)]
    cases += [(draw.uniform(-10, 10), draw.randint(-16, 16), draw.randint(-16, 16), draw.uniform(0.8, 1.2), 0.0, 0.0)
              for _ in range(50)]
    for size in SIZES:
        for pixels in pictures(size):
            for angle, x, y, scale, shear_x, shear_y in cases:
                wanted = functional.affine(to_pil(pixels), angle, [x, y], scale, [shear_x, shear_y], NEAREST, fill=0)
                parameters = [angle, x, y, scale, shear_x, shear_y]
                compare("Affine", wanted, ask("Affine", pixels, parameters), parameters)


def resizes():
    for size, target in RESIZES:
        for channels in (3, 1):
            for pixels in pictures(size, channels):
                wanted = functional.resize(to_pil(pixels), list(target), transforms.InterpolationMode.BILINEAR)
                compare("Resize", wanted, ask("Resize", pixels, target, size=target), target)


def normalised():
    whole = transforms.Compose([transforms.ToTensor(),
                                transforms.Normalize((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))])
    for size in SIZES:
        pixels = next(pictures(size))
        wanted = whole(to_pil(pixels)).numpy().transpose(1, 2, 0)
        planes = ask("Normalise", pixels, [0], item=numpy.float32)
        flat = ask("Normalise", pixels, [1], item=numpy.float32).transpose(2, 0, 1).reshape(*pixels.shape)
        assert (wanted == planes).all() and (wanted == flat).all(), numpy.abs(wanted - planes).max()


def policy():
    """The 25 pairs, their probabilities and the magnitudes at two sizes."""
    reference = transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10)
    for size in ((32, 32), (160, 224)):
        space = reference._augmentation_space(10, size)
        process.stdin.write(f"Policy 1 {size[0]} {size[1]}\n".encode() + bytes(size[0] * size[1]))
        process.stdin.flush()
        for pair in reference.policies:
            for name, probability, level in pair:
                got = process.stdout.readline().decode().split()
                table, signed = space[name]
                magnitude = float(table[level]) if table.ndim else 0.0
                assert got[0] == name and float(got[1]) == probability and got[3] == str(int(signed)), (got, name)
                assert abs(float(got[2]) - magnitude) <= 1e-4 * abs(magnitude), (got, magnitude)
        assert process.stdout.readline() == b"\n"


for part in (resizes, operations, quarter_turns, affine_maps, normalised, policy):
    part()
process.stdin.close()
assert process.wait() == 0
for name, (images, values, unequal) in compared.items():
    print(f"{name:13} {images:6} images, {values:10,} values, {unequal / values:.4%} not equal")
