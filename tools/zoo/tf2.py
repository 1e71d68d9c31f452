"""Make the graphs of TensorFlow 2 for the zoo: small networks, frozen and rewritten.

    cd THE ROOT OF THE PROJECT
    /path/to/python/with/tensorflow/2.21/and/tf_keras -m tools.zoo.tf2 [NETWORK ...]

Writes `tests/golden/zoo/{open,held}/t2-NETWORK[-FREEZER][-TOOL]/` with the frozen
graph and its `truth.json`. A second run gives the same bytes: each network is made
in a process of its own, because TensorFlow and Keras number within the process.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tools.zoo.tf2_networks import Kit

ZOO = Path(__file__).resolve().parent.parent.parent / "tests" / "golden" / "zoo"
SECONDS = 300
SAME_ADDRESSES = 0x0040000  # ADDR_NO_RANDOMIZE of Linux
# Each way is FREEZER+TOOL, either may be empty. A trailing `=text` writes text form,
# `=saved` a SavedModel of the frozen function.
OPEN = {
    "k3-default-cnn": "+ +direct +fold signature+",
    "k3-transformer": "+ +n0 functional+",
    "k3-unet": "+ +inference +fp16",
    "k3-recurrent": "functional+ functional+direct",
    "k3-siamese": "+ denylist+ +prefix",
    "k3-halves": "+ +fold",
    "k3-misleading-names": "+ +direct +=text",
    "k2-resnet": "+ +inference +layout",
    "k2-stacked-recurrent": "aggressive+ functional+n0",
    "k2-text": "+ signature+",
    "k2-slashes": "+ signature+ +prefix",
    "k2-tied": "+ +direct +call",
    "k2-mixed": "+ asgraph+ +common",
    "k3-fresh": "+ +merge +common",
    "m-plain": "+ +hash +fp16 aggressive+inference",
    "m-control-flow": "+ functional+ functional+bare",
    "m-codebook": "+ +direct +=saved",
    "m-hashed-embedding": "+ +fold",
    "m-kept-calls": "functional+ +call",
    "m-viterbi": "+ functional+",
    "s-towers": "+ +training blacklist+ +int8",
}
HELD = {
    "k3-squeeze-excite": "+ +layout +n0",
    "k3-convnext": "+ +fold signature+",
    "k3-cells": "functional+ functional+bare",
    "k3-adapted": "+ +training +=text",
    "k3-gan": "+ +inference signature+",
    "k3-einsum-volumes": "+ denylist+ +hash",
    "k2-local": "+ +fold",
    "k2-film": "functional+ +",
    "k2-feature-columns": "+ +direct",
    "k2-transfer": "+ +layout +int8",
    "k2-custom-cell": "+ aggressive+ functional+direct",
    "k2-speech": "+ +fold signature+ +fp16 +inference",
    "m-sonnet": "+ +n0 +=saved",
    "m-kalman": "+ +fold asgraph+",
    "m-graph-network": "+ +common +int8",
    "m-untrained": "+ +bare +merge",
    "m-fourier": "+ +direct +call",
    "m-anchors": "+ +hash denylist+ asgraph+prefix",
    "s-layers": "+ +prefix +fold",
    "s-loop": "+ +n0=text +training",
}


def import_kit() -> tuple[Any, Any, Any]:
    """Import TensorFlow and both Kerases quietly and without a GPU."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow, importlib.import_module("keras"), importlib.import_module("tf_keras")


def make(modules: tuple[Any, Any, Any], name: str, ways: str, folder: Path) -> None:
    """Make all graphs of one network; runs in a process of its own."""
    from tools.zoo import (  # noqa: PLC0415 - after the settings that they are to see
        tf2_keras2,
        tf2_keras3,
        tf2_modules,
        tf2_networks,
        tf2_sessions,
        tf2_write,
    )

    kit = tf2_networks.Kit(*modules, tf2_networks.generator(name))
    recipes = {**tf2_keras3.RECIPES, **tf2_keras2.RECIPES, **tf2_modules.RECIPES}
    if name in tf2_sessions.RECIPES:
        with modules[0].Graph().as_default():
            write_all(kit, tf2_sessions.RECIPES[name](kit), ways, folder / f"t2-{name}", tf2_write)
    else:
        modules[1].utils.set_random_seed(7)
        write_all(kit, recipes[name](kit), ways, folder / f"t2-{name}", tf2_write)


def write_all(kit: Kit, network: Any, ways: str, start: Path, writer: Any) -> None:
    """Write the graph of each way."""
    values = writer.originals(kit, network)
    for way in ways.split():
        freezer, _, rest = way.partition("+")
        tool, _, form = rest.partition("=")
        entry = start.with_name("-".join(p for p in (start.name, freezer, tool, form) if p))
        shutil.rmtree(entry, ignore_errors=True)
        writer.write(kit, network, values, writer.Way(freezer, tool, form), entry)


def start_again() -> NoReturn:
    """Start this program with hashes and addresses that are the same in every run.

    Keras and the converter go through sets of names, Grappler through tables that
    hash by address, and each leaves its order in the graph.
    """
    ctypes.CDLL(None).personality(SAME_ADDRESSES)
    arguments = [sys.executable, "-m", "tools.zoo.tf2", *sys.argv[1:]]
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606 - itself


def main() -> None:
    """Make the networks that are asked for, or all of them."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        start_again()
    modules = import_kit()
    wanted, failed = sys.argv[1:], []
    plans = [(n, w, ZOO / "open") for n, w in OPEN.items()]
    plans += [(n, w, ZOO / "held") for n, w in HELD.items()]
    for name, ways, folder in plans:
        if wanted and name not in wanted:
            continue
        process = multiprocessing.get_context("fork").Process(
            target=make, args=(modules, name, ways, folder)
        )
        process.start()
        process.join(SECONDS)
        if process.exitcode != 0:
            process.kill()
            failed.append(name)
    if failed:
        sys.exit(f"not made: {', '.join(failed)}")


if __name__ == "__main__":
    main()
