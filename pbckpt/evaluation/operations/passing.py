"""Passing: ops that hand a tensor on as it is, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def same(call: Call) -> Array:
    """Return the first input."""
    return call.inputs[0]


def all_same(call: Call) -> list[Array]:
    """Return all inputs."""
    return list(call.inputs)


def check_numerics(call: Call) -> Array:
    """Return the input. TensorFlow stops at a number that is none, and so does this."""
    array = call.inputs[0]
    call.room(array.shape)
    if not np.isfinite(array).all():
        raise call.invalid("a number that is NaN or infinite")
    return array


def ensure_shape(call: Call) -> Array:
    """Return the input, whose shape must be the one that the attr allows."""
    array = call.inputs[0]
    value = call.node.definition.attr.get("shape")
    if value is not None and not value.shape.unknown_rank:
        sizes = [dim.size for dim in value.shape.dim]
        fits = [size in (-1, found) for size, found in zip(sizes, array.shape)]  # noqa: B905
        if len(sizes) != array.ndim or not all(fits):
            raise call.invalid(f"a tensor of shape {list(array.shape)[:8]}, not {sizes[:8]}")
    return array


def switch(call: Call) -> list[Array | None]:
    """Return the input as the output that the predicate chooses."""
    array = call.inputs[0]
    return [None, array] if call.scalar(1) else [array, None]


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(("DeepCopy", "Enter", "GuaranteeConst", "Identity", "PreventGradient"), same),
    **dict.fromkeys(("Snapshot", "StopGradient", "PlaceholderWithDefault", "Print"), same),
    "CheckNumerics": check_numerics,
    "CheckNumericsV2": check_numerics,
    "EnsureShape": ensure_shape,
    "IdentityN": all_same,
    "Switch": switch,
}
