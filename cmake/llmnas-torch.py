# SPDX-License-Identifier: MIT
"""Run by the python of an active environment: prints the CMake prefix of its torch where C++ can be built against it, else
says why not and exits with 1. Asked here, because a TorchConfig.cmake that lacks something ends the whole configuration."""
import os
import shutil
import sys

try:
    import torch
except ImportError:
    sys.exit("no torch in this environment")
prefix = torch.utils.cmake_prefix_path
if not os.path.exists(os.path.join(prefix, "Torch", "TorchConfig.cmake")):
    sys.exit(f"its torch has no CMake files in {prefix}")
if not torch.compiled_with_cxx11_abi():
    sys.exit("its torch has the old C++ ABI, fmt and cpp-httplib of the system the new one")
if torch.version.cuda and not (shutil.which("nvcc") or os.path.exists("/usr/local/cuda/bin/nvcc")):
    sys.exit("its torch is a CUDA build, which needs the CUDA toolkit (nvcc)")
print(prefix)
