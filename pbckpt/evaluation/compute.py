"""Compute: the steps to a tensor, one by one, with every array let go after its last use.

numpy's own errors are turned into the graph's here: whatever an operation did
not foresee, its inputs were not what TensorFlow would have taken.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pbckpt.dtypes import DataType, numpy_dtype
from pbckpt.errors import LimitError
from pbckpt.evaluation.call import Call
from pbckpt.evaluation.constants import constant_array
from pbckpt.evaluation.denormals import flushed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from pbckpt.evaluation.limits import Ledger
    from pbckpt.evaluation.steps import Place, Step

    Array = npt.NDArray[Any]

_MERGE = "Merge"
# Files of operations that do arithmetic, and what of them only looks at bits.
_COMPUTING = frozenset(
    (
        "arithmetic",
        "casting",
        "comparison",
        "fake_quant",
        "functions",
        "quantized",
        "reductions",
    )
)
# Casts that only move bits.
_SAME_BITS = frozenset(
    (
        *((dtype, dtype) for dtype in DataType),
        (DataType.BFLOAT16, DataType.FLOAT),
        (DataType.FLOAT, DataType.COMPLEX64),
    )
)
_OF_BITS = frozenset(("Abs", "Bitcast", "Conj", "Neg"))


def compute(
    order: Sequence[tuple[Step, list[Place]]], uses: dict[Place, int], wanted: Place, ledger: Ledger
) -> Array | None:
    """Return the value of a tensor, or None where it is dead.

    ``order`` has each step after those that it takes inputs from.
    """
    values: dict[Place, Array | None] = {}
    for step, sources in order:
        outputs = _outputs(step, [values[source] for source in sources], ledger)
        for port, value in enumerate(outputs):
            place = wanted._replace(node=step.node.name, port=port)
            if place in uses:
                values[place] = value
                if value is not None:
                    ledger.hold(value)
        for source in sources:
            uses[source] -= 1
            if not uses[source]:
                dropped = values.pop(source)
                if dropped is not None:
                    ledger.drop(dropped)
    found = values.pop(wanted)
    return None if found is None else _own(found, wanted, ledger)


def _own(array: Array, wanted: Place, ledger: Ledger) -> Array:
    """Return an array that owns its elements, in C order, and may be written to."""
    if array.flags.owndata and array.flags.c_contiguous and array.flags.writeable:
        return array
    ledger.reserve(array.nbytes, f"node {wanted.node!r}")
    return np.array(array, order="C", copy=True)


def _outputs(step: Step, inputs: list[Array | None], ledger: Ledger) -> list[Array | None]:
    node = step.node
    if node.op == "Const":
        return [constant_array(node, ledger)]
    if node.op != _MERGE and any(value is None for value in inputs):
        return [None] * len(step.results)
    call = Call(node, [value for value in inputs if value is not None], step.results, ledger)
    if node.op == _MERGE:
        return _merged(call, inputs)
    computes = _computes(step)
    if computes:
        call.inputs = [flushed(array) for array in call.inputs]
    outputs = _run(call, operation(step.row.file, node.op))
    found = [_checked(call, at, value) for at, value in enumerate(outputs)]
    return [flushed(array) if computes and array is not None else array for array in found]


def _computes(step: Step) -> bool:
    """Tell whether an op does arithmetic, for which denormals are zeros."""
    same = step.node.op == "Cast" and (step.wanted[0], step.results[0]) in _SAME_BITS
    return step.row.file in _COMPUTING and step.node.op not in _OF_BITS and not same


def _merged(call: Call, inputs: list[Array | None]) -> list[Array | None]:
    """Return the one input that is alive, and its number."""
    alive = [at for at, value in enumerate(inputs) if value is not None]
    if not alive:
        return [None, None]
    if len(alive) > 1:
        raise call.unsupported("of more than one input that has a value")
    return [inputs[alive[0]], np.array(alive[0], np.int32)]


@cache
def operation(file: str, op: str) -> Callable[[Call], Any]:
    """Return what computes an op."""
    found: Callable[[Call], Any] = import_module(f"pbckpt.evaluation.operations.{file}").OPERATIONS[
        op
    ]
    return found


def _run(call: Call, function: Callable[[Call], Any]) -> list[Any]:
    try:
        with np.errstate(all="ignore"):
            result = function(call)
    except MemoryError:
        raise LimitError(
            f"the memory of this machine for node {call.node.name!r}",
            limit="max_bytes",
            value=1,
            maximum=0,
        ) from None
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise call.invalid(f"inputs or attrs that do not fit ({error})") from None
    return result if isinstance(result, list) else [result]


def _checked(call: Call, at: int, value: Any) -> Array | None:  # noqa: ANN401 - None or an array
    """Return a result as an array of the type that the node's attrs promise."""
    if value is None:
        return None
    wanted = numpy_dtype(call.results[at])
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype != wanted:
        raise call.unsupported(f"of type {call.results[at].label}")
    return array
