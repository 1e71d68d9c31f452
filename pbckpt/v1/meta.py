"""The list of tensors: the value under the empty key of every V1 file.

    SavedTensorSlices      1 meta
    SavedTensorSliceMeta   1 tensor (repeated), 2 versions
    SavedSliceMeta         1 name, 2 shape of the whole tensor, 3 type, 4 slices

A tensor that is stored whole has one slice, whose extents have no length. The
tensors are decoded one at a time: protobuf's form of a small message takes many
times its bytes, and a list of nothing but small ones would fill the memory.

Reference: tensorflow/core/util/saved_tensor_slice.proto. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.bundle.entry import PRODUCER_VERSION, Extent
from pbckpt.dtypes import DataType, data_type
from pbckpt.errors import CorruptFileError, GraphDecodeError, UnsupportedBundleError
from pbckpt.protos import SavedSliceMeta, VersionDef
from pbckpt.protos.decode import ProtoDecodeError, decode
from pbckpt.shapes import count_elements
from pbckpt.wire.fields import LENGTH, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbckpt.bundle.entry import TensorSlice
    from pbckpt.protos import TensorSliceProto

# Field numbers of SavedTensorSlices and of SavedTensorSliceMeta.
_META, _TENSOR, _VERSIONS = 1, 1, 2
WHOLE = Extent(0, None)
# Types that no saver of V1 knew; resources and variants never had a typed form in it.
_NEVER_STORED = (DataType.RESOURCE, DataType.VARIANT)
_LAST_TYPE = DataType.UINT64


class ListedTensor(NamedTuple):
    """One tensor of the list of one file, which may hold only some of its slices."""

    name: bytes
    dtype: DataType
    shape: tuple[int, ...]
    slices: tuple[TensorSlice, ...]


def decode_meta(record: bytes) -> Iterator[ListedTensor]:
    """Yield every tensor that a file lists, in the order of saving.

    Raises CorruptFileError, or UnsupportedBundleError for a file whose writer
    asks for a newer reader.
    """
    view = memoryview(record)
    try:
        _check_version(b"".join(_meta_bodies(view, _VERSIONS)))
        for body in _meta_bodies(view, _TENSOR):
            yield _decode_tensor(bytes(body))
    except GraphDecodeError as error:
        raise CorruptFileError(f"the list of tensors holds {error.fact}") from None


def _meta_bodies(view: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the messages that are field ``number`` of the list."""
    for meta in scan(view, 0, len(view)):
        if (meta.number, meta.wire_type) == (_META, LENGTH):
            for field in scan(view, meta.body, meta.end):
                if (field.number, field.wire_type) == (number, LENGTH):
                    yield view[field.body : field.end]


def _check_version(data: bytes) -> None:
    try:
        version = decode(VersionDef, data)
    except ProtoDecodeError:
        raise CorruptFileError("the version of the file does not decode") from None
    if version.min_consumer > PRODUCER_VERSION or PRODUCER_VERSION in version.bad_consumers:
        msg = (
            f"the checkpoint refuses readers of version {PRODUCER_VERSION}, as this one is: "
            f"it asks for version {version.min_consumer} or newer, "
            f"and for none of {list(version.bad_consumers)}"
        )
        raise UnsupportedBundleError(msg)


def _decode_tensor(data: bytes) -> ListedTensor:
    try:
        proto = decode(SavedSliceMeta, data)
    except ProtoDecodeError:
        raise CorruptFileError("a listed tensor that does not decode") from None
    if not proto.name:
        raise UnsupportedBundleError(
            "a V1 checkpoint with a tensor without a name, which no other form can hold"
        )
    dtype = data_type(proto.type)
    if dtype is None or dtype in _NEVER_STORED or dtype > _LAST_TYPE:
        msg = f"tensor {proto.name!r} has the type number {proto.type}, which V1 cannot store"
        raise CorruptFileError(msg)
    shape = tuple(dim.size for dim in proto.shape.dim)
    if proto.shape.unknown_rank or count_elements(shape) is None:
        msg = f"tensor {proto.name!r} has the impossible shape {list(shape)[:8]}"
        raise CorruptFileError(msg)
    slices = tuple(_decode_slice_within(part, shape, proto.name) for part in proto.slice)
    return ListedTensor(proto.name.encode(), dtype, shape, slices)


def _decode_slice_within(proto: TensorSliceProto, shape: tuple[int, ...], name: str) -> TensorSlice:
    """Decode a slice that must lie within the tensor, in as many dimensions."""
    # The rank goes first: a slice can have more extents than anybody wants decoded.
    if len(proto.extent) == len(shape):
        part = decode_slice(proto)
        if all(map(_lies_within, part, shape)):
            return part
    msg = f"tensor {name!r} of shape {list(shape)[:8]} has a slice that lies outside of it"
    raise CorruptFileError(msg)


def _lies_within(extent: Extent, size: int) -> bool:
    if extent.length is None:
        return extent.start == 0
    return extent.start >= 0 and extent.length >= 1 and extent.start + extent.length <= size


def decode_slice(proto: TensorSliceProto) -> TensorSlice:
    """Return the slice as it is told; an extent without a length is the whole dimension."""
    return tuple(
        Extent(extent.start, extent.length if extent.HasField("length") else None)
        if extent.start or extent.HasField("length")
        else WHOLE
        for extent in proto.extent
    )
