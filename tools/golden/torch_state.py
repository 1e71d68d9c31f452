"""The golden files of PyTorch: the weights of a small network, as people share them.

    python -m venv DIR; DIR/bin/pip install torch==2.15.0 safetensors==0.8.0 numpy
    cd THE ROOT OF THE PROJECT
    DIR/bin/python -m tools.golden.torch_state

Writes `tests/golden/torch`:

    state.pt             torch.save of the state dict: a zip of a pickle and the storages
    state.safetensors    safetensors.torch.save_file of the same tensors
    half.safetensors     all floats as bfloat16, with metadata: how large models are shared
    expected.json        what is in each, told by torch

All libraries of a CUDA build have to be there for `import torch`; a GPU need not.
A second run gives the same bytes.
"""

# ruff: noqa: ANN401 - torch is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "torch"
SEED = 77
BATCHES = 2**40 + 1
FLOAT8 = ("float8_e4m3fn", "float8_e5m2")


def make_network(torch: Any) -> Any:
    """Make a convolution, a normalization with statistics, and a linear layer."""
    torch.manual_seed(SEED)
    nn = torch.nn
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(2, 3, kernel_size=(3, 2)))
    network.add_module("norm", nn.BatchNorm2d(3))
    network.add_module("flat", nn.Flatten())
    network.add_module("fc", nn.Linear(3 * 2 * 3, 4))
    # Training would give statistics that depend on the CPU.
    network.norm.running_mean.copy_(torch.randn(3))
    network.norm.running_var.copy_(torch.rand(3) + 0.5)
    network.norm.num_batches_tracked.fill_(BATCHES)
    return network


def make_state(torch: Any) -> dict[str, Any]:
    """Give a state dict: that of the network, and a tensor for each other type and form."""
    state = {
        name: value.detach().clone() for name, value in make_network(torch).state_dict().items()
    }
    edges = torch.tensor([0.0, -0.0, 1.5, -2.25, 448.0, 2.0**-9])
    grid = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state |= {
        "other.bfloat16": torch.tensor([1.0, -3.140625, 65280.0, float("inf")]).bfloat16(),
        "other.float16": torch.tensor([1.0, -0.333251953125, 65504.0, 2.0**-24]).half(),
        "other.float64": torch.tensor([0.1, 1e308], dtype=torch.float64),
        **{f"other.{name}": edges.to(getattr(torch, name)) for name in FLOAT8},
        "other.bool": torch.tensor([[True, False], [False, True]]),
        "other.int8": torch.tensor([-128, 0, 127], dtype=torch.int8),
        "other.uint8": torch.tensor([0, 255], dtype=torch.uint8),
        "other.int32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "other.scalar": torch.tensor(0.5),
        "other.empty": torch.zeros((0, 4)),
        # A view: its elements are not side by side in memory, and safetensors refuses it.
        "other.transposed": grid.t(),
    }
    return state


def describe(torch: Any, tensor: Any) -> dict[str, Any]:
    """Tell type, shape and the element bytes, little-endian in C order."""
    flat = tensor.detach().contiguous().reshape(-1)
    data = bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""
    name = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": name, "shape": list(tensor.shape), "hex": data.hex()}


def main() -> None:
    """Write all files."""
    torch = importlib.import_module("torch")
    safetensors = importlib.import_module("safetensors.torch")
    versions = {
        name: importlib.import_module(name).__version__ for name in ("torch", "safetensors")
    }
    if sys.byteorder != "little":
        raise SystemExit("the golden files are made on a little-endian machine")
    GOLDEN.mkdir(parents=True, exist_ok=True)
    state = make_state(torch)
    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    half = {
        name: tensor.bfloat16() if tensor.dtype == torch.float32 else tensor
        for name, tensor in make_network(torch).state_dict().items()
    }
    torch.save(state, GOLDEN / "state.pt")
    safetensors.save_file(contiguous, GOLDEN / "state.safetensors")
    safetensors.save_file(half, GOLDEN / "half.safetensors", metadata={"format": "pt"})
    held = {"state.pt": state, "state.safetensors": contiguous, "half.safetensors": half}
    expected = {
        "written_by": versions,
        "files": {
            name: {
                "sha256": hashlib.sha256((GOLDEN / name).read_bytes()).hexdigest(),
                "tensors": {key: describe(torch, one) for key, one in sorted(tensors.items())},
            }
            for name, tensors in held.items()
        },
    }
    text = json.dumps(expected, indent=1) + "\n"
    (GOLDEN / "expected.json").write_text(text, encoding="ascii")
    for path in sorted(GOLDEN.iterdir()):
        print(path.relative_to(GOLDEN.parents[2]), path.stat().st_size)


if __name__ == "__main__":
    main()
