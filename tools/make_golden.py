"""Make the golden files: have real TensorFlow write what the tests compare with.

    cd THE ROOT OF THE PROJECT
    /path/to/an/interpreter/with/tensorflow -m tools.make_golden

Under TensorFlow 1.15 this writes `tests/golden/tf1` and `tests/golden/v1`, under
TensorFlow 2.21 `tests/golden/tf2` and `tests/golden/tensorproto_cases.json`, and
prints each folder that it wrote. A second run gives the same bytes. What the
folders are is told in `tests/golden/PROVENANCE.md`.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.golden import checkpoints, frozen, saved_models, tensor_protos, v1
from tools.golden.checkpoints import Maker

if TYPE_CHECKING:
    from collections.abc import Callable

    Cases = tuple[Callable[[Maker], None], ...]

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
TENSORFLOW1 = (
    *checkpoints.CASES,
    frozen.make_frozen_ref,
    frozen.make_frozen_resource,
    saved_models.make_v1api_resource,
)
TENSORFLOW2 = (
    # First, because TensorFlow numbers what a function captures within the process.
    frozen.make_frozen_v2_straight,
    frozen.make_frozen_v2_loop,
    saved_models.make_module,
    saved_models.make_v1api_resource,
    *checkpoints.CASES,
    checkpoints.make_zero_object,
    tensor_protos.make_tensorproto_cases,
)
VERSIONS: dict[str, dict[str, Cases]]
VERSIONS = {"1.15": {"tf1": TENSORFLOW1, "v1": v1.CASES}, "2.21": {"tf2": TENSORFLOW2}}


def import_tensorflow() -> Any:
    """Import TensorFlow quietly and without a GPU."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def main() -> None:
    """Write everything that this TensorFlow is to write."""
    tensorflow = import_tensorflow()
    version = ".".join(tensorflow.__version__.split(".")[:2])
    if version not in VERSIONS:
        raise SystemExit(f"the golden files are made by TensorFlow 1.15 and 2.21, not {version}")
    for folder, cases in VERSIONS[version].items():
        maker = Maker(tensorflow, GOLDEN / folder)
        for case in cases:
            case(maker)
        for written in sorted(maker.root.iterdir()):
            print(written.relative_to(GOLDEN.parent.parent))


if __name__ == "__main__":
    main()
