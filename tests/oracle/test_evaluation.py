"""Does an evaluated tensor have the bits that TensorFlow computes?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import PbckptError, UnsupportedGraphError
from pbckpt.evaluation.denormals import flushed
from pbckpt.evaluation.evaluator import Evaluator
from pbckpt.evaluation.table import OPS
from tests.oracle.evaluation_cases import cases_of
from tests.oracle.evaluation_values import MAKERS
from tests.oracle.judge import WorkerDiedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oracle.evaluation_case import Case
    from tests.oracle.judge import TensorFlowJudge

EVERY_OP = sorted(OPS & set(MAKERS))
# Ops that TensorFlow approximates: a number and the one beside it are alike.
ROUNDED = frozenset(
    (
        *(
            [
                "Cos",
                "Exp",
                "Log",
                "Rsqrt",
                "Sin",
                "Maximum",
                "Minimum",
                "Relu",
                "Relu6",
                "Dequantize",
                "Neg",
                "Sqrt",
            ]
        ),
        *(["QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"]),
    )
)
# Only these are one number off; of the others, zeros may have another sign.
ONE_ULP = ROUNDED - {"Maximum", "Minimum", "Relu", "Relu6", "Dequantize", "Neg", "Sqrt"}
# What version 1 rounds in steps of its own, looked at by the size of the largest number.
STEPS = frozenset(op for op in MAKERS if op.startswith("FakeQuant"))
# What version 1 takes from an approximation of the processor's, digits off.
APPROXIMATE = frozenset(("Sqrt", "Rsqrt"))
# What this refuses and some version of TensorFlow computes anyhow, in undefined ways.
STRICTER = ("divided by zero", "an index outside")


def ulps(found: Any, expected: Any) -> float:  # noqa: ANN401 - arrays
    """Return how many numbers of the type lie between two arrays, at most; NaNs are alike."""
    if found.dtype.kind == "c":
        parts = [(found.real, expected.real), (found.imag, expected.imag)]
        return max(ulps(*map(np.ascontiguousarray, part)) for part in parts)
    same = np.ascontiguousarray(found).tobytes() == np.ascontiguousarray(expected).tobytes()
    if same or not found.size:
        return 0
    if found.dtype.kind in "biu":
        return float("inf")
    nans = np.isnan(found), np.isnan(expected)
    if (nans[0] != nans[1]).any():
        return float("inf")
    return float(np.abs(_ordered(found) - _ordered(expected))[~nans[0].reshape(-1)].max(initial=0))


def _ordered(array: Any) -> Any:  # noqa: ANN401 - arrays
    """Return numbers that follow each other as the floats do; both zeros are apart."""
    bits = np.ascontiguousarray(array).reshape(-1).view(f"i{array.dtype.itemsize}")
    lowest = int(np.iinfo(bits.dtype).min)
    return np.array([b if b >= 0 else lowest - b - 1 for b in bits.astype(object)], object)


def distance(op: str, found: Any, expected: Any) -> float:  # noqa: ANN401 - arrays
    """Return by how many numbers two arrays differ, as it counts for an op."""
    if op in STEPS:
        return _in_steps(found, expected)
    if op in ROUNDED:
        found, expected = _unsigned_zeros(found), _unsigned_zeros(expected)
    return ulps(found, expected)


def _unsigned_zeros(array: Any) -> Any:  # noqa: ANN401 - arrays
    """Return an array with positive zeros for denormals and for other zeros."""
    array = np.array(flushed(array))
    parts = (array.real, array.imag) if array.dtype.kind == "c" else (array,)
    for part in parts:
        part[part == 0] = 0
    return array


def _in_steps(found: Any, expected: Any) -> float:  # noqa: ANN401 - arrays
    """Return 0 where arrays differ by less than the last digits of their largest number."""
    if (np.isnan(found) != np.isnan(expected)).any():
        return float("inf")
    apart = np.nanmax(np.abs(found.astype(np.float64) - expected), initial=0)
    return 0 if apart <= 4 * np.spacing(np.nanmax(np.abs(expected), initial=0)) else float(apart)


class Outcome(NamedTuple):
    """One case: what was wrong, or by how much the result is off."""

    case: Case
    wrong: str
    off: float = float("inf")


class Evaluated(NamedTuple):
    """A case, and what this makes of it: arrays and their types, or why there are none."""

    case: Case
    arrays: tuple[tuple[Any, DataType], ...]
    refusal: PbckptError | None

    @property
    def is_asked(self) -> bool:
        """Tell whether TensorFlow's answer matters: what is refused for good is not wrong."""
        if self.refusal is None or isinstance(self.refusal, UnsupportedGraphError):
            return self.refusal is None
        return all(text not in str(self.refusal) for text in STRICTER)

    @property
    def group(self) -> str:
        """Name the op's cases that have the same attrs."""
        return str(sorted((name, str(value)) for name, value in self.case.attrs.items()))


def evaluated(case: Case) -> Evaluated:
    """Evaluate the outputs of a case."""
    evaluator = Evaluator(case.nodes())
    try:
        arrays = [(evaluator.evaluate(name), evaluator.dtype(name)) for name in case.names]
    except PbckptError as error:
        return Evaluated(case, (), error)
    return Evaluated(case, tuple(arrays), None)


def outcome(ours: Evaluated, answer: dict[str, Any]) -> Outcome | None:
    """Compare one case; None where TensorFlow has no opinion."""
    case = ours.case
    if "error" in answer:
        return None  # there is no right value
    if ours.refusal is not None:
        return Outcome(case, f"refused: {ours.refusal}")
    worst = 0.0
    for name, (array, own_dtype), told in zip(
        case.names, ours.arrays, answer["tensors"], strict=True
    ):
        dtype = DataType(told["dtype"])
        if own_dtype is not dtype or list(array.shape) != told["shape"]:
            return Outcome(case, f"{name}: {array.dtype}{array.shape}, TensorFlow {told}"[:300])
        expected = np.frombuffer(bytes.fromhex(told["hex"]), numpy_dtype(dtype))
        with np.errstate(all="ignore"):
            off = distance(case.op, array, expected.reshape(array.shape))
        if off > (case.op in ONE_ULP):
            return Outcome(case, f"{name}: {_differences(array, expected)}", off)
        worst = max(worst, off)
    return Outcome(case, "", worst)


def _differences(found: Any, expected: Any) -> str:  # noqa: ANN401 - arrays
    """Say which elements differ most."""
    pairs = list(zip(found.reshape(-1), expected.reshape(-1), strict=True))
    offs = [ulps(np.asarray(one), np.asarray(other)) for one, other in pairs]
    worst = sorted(range(len(offs)), key=offs.__getitem__, reverse=True)[:3]
    told = [f"[{at}] is {pairs[at][0]!r}, TensorFlow has {pairs[at][1]!r}" for at in worst]
    return "; ".join(told)


def judged(judge: TensorFlowJudge, folder: Path, op: str) -> list[Outcome]:
    """Ask TensorFlow for all cases of an op."""
    ours = [one for case in cases_of(op) if (one := evaluated(case)).is_asked]
    asked = [
        {
            "graph_hex": one.case.graph().SerializeToString().hex(),
            "outputs": one.case.names,
            "group": one.group,
        }
        for one in ours
    ]
    paths = folder / "cases.json", folder / "answers.json"
    paths[0].write_text(json.dumps(asked), encoding="ascii")
    try:
        told = judge.ask("evaluate_many", cases=str(paths[0]), answers=str(paths[1]))
    except WorkerDiedError:
        pytest.skip(f"this TensorFlow aborts on a case of {op}")
    first = told["version"].startswith("1.")
    answers = json.loads(paths[1].read_text(encoding="ascii"))
    return [
        found
        for one, answer in zip(ours, answers, strict=True)
        if not (first and op in APPROXIMATE)
        if (found := outcome(one, answer)) is not None
    ]


@pytest.mark.parametrize("op", EVERY_OP)
def test_values_are_those_of_tensorflow(judge: TensorFlowJudge, tmp_path: Path, op: str) -> None:
    outcomes = judged(judge, tmp_path, op)
    if not outcomes:
        pytest.skip(f"this TensorFlow has no {op}")
    wrong = [f"{one.case}\n   {one.wrong}" for one in outcomes if one.wrong]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}:\n" + "\n".join(wrong[:10])
    off = max(outcomes, key=lambda one: one.off)
    assert off.off <= 1, str(off)
