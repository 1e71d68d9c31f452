"""Blocks: ops that move blocks of space into the batch or the channels, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pbckpt.evaluation.call import Call

    Array = npt.NDArray[Any]


def space_to_batch_nd(call: Call) -> Array:
    """Pad, and move blocks of the axes after the first into the batch."""
    return _to_batch(call, call.ints(1), 2)


def space_to_batch(call: Call) -> Array:
    """Do so with square blocks of two axes."""
    return _to_batch(call, [call.integer("block_size")] * 2, 1)


def _to_batch(call: Call, block: list[int], paddings_at: int) -> Array:
    array = call.inputs[0]
    sides = _sides(call, block, paddings_at)
    spatial = len(block)
    padded = [
        size + before + after
        for size, (before, after) in zip(array.shape[1:], sides)  # noqa: B905 - axes are left over
    ]
    if any(size % one for size, one in zip(padded, block, strict=True)):
        raise call.invalid(f"{padded[:8]} cut into blocks of {block[:8]}")
    rest = array.shape[1 + spatial :]
    call.room((array.shape[0], *padded, *rest))
    call.room((1,) * (2 * spatial + 1 + len(rest)))
    whole = np.zeros((array.shape[0], *padded, *rest), array.dtype)
    inner = [slice(None)]
    inner += [slice(before, before + size) for (before, _), size in zip(sides, array.shape[1:])]  # noqa: B905
    whole[tuple(inner)] = array
    cut = [array.shape[0]]
    for size, one in zip(padded, block, strict=True):
        cut += [size // one, one]
    steps = range(spatial)
    order = [2 + 2 * at for at in steps] + [0] + [1 + 2 * at for at in steps]
    order += range(1 + 2 * spatial, 1 + 2 * spatial + len(rest))
    batch = array.shape[0] * int(np.prod(block, dtype=np.int64))
    shape = (batch, *(size // one for size, one in zip(padded, block, strict=True)), *rest)
    return whole.reshape((*cut, *rest)).transpose(order).reshape(shape)


def batch_to_space_nd(call: Call) -> Array:
    """Move parts of the batch back into blocks of the axes after it, and crop."""
    return _to_space(call, call.ints(1), 2)


def batch_to_space(call: Call) -> Array:
    """Do so with square blocks of two axes."""
    return _to_space(call, [call.integer("block_size")] * 2, 1)


def _to_space(call: Call, block: list[int], crops_at: int) -> Array:
    array = call.inputs[0]
    crops = _sides(call, block, crops_at)
    spatial = len(block)
    count = 1
    for one in block:
        count *= one
    if array.shape[0] % count:
        raise call.invalid(f"a batch of {array.shape[0]} put into blocks of {block[:8]}")
    batch, rest = array.shape[0] // count, array.shape[1 + spatial :]
    call.room((1,) * (2 * spatial + 1 + len(rest)))
    call.room(array.shape)
    order = [spatial]
    for at in range(spatial):
        order += [spatial + 1 + at, at]
    order += range(1 + 2 * spatial, 1 + 2 * spatial + len(rest))
    sizes = [size * one for size, one in zip(array.shape[1:], block)]  # noqa: B905
    if any(sum(crop) > size for crop, size in zip(crops, sizes, strict=True)):
        raise call.invalid(f"more cropped than there is of {sizes[:8]}")
    cut = array.reshape((*block, batch, *array.shape[1:])).transpose(order)
    whole = cut.reshape((batch, *sizes, *rest))
    inner = [
        slice(before, size - after) for (before, after), size in zip(crops, sizes, strict=True)
    ]
    return whole[(slice(None), *inner)]


def _sides(call: Call, block: list[int], at: int) -> list[tuple[int, int]]:
    """Return paddings or crops, having checked them and the block."""
    array, given = call.inputs[0], call.inputs[at]
    if not block or len(block) >= array.ndim or min(block) < 1 or given.shape != (len(block), 2):
        raise call.invalid(f"blocks of {block[:8]} of a tensor of {array.ndim} dimensions")
    if (given < 0).any():
        raise call.invalid("a padding or crop below 0")
    return [(int(before), int(after)) for before, after in given.tolist()]


def space_to_depth(call: Call) -> Array:
    """Move square blocks into the channels."""
    array, size, first = _image(call)
    batch, height, width, depth = array.shape
    if height % size or width % size:
        raise call.invalid(f"{height} by {width} cut into blocks of {size}")
    cut = array.reshape(batch, height // size, size, width // size, size, depth)
    moved = cut.transpose(0, 1, 3, 2, 4, 5)
    shape = (batch, height // size, width // size, size * size * depth)
    return _laid_out(call, moved.reshape(shape), first=first)


def depth_to_space(call: Call) -> Array:
    """Move channels into square blocks."""
    array, size, first = _image(call)
    batch, height, width, depth = array.shape
    if depth % (size * size):
        raise call.invalid(f"{depth} channels put into blocks of {size}")
    cut = array.reshape(batch, height, width, size, size, depth // (size * size))
    moved = cut.transpose(0, 1, 3, 2, 4, 5)
    shape = (batch, height * size, width * size, depth // (size * size))
    return _laid_out(call, moved.reshape(shape), first=first)


def _image(call: Call) -> tuple[Array, int, bool]:
    """Return the input with its channels last, the size of a block, and whether they were first."""
    array, size = call.inputs[0], call.integer("block_size")
    layout = call.text("data_format", "NHWC")
    if layout not in ("NHWC", "NCHW"):
        raise call.unsupported(f"of the layout {layout!r}")
    if array.ndim != 4 or size < 2:  # noqa: PLR2004 - the axes of an image
        raise call.invalid(f"blocks of {size} of a tensor of {array.ndim} dimensions")
    call.room(array.shape)
    first = layout == "NCHW"
    return (array.transpose(0, 2, 3, 1) if first else array), size, first


def _laid_out(call: Call, array: Array, *, first: bool) -> Array:
    call.room(array.shape)
    return array.transpose(0, 3, 1, 2) if first else array


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "SpaceToBatchND": space_to_batch_nd,
    "SpaceToBatch": space_to_batch,
    "BatchToSpaceND": batch_to_space_nd,
    "BatchToSpace": batch_to_space,
    "SpaceToDepth": space_to_depth,
    "DepthToSpace": depth_to_space,
}
