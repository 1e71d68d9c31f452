from __future__ import annotations

import gc
import json
import os
import sys
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pbckpt import list_variables, load_checkpoint
from tools.bench.__main__ import main
from tools.bench.arrays import OURS, tensorflow_interpreters
from tools.bench.comparisons import Comparison
from tools.bench.contents import CONTENTS, Contents
from tools.bench.libraries import Job
from tools.bench.measure import Command, MeasureError, Pairs, Run, measure
from tools.bench.results import Footprint, Result, Results, table
from tools.bench.worker import Call, Interpreter, Worker

if TYPE_CHECKING:
    from pathlib import Path

needs_posix = pytest.mark.skipif(os.name == "nt", reason="answers are waited for with select")

KEYS = ["model/layer_000000/kernel", "model/layer_000001/kernel"]

# Enough of TensorFlow for the jobs: SaveV2 leaves a file that the reader does not need.
FAKE_TENSORFLOW = """
import types

print("a library that prints")
__version__ = "2.99"
constant = list

def _save(prefix, tensor_names, shape_and_slices, tensors):
    assert len(tensor_names) == len(shape_and_slices) == len(tensors)
    open(prefix + ".index", "x").close()

class _Reader:
    def get_variable_to_shape_map(self):
        return {"b": [], "a": []}

    def get_tensor(self, key):
        return key

raw_ops = types.SimpleNamespace(SaveV2=_save)
train = types.SimpleNamespace(load_checkpoint=lambda prefix: _Reader())
"""


def interpreter(folder: Path, module: str) -> str:
    """Make a Python that finds ``module`` as its tensorflow."""
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "tensorflow.py").write_text(module, encoding="utf-8")
    program = folder / "python"
    command = f'PYTHONPATH="{folder / "site"}:$PYTHONPATH" exec "{sys.executable}" "$@"'
    program.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("size", "tensors", "elements", "nbytes"),
    [
        ("2GB", 8, 62_500_000, 2_000_000_000),
        ("100k", 100_000, 16, 6_400_000),
        ("8GB", 64, 32_000_000, 8_192_000_000),
    ],
)
def test_contents_are_what_their_names_say(
    size: str, tensors: int, elements: int, nbytes: int
) -> None:
    assert CONTENTS[size] == (size, tensors, elements)
    assert CONTENTS[size].nbytes == nbytes


def test_scaled_contents_have_fewer_small_tensors_or_shorter_large_ones() -> None:
    assert CONTENTS["100k"].scaled(0.01) == ("100k x 0.01", 1000, 16)
    assert CONTENTS["2GB"].scaled(0.5) == ("2GB x 0.5", 8, 31_250_000)
    assert CONTENTS["2GB"].scaled(1) == CONTENTS["2GB"]


def test_keys_ascend_and_arrays_are_the_same_each_time() -> None:
    contents = Contents("", 2, 3)
    assert contents.keys() == [key for key, _ in contents.arrays()] == KEYS
    first, second = (np.stack([array for _, array in contents.arrays()]) for _ in range(2))
    assert first.dtype == np.float32
    assert first.shape == (2, 3)
    assert len(np.unique(first)) == 6
    assert first.tobytes() == second.tobytes()


def test_arrays_that_are_made_one_by_one_are_not_held() -> None:
    arrays = Contents("", 2, 3).arrays()
    _, array = next(arrays)
    first = weakref.ref(array)
    del array
    gc.collect()
    assert first() is None


@needs_posix
def test_a_worker_of_pbckpt_does_every_job(tmp_path: Path) -> None:
    prefix = str(tmp_path / "model.ckpt")
    with Worker(OURS) as worker:
        worker.ask(Job.PREPARE, 2, 2000)
        run = worker.ask(Job.WRITE, prefix)
        worker.ask(Job.READ, prefix)
        worker.ask(Job.VIEW, prefix)
        worker.ask(Job.OPEN, prefix, KEYS[1], repeats=3)
    assert [(key, tuple(shape)) for key, shape in list_variables(prefix)] == [
        (KEYS[0], (2000,)),
        (KEYS[1], (2000,)),
    ]
    expected = dict(Contents("", 2, 2000).arrays())
    assert load_checkpoint(prefix)[KEYS[1]].tobytes() == expected[KEYS[1]].tobytes()
    assert 0 < run.seconds < 60
    assert run.peak_bytes > 8 << 20


@needs_posix
def test_a_call_is_measured_in_an_empty_folder_that_is_removed(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    with Worker(OURS) as worker:
        worker.ask(Job.PREPARE, 1, 1)
        call = Call("pbckpt", worker, Job.WRITE, (str(outputs / "m"),), outputs)
        measure(call)
        measure(call)
    assert not outputs.exists()


@needs_posix
def test_a_job_that_fails_is_an_error_after_which_the_worker_goes_on(tmp_path: Path) -> None:
    with Worker(OURS) as worker:
        with pytest.raises(MeasureError, match=r"pbckpt: MissingFileError: .*m\.index") as caught:
            worker.ask(Job.READ, str(tmp_path / "m"))
        worker.ask(Job.PREPARE, 1, 1)
    assert caught.value.label == "pbckpt"


@needs_posix
def test_an_answer_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    slow = FAKE_TENSORFLOW + "import time; constant = lambda value: time.sleep(600)\n"
    peer = Interpreter("slow", interpreter(tmp_path, slow), "tensorflow")
    with Worker(peer) as worker, pytest.raises(MeasureError, match=r"slow: not done after 0\.2 s"):
        worker.ask(Job.PREPARE, 1, 1, limit=0.2)


@needs_posix
def test_a_worker_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    dying = FAKE_TENSORFLOW + (
        "import os, sys\n"
        "def constant(value): print('sorry', file=sys.stderr, flush=True); os._exit(3)\n"
    )
    peer = Interpreter("dying", interpreter(tmp_path, dying), "tensorflow")
    with Worker(peer) as worker:
        with pytest.raises(MeasureError, match="dying: exit status 3: sorry"):
            worker.ask(Job.PREPARE, 1, 1)
        with pytest.raises(MeasureError, match="dying: exit status 3: sorry"):
            worker.ask(Job.PREPARE, 1, 1)


@pytest.mark.parametrize(
    ("python", "message"),
    [("nobody", "a peer: .*No such file"), ("python", "a peer: exit status 1: ImportError: no")],
)
@needs_posix
def test_a_worker_that_does_not_start_is_an_error(
    tmp_path: Path, python: str, message: str
) -> None:
    interpreter(tmp_path, "raise ImportError('no')")
    with pytest.raises(MeasureError, match=message):
        Worker(Interpreter("a peer", str(tmp_path / python), "tensorflow"))


@needs_posix
def test_arrays_are_compared_with_tensorflow_2_alone(tmp_path: Path) -> None:
    new, old = (
        interpreter(tmp_path / version, f"__version__ = '{version}'")
        for version in ("2.21.0", "1.15.5")
    )
    nobody = str(tmp_path / "nobody")
    found, skipped = tensorflow_interpreters([old, new, nobody])
    assert found == (("TensorFlow 2.21.0", new, "tensorflow"),)
    assert skipped == (
        "arrays: TensorFlow 1.15.5: only TensorFlow 2 is compared with",
        f"arrays: {nobody}: cannot import tensorflow",
    )


def test_a_table_has_what_is_wanted(tmp_path: Path) -> None:
    ours, theirs = Command("pbckpt", (), tmp_path), Command("TensorFlow", (), tmp_path)
    contents = CONTENTS["2GB"]
    pairs = Pairs((Run(0.0005, 10_000_000),), (Run(1.0, 20_000_000),))
    lines = table(
        Results(
            (Result(Comparison(contents, "write", ours, theirs, 0.5), pairs),),
            ("nothing else",),
            (Footprint(contents, "a generator", Run(2.0, 180_000_000), 300_000_000),),
        )
    ).splitlines()
    assert (
        "2GB   write  TensorFlow  0.0005 s  1.000 s  0.0005  <= 0.5  10.0 MB        20.0 MB"
        in lines[1]
    )
    assert lines[2:] == [
        "peak memory of a generator, 2GB: 180.0 MB in 2.000 s (wanted: < 300 MB)",
        "not measured: nothing else",
    ]


@needs_posix
def test_the_program_compares_arrays_and_cleans_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python, folder = interpreter(tmp_path, FAKE_TENSORFLOW), tmp_path / "bench"
    options = ["--only", "arrays", "--scale", "0.0001", "--runs", "1", "--dir", str(folder)]
    assert main([*options, "--tensorflow", python, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert [
        (result["size"], result["what"], result["other"]["command"], result["wanted"])
        for result in measured["comparisons"]
    ] == [
        ("2GB x 0.0001", "write", "cp", 1.1),
        ("2GB x 0.0001", "write", "TensorFlow 2.99", 0.5),
        ("100k x 0.0001", "write", "TensorFlow 2.99", 1),
        ("100k x 0.0001", "open, read one", "TensorFlow 2.99", 0.05),
        ("2GB x 0.0001", "read: own arrays", "TensorFlow 2.99", None),
        ("2GB x 0.0001", "read: in place", "TensorFlow 2.99", None),
        ("100k x 0.0001", "read: own arrays", "TensorFlow 2.99", 1),
        ("100k x 0.0001", "read: in place", "TensorFlow 2.99", 1),
    ]
    assert [
        (footprint["size"], footprint["tensors"], footprint["bytes"], footprint["wanted_bytes"])
        for footprint in measured["footprints"]
    ] == [("8GB x 0.0001", 64, 64 * 3200 * 4, 300_000_000)]
    assert measured["not_measured"] == []
    assert list(folder.iterdir()) == []


@needs_posix
def test_a_tensorflow_that_fails_is_told_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = interpreter(tmp_path, "__version__ = '2.0'")
    options = ["--only", "open", "--scale", "0.0001", "--runs", "1", "--dir", str(tmp_path / "d")]
    assert main([*options, "--tensorflow", python]) == 0
    assert capsys.readouterr().out == (
        "not measured: 100k x 0.0001: TensorFlow 2.0: AttributeError:"
        " module 'tensorflow' has no attribute 'train'\n"
    )


@needs_posix
def test_a_pbckpt_that_fails_ends_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaging = FAKE_TENSORFLOW + (
        "def _damage(prefix): open(prefix + '.index', 'w').close(); return _Reader()\n"
        "train.load_checkpoint = _damage\n"
    )
    python = interpreter(tmp_path, damaging)
    options = ["--only", "open", "--scale", "0.0001", "--runs", "1", "--dir", str(tmp_path / "d")]
    assert main([*options, "--tensorflow", python]) == 1
    assert "error: pbckpt: CorruptFileError: " in capsys.readouterr().err
    assert list((tmp_path / "d").iterdir()) == []
