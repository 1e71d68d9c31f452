"""Freeze: a graph with variables and their checkpoint become one frozen graph.

    .meta, SavedModel or GraphDef --+
                                    +--> one GraphDef, its variables constants
    checkpoint ---------------------+

Which variable has which tensor, or slice of one, the graph's saver says; where there is
none, they have the same names. The weights are streamed from the data files, and their
checksums compared.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.applications.frozen_graph import FrozenGraph, graph_file, open_graph
from pbckpt.applications.meta_targets import saved_variables
from pbckpt.applications.outputs import choose_outputs
from pbckpt.bundle.payload import stored_chunks
from pbckpt.checkpoints.locate import is_checkpoint, locate_checkpoint
from pbckpt.checkpoints.stored import open_stored
from pbckpt.checkpoints.write import Progress, no_progress
from pbckpt.dtypes import DataType
from pbckpt.errors import GraphError, LimitError, PathError, SelectionError, UnsupportedGraphError
from pbckpt.graph.decode import DEFAULT_LIMITS, Limits
from pbckpt.names import META_SUFFIX, BundleKey, key_to_bytes, key_to_text
from pbckpt.shapes import count_elements
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.storage.single_file import SingleFile
from pbckpt.thaw.build import Mark, mark_of
from pbckpt.thaw.freeze import Value, freeze_graph, leading_to
from pbckpt.wire.span import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from pbckpt.applications.meta_targets import SavedVariable
    from pbckpt.bundle.payload import Tensor
    from pbckpt.checkpoints.stored import V1, Bundle
    from pbckpt.graph.encode import Pieces
    from pbckpt.graph.still_variables import StillVariable

    Array = npt.NDArray[Any]

_CHUNK_BYTES = 1 << 20
_MAX_MESSAGE = (1 << 31) - 1
NO_MAXIMUM = (1 << 63) - 1
"""The ``max_bytes`` of a graph that may be larger than what TensorFlow reads."""
_VARIABLES = os.path.join("variables", "variables")
_SHOWN = 3


class FreezeReport(NamedTuple):
    """What a freezing did: the file, its size, the nodes that it ends in and how many it has.

    ``variables`` are the nodes that became constants. ``inferred`` tells whether the
    outputs were given or found.
    """

    path: str
    nbytes: int
    num_nodes: int
    variables: tuple[str, ...]
    outputs: tuple[str, ...]
    inferred: bool


def freeze(  # noqa: PLR0913 - the options of one job, all with defaults
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    outputs: Sequence[str] = (),
    tags: tuple[str, ...] | None = None,
    max_bytes: int = _MAX_MESSAGE,
    on_existing: OnExisting = OnExisting.REFUSE,
    durability: Durability = Durability.FULL,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = no_progress,
) -> FreezeReport:
    """Write the graph in ``source`` with constants for its variables as ``target``.

    ``source`` is a .meta file, a checkpoint with one beside it, the directory of a
    SavedModel, or a GraphDef; ``checkpoint`` is where the values are, if not beside it.
    ``outputs`` are the nodes that the frozen graph ends in, with or without ``:0``; none
    are those of its signatures, of the frozen graph that it was thawed from, or those
    that nothing takes.

    Raises GraphError for what is wrong with the graph, BundleError for the checkpoint,
    SelectionError for outputs that it has not and variables that the checkpoint has not,
    LimitError for more than ``max_bytes``, PathError and WriteError.
    """
    path, prefix = _located(source, checkpoint)
    with open_graph(path, limits=limits, tags=tags) as graph, _opened(prefix) as stored:
        try:
            return _frozen(
                graph,
                stored,
                os.fsdecode(target),
                outputs,
                max_bytes,
                on_existing,
                durability,
                progress,
            )
        except GraphError as error:
            raise error.in_file(graph.file.name) from None


def _frozen(  # noqa: PLR0913, PLR0917 - the one caller has them all
    graph: FrozenGraph,
    stored: Bundle | V1,
    target: str,
    outputs: Sequence[str],
    max_bytes: int,
    on_existing: OnExisting,
    durability: Durability,
    progress: Progress,
) -> FreezeReport:
    _refuse_objects(graph)
    _refuse_own_input(graph, stored, target)
    chosen = choose_outputs(graph, outputs)
    values = _Values(graph, stored)
    values.check(leading_to(graph.nodes, chosen))
    frozen = freeze_graph(graph.graph, chosen, values)
    if frozen.graph.nbytes > max_bytes:
        raise LimitError(
            f"the bytes of the frozen graph of {graph.file.name}",
            limit="max_bytes",
            value=frozen.graph.nbytes,
            maximum=max_bytes,
            advice="TensorFlow reads no larger file; keep the checkpoint with its .meta, or write "
            "it for other readers with --allow-large",
        )
    with SingleFile(target, OnExisting(on_existing), Durability(durability)) as file:
        _write(frozen.graph, file, progress)
        graph.file.check_unchanged()
        path = file.commit()
    return FreezeReport(
        path, frozen.graph.nbytes, frozen.num_nodes, frozen.variables, chosen, not outputs
    )


def _refuse_objects(graph: FrozenGraph) -> None:
    """Raise UnsupportedGraphError for a model whose nodes are all in functions."""
    if graph.meta_graph is not None and graph.meta_graph.rest.HasField("object_graph_def"):
        raise UnsupportedGraphError(
            f"{graph.file.name} is a SavedModel of TensorFlow 2, whose nodes are in functions that "
            "take variables, which pbckpt does not freeze; freeze the .meta of a graph, or a "
            "SavedModel that tf.compat.v1 wrote",
            kind="saved_model",
        )


def _refuse_own_input(graph: FrozenGraph, stored: Bundle | V1, target: str) -> None:
    """Raise PathError for a frozen graph that would be written over what it is made of."""
    prefix = stored.prefix
    shards = (prefix.shard_path(one, stored.num_shards) for one in range(stored.num_shards))
    inputs = {os.path.realpath(path) for path in (prefix.index_path(), prefix.path, *shards)}
    if graph.file.is_same_file(target) or os.path.realpath(target) in inputs:
        raise PathError(
            f"{target} is an input itself and would be overwritten; choose another name"
        )


def _write(pieces: Pieces, file: SingleFile, progress: Progress) -> None:
    """Write the pieces, gathered into large ones."""
    gathered = bytearray()
    for chunk in pieces.chunks(memoryview(bytearray(_CHUNK_BYTES))):
        gathered += chunk
        if len(gathered) >= _CHUNK_BYTES:
            file.write(gathered)
            gathered.clear()
            progress(file.tell(), pieces.nbytes)
    file.write(gathered)
    progress(file.tell(), pieces.nbytes)


def _located(
    source: str | os.PathLike[str], checkpoint: str | os.PathLike[str] | None
) -> tuple[str, str]:
    """Return the file of the graph, and the prefix of the checkpoint with its values."""
    text = os.fsdecode(source)
    given = None if checkpoint is None else os.fsdecode(checkpoint)
    if graph_file(text) != text:
        return text, given or os.path.join(text, _VARIABLES)
    if os.path.isfile(text) and not is_checkpoint(text):
        if given is None and text.endswith(META_SUFFIX):
            given = text.removesuffix(META_SUFFIX)
        if given is None:
            raise PathError(
                f"{text}: where are the values of its variables? Give the checkpoint with "
                "--checkpoint PREFIX"
            )
        return text, given
    prefix = locate_checkpoint(text).prefix
    if not os.path.exists(prefix.meta_path()):
        raise PathError(
            f"{prefix.meta_path()} is not there, and a checkpoint alone has no graph; give the "
            "file of the graph, and the checkpoint with --checkpoint"
        )
    return prefix.meta_path(), given or prefix.path


@contextmanager
def _opened(prefix: str) -> Iterator[Bundle | V1]:
    stored = open_stored(prefix)
    try:
        yield stored
    finally:
        stored.close()


class _Values:
    """The values of a graph's variables in a checkpoint, by the names of their nodes."""

    def __init__(self, graph: FrozenGraph, stored: Bundle | V1) -> None:
        self._graph = graph
        self._stored = stored
        self._saved: Mapping[str, SavedVariable] = saved_variables(graph)
        self._still: dict[str, StillVariable] = {one.node: one for one in graph.still_variables()}
        self._marks = {node.name: mark_of(node.definition) for node in graph.nodes}

    def check(self, kept: set[str]) -> None:
        """Raise SelectionError for variables of the outputs that have no value."""
        missing = [
            self._key(name)
            for name in self._still
            if name in kept and not self._is_there(name) and not self._may_lack(name)
        ]
        if not missing:
            return
        from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

        keys = self._stored.keys()
        near = nearest_names(missing[0], map(key_to_text, keys))
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        shown = ", ".join(map(repr, missing[:_SHOWN])) + more
        hint = f" (nearest: {', '.join(near)})" if near else ""
        raise SelectionError(
            f"{self._stored.prefix.path} has no value for {shown}{hint}; give the checkpoint of "
            "this graph with --checkpoint, or outputs that need less with --outputs",
            unknown=tuple(missing),
            suggestions=tuple(near),
        )

    def _may_lack(self, name: str) -> bool:
        return self._marks[name] in (Mark.KEPT, Mark.NAMED)

    def _key(self, name: str) -> str:
        saved = self._saved.get(name)
        return saved.key if saved else self._still[name].name

    def _is_there(self, name: str) -> bool:
        return self._stored.info(key_to_bytes(self._key(name))) is not None

    def __call__(self, name: str) -> Value | None:
        """Return the value of a variable; None where there is none."""
        if name not in self._still or not self._is_there(name):
            return None
        tensor = self._tensor(name)
        dtype = self._still[name].dtype or tensor.dtype
        if dtype is not tensor.dtype:
            self._check_cast(name, dtype, tensor.dtype)
            from pbckpt.arrays.cast import cast_tensor  # noqa: PLC0415 - numpy

            tensor = cast_tensor(tensor, dtype)
        self._check_shape(name, tensor.shape)
        if dtype is DataType.STRING:
            array = self._array(name)
            return Value(dtype, tensor.shape, None, array.reshape(-1).tolist())
        nbytes = (count_elements(tensor.shape) or 0) * dtype.itemsize
        return Value(dtype, tensor.shape, Stream(nbytes, partial(self._chunks, name, dtype)))

    def _chunks(self, name: str, dtype: DataType, buffer: memoryview) -> Iterator[memoryview]:
        tensor = self._tensor(name)
        if dtype is not tensor.dtype:
            from pbckpt.arrays.cast import cast_tensor  # noqa: PLC0415 - numpy

            tensor = cast_tensor(tensor, dtype)
        return stored_chunks(tensor.payload, buffer)

    def _tensor(self, name: str) -> Tensor:
        """Return what is stored of a variable: all, or the slice that it is."""
        key = BundleKey(key_to_bytes(self._key(name)))
        saved = self._saved.get(name)
        if saved is None or saved.part is None:
            return self._stored.joined(key, key)
        for tensor in self._stored.tensors(key, key):
            if tensor.part is not None and saved.is_slice(tensor.part.slice):
                return tensor
        from pbckpt.arrays.given import tensor_of_array  # noqa: PLC0415 - numpy

        info = self._stored.info(key)
        array = self._array(name)
        made = tensor_of_array(key, array)
        return made._replace(dtype=info.dtype) if info else made

    def _array(self, name: str) -> Array:
        key = key_to_bytes(self._key(name))
        saved = self._saved.get(name)
        if saved is None or saved.part is None:
            return self._stored.array(key, own=True)
        return self._stored.piece(key, saved.selection)

    def _check_cast(self, name: str, dtype: DataType, stored: DataType) -> None:
        """Raise SelectionError for a value of another type, unless the saver casts it."""
        saved = self._saved.get(name)
        if saved is not None and saved.is_cast and DataType.STRING not in (dtype, stored):
            return
        raise SelectionError(
            f"variable {name!r} is {dtype.label} in the graph, and {self._key(name)!r} in "
            f"{self._stored.prefix.path} is {stored.label}; give the checkpoint of this graph with "
            "--checkpoint",
            unknown=(self._key(name),),
        )

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise SelectionError for a value of another shape than the variable's."""
        wanted = self._still[name].shape
        fits = wanted is None or (
            len(wanted) == len(shape)
            and all(want in (-1, have) for want, have in zip(wanted, shape, strict=True))
        )
        if not fits:
            raise SelectionError(
                f"variable {name!r} has the shape {list(wanted or ())} in the graph, and "
                f"{self._key(name)!r} in {self._stored.prefix.path} the shape {list(shape)}; give "
                "the checkpoint of this graph with --checkpoint",
                unknown=(self._key(name),),
            )
