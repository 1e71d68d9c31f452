"""Products: matrices multiplied, alone or in batches, and sums of products in general.

Floats are multiplied in the next wider type and rounded once; TensorFlow may
differ in the last digits, for it rounds on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def mat_mul(call: Call) -> Array:
    """Multiply two matrices, each of them transposed first or not."""
    first, second = call.inputs
    if first.ndim != 2 or second.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise call.invalid("a factor that is no matrix")
    if call.flag("transpose_a"):
        first = first.T
    if call.flag("transpose_b"):
        second = second.T
    return _product(call, first, second)


def batch_mat_mul(call: Call) -> Array:
    """Multiply matrices in batches, each side adjoint first or not."""
    first, second = call.inputs
    if first.ndim < 2 or second.ndim < 2:  # noqa: PLR2004 - rows and columns
        raise call.invalid("a factor that is no matrix")
    if call.op == "BatchMatMul" and first.shape[:-2] != second.shape[:-2]:
        raise call.invalid("batches of different shapes")
    if call.flag("adj_x"):
        first = _adjoint(call, first)
    if call.flag("adj_y"):
        second = _adjoint(call, second)
    return _product(call, first, second)


def _adjoint(call: Call, array: Array) -> Array:
    call.room(array.shape, array.dtype)
    turned = np.swapaxes(array, -1, -2)
    return np.conjugate(turned) if array.dtype.kind == "c" else turned


def _product(call: Call, first: Array, second: Array) -> Array:
    call.check_numbers()
    if first.shape[-1] != second.shape[-2]:
        raise call.invalid(f"{first.shape[-1]} columns by {second.shape[-2]} rows")
    batch = call.broadcast(first.shape[:-2], second.shape[:-2])
    wide = _wide_type(call.dtype())
    shape = call.room((*batch, first.shape[-2], second.shape[-1]), wide)
    count = int(np.prod(shape, dtype=np.float64))
    call.work(count * max(1, first.shape[-1]))
    call.reserve((first.size + second.size) * wide.itemsize)
    found = np.matmul(first.astype(wide), second.astype(wide))
    return found.astype(call.dtype())


def _wide_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind in "iu":
        return dtype
    return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)


def einsum(call: Call) -> Array:
    """Add up products of elements as an equation says."""
    call.check_numbers()
    equation = call.text("equation", "").replace(" ", "")
    given, arrow, result = equation.partition("->")
    terms = given.split(",")
    if not arrow or len(terms) != len(call.inputs):
        raise call.invalid(f"the equation {equation[:80]!r} for {len(call.inputs)} inputs")
    sizes = _label_sizes(call, terms)
    if "." in equation:
        # numpy broadcasts them too; how large they are is what their axes say.
        spread = [
            _ellipsis_shape(term, array.shape)
            for term, array in zip(terms, call.inputs, strict=True)
        ]
        dots: tuple[int, ...] = call.broadcast(*spread)
    else:
        dots = ()
    if not set(result.replace(".", "")) <= set(sizes):
        raise call.invalid(f"the equation {equation[:80]!r}")
    wide = _wide_type(call.dtype())
    shape = [sizes[label] for label in result if label != "."]
    call.room([*shape, *dots], wide)
    work = 1
    for size in (*sizes.values(), *dots):
        work *= size
    call.work(work)
    call.reserve(sum(array.size for array in call.inputs) * wide.itemsize)
    arrays = [array.astype(wide) for array in call.inputs]
    return np.asarray(np.einsum(equation, *arrays, optimize=False)).astype(call.dtype())


def _label_sizes(call: Call, terms: list[str]) -> dict[str, int]:
    """Return how long the axis of each letter is, which must be the same everywhere."""
    sizes: dict[str, int] = {}
    for term, array in zip(terms, call.inputs, strict=True):
        before, dots, after = term.partition("...")
        if not (before + after).isalpha() and before + after:
            raise call.invalid(f"the term {term[:80]!r}")
        used = len(before) + len(after)
        if used > array.ndim or (not dots and used != array.ndim):
            raise call.invalid(f"the term {term[:80]!r} for {array.ndim} dimensions")
        ends = array.shape[: len(before)] + array.shape[array.ndim - len(after) :]
        for label, size in zip(before + after, ends, strict=True):
            if sizes.setdefault(label, size) != size:
                raise call.invalid(f"axes of {sizes[label]} and {size} with one letter")
    return sizes


def _ellipsis_shape(term: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    before, dots, after = term.partition("...")
    return shape[len(before) : len(shape) - len(after)] if dots else ()


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "MatMul": mat_mul,
    "BatchMatMul": batch_mat_mul,
    "BatchMatMulV2": batch_mat_mul,
    "BatchMatMulV3": batch_mat_mul,
    "Einsum": einsum,
}
