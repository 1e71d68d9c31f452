"""Cases: random checkpoints, described in few words that hypothesis can make smaller.

A case says how a tensor's elements are made, not what they are: ``seed`` is that
of their bits, and 0 stands for zeros. So is ``order`` that of the order in which
parts are stored, and 0 leaves them as they are.
"""

from __future__ import annotations

import random
from enum import Enum
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pbckpt.bundle.entry import Extent
from pbckpt.bundle.slices import bounds
from pbckpt.dtypes import DataType, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pbckpt.bundle.entry import TensorSlice
    from tests.oracle.judge import Value

    Array = npt.NDArray[Any]

MAX_SHARDS = 4
MAX_TENSORS = 8
MAX_ELEMENTS = 600
STRING_LENGTHS = (0, 0, 1, 2, 7, 127, 128, 300)
QUANTIZED = frozenset(range(DataType.QINT8, DataType.QINT32 + 1)) | {
    DataType.QINT16,
    DataType.QUINT16,
}
# The types of which TensorFlow puts parts together, or takes parts that are not stored as such.
REASSEMBLED = frozenset(
    {
        DataType.FLOAT,
        DataType.DOUBLE,
        DataType.INT32,
        DataType.UINT8,
        DataType.INT16,
        DataType.INT8,
        DataType.COMPLEX64,
        DataType.COMPLEX128,
        DataType.INT64,
        DataType.BOOL,
        DataType.QINT32,
        DataType.QUINT8,
        DataType.QINT8,
        DataType.BFLOAT16,
    }
)


class Form(Enum):
    """In which form an array is given to be saved."""

    ARRAY = "array"
    FORTRAN = "fortran"
    BIG_ENDIAN = "big-endian"
    CALLABLE = "callable"
    LAZY = "lazy"
    LAZY_ROWS = "lazy rows"


class Reader(Enum):
    """Who reads a case."""

    TENSORFLOW = "tensorflow"
    PBCKPT = "pbckpt"


class Division(Enum):
    """How a layout divides tensors into shards."""

    NONE = "none"
    NUM_SHARDS = "num_shards"
    MAX_SHARD_BYTES = "max_shard_bytes"
    SHARD_OF = "shard_of"


class TensorCase(NamedTuple):
    """A tensor: what it is, how it is stored, and which parts of it are asked for.

    ``cuts`` are the places at which each axis is cut; None for a tensor that is
    not partitioned. ``whole_axes`` says that axes without cuts are told as whole,
    and not from 0 to their end.
    """

    name: bytes
    dtype: DataType
    shape: tuple[int, ...]
    seed: int
    form: Form
    cuts: tuple[tuple[int, ...], ...] | None
    whole_axes: bool
    order: int
    shards: tuple[int, ...]
    boxes: tuple[TensorSlice, ...]
    index: Any

    @property
    def text(self) -> str:
        """The name as pbckpt has it."""
        return self.name.decode("utf-8", "surrogateescape")

    def array(self) -> Array:
        """Make the elements."""
        count = prod(self.shape)
        rng = random.Random(self.seed)  # noqa: S311 - not a secret
        if self.dtype is DataType.STRING:
            array: Array = np.empty(count, object)
            lengths = rng.choices(STRING_LENGTHS, k=count) if self.seed else [0] * count
            array[:] = [rng.randbytes(length) for length in lengths]
            return array.reshape(self.shape)
        nbytes = count * self.dtype.itemsize
        bits = rng.randbytes(nbytes) if self.seed else bytes(nbytes)
        if self.dtype is DataType.BOOL:
            bits = bytes(byte & 1 for byte in bits)
        # numpy refuses to view an empty buffer.
        flat = np.frombuffer(bits or bytes(16), numpy_dtype(self.dtype))
        return flat[:count].reshape(self.shape)

    def parts(self) -> list[TensorSlice]:
        """Return the parts that are stored, in their order; one for a tensor that is whole."""
        if self.cuts is None:
            return [tuple(Extent(0, None) for _ in self.shape)]
        axes = [
            [Extent(0, None)]
            if self.whole_axes and not cuts
            else [Extent(start, end - start) for start, end in pairwise((0, *cuts, size))]
            for size, cuts in zip(self.shape, self.cuts, strict=True)
        ]
        parts = list(product(*axes))
        if self.order:
            random.Random(self.order).shuffle(parts)  # noqa: S311 - not a secret
        return parts

    def shard(self, place: int) -> int:
        """Return in which shard the part at this place is."""
        return self.shards[place % len(self.shards)]


class CheckpointCase(NamedTuple):
    """A checkpoint. The last four say how `save_checkpoint` is to be called."""

    tensors: tuple[TensorCase, ...]
    division: Division
    number: int
    as_pairs: bool
    replaced: bool


def value_of(array: Array) -> Value:
    """Return the elements as the judge has them."""
    return array.reshape(-1).tolist() if array.dtype == object else array.tobytes()


def piece(array: Array, part: TensorSlice) -> Array:
    """Return a part of an array."""
    # With an ellipsis, what is taken of a scalar is an array too.
    index: Any = (*(slice(*ends) for ends in bounds(array.shape, part)), ...)
    return taken(array, index)


def taken(array: Array, index: Any) -> Array:  # noqa: ANN401 - as an index is
    """Return what an index takes of an array, as an array even if it is one element."""
    found: Any = array[index]
    if isinstance(found, np.ndarray):
        return found
    one = np.empty((), array.dtype)
    one[()] = found
    return one


def slice_text(shape: Sequence[int], part: TensorSlice) -> str:
    """Return a part in the notation of SaveV2 and RestoreV2; nothing for a scalar."""
    if not shape:
        return ""
    told = ":".join("-" if one.length is None else f"{one.start},{one.length}" for one in part)
    return " ".join([*map(str, shape), told])


# Names that begin like others, as names of variables do, and any other bytes.
PIECES = (b"layer", b"/", b".", b"\0", b"\xff", b"k", b"0", b"\xc3\xa9", b"\xe6\x97\xa5", b"\0\x01")
NAMES = st.one_of(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(b"".join),
    st.text(min_size=1, max_size=12).map(str.encode),
    st.binary(min_size=1, max_size=20),
)
SEEDS = st.integers(0, 1 << 30)
SIZES = st.lists(st.sampled_from((1, 2, 3, 5, 9, 4, 2, 0)), max_size=5)
FORMS = st.sampled_from(Form)
# Many draws make a case slow: one number stands for several small choices.
SHARDS = st.integers(0, MAX_SHARDS**3 - 1).map(
    lambda number: tuple(number // MAX_SHARDS**place % MAX_SHARDS for place in range(3))
)
CUTS = st.one_of(st.none(), st.lists(st.integers(0, 999), max_size=4))
BOXES = st.lists(st.integers(0, 1 << 40), max_size=2)


def limited(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return a shape of these sizes, some of them 1 lest there are too many elements."""
    shape: list[int] = []
    for size in sizes:
        shape.append(size if prod(shape) * size <= MAX_ELEMENTS else 1)
    return tuple(shape)


def cuts_of(
    shape: tuple[int, ...], numbers: list[int] | None
) -> tuple[tuple[int, ...], ...] | None:
    """Return where a tensor is cut: each number stands for a place in one of its axes."""
    if numbers is None or not shape or 0 in shape:
        return None
    places = [(axis, place) for axis, size in enumerate(shape) for place in range(1, size)]
    chosen = {places[number % len(places)] for number in numbers} if places else set()
    return tuple(
        tuple(sorted(place for other, place in chosen if other == axis))
        for axis in range(len(shape))
    )


def box_of(shape: tuple[int, ...], number: int) -> TensorSlice:
    """Return the part that is not empty for which a number stands; all of it for 0."""
    box = []
    for size in shape:
        number, whole = divmod(number, 2)
        number, start = divmod(number, size)
        number, left = divmod(number, size - start)
        box.append(Extent(start, left + 1) if whole else Extent(0, None))
    return tuple(box)


def indexes_of(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Draw what numpy can be asked for: mostly places and ranges, sometimes lists of places."""
    basic = hnp.basic_indices(shape, allow_newaxis=True)
    if not shape or 0 in shape:
        return basic
    result = hnp.array_shapes(max_dims=2, max_side=3)
    return st.one_of(basic, basic, hnp.integer_array_indices(shape, result_shape=result))


@st.composite
def tensors(
    draw: st.DrawFn, name: bytes, dtypes: st.SearchStrategy[DataType], reader: Reader
) -> TensorCase:
    """Draw a tensor of that name, and what its reader is to be asked for."""
    dtype, shape = draw(dtypes), limited(draw(SIZES))
    boxes: list[int] = []
    index: Any = ()
    if reader is Reader.PBCKPT:
        index = draw(indexes_of(shape)) if draw(st.booleans()) else ()
    elif dtype in REASSEMBLED and shape and 0 not in shape:
        boxes = draw(BOXES)
    return TensorCase(
        name,
        dtype,
        shape,
        seed=draw(SEEDS),
        form=draw(FORMS),
        cuts=cuts_of(shape, draw(CUTS)),
        whole_axes=draw(st.booleans()),
        order=draw(SEEDS),
        shards=draw(SHARDS),
        boxes=tuple(box_of(shape, number) for number in boxes),
        index=index,
    )


@st.composite
def checkpoints(
    draw: st.DrawFn, dtypes: Sequence[DataType], reader: Reader, *, min_tensors: int = 0
) -> CheckpointCase:
    """Draw a checkpoint with tensors of some of these types."""
    names = draw(st.lists(NAMES, min_size=min_tensors, max_size=MAX_TENSORS, unique=True))
    types = st.sampled_from(dtypes)
    division = draw(st.sampled_from(Division))
    return CheckpointCase(
        tuple(draw(tensors(name, types, reader)) for name in names),
        division,
        draw(st.integers(1, MAX_SHARDS)),
        draw(st.booleans()) and division in (Division.NONE, Division.MAX_SHARD_BYTES),
        draw(st.booleans()),
    )
