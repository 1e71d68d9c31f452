"""Variable values: what a checkpoint has for the variables of a graph.

    SaveV2 of the graph's saver     variable -> key, and slice
    functions that restore it       variable -> key                    TensorFlow 2
    neither                         the key is the variable's name
    no such key, but objects        the key of the object of that full name

The trap is names in TensorFlow 2: two variables may have the same one, and the handle of
one that of another. So in a model that has objects nothing but its functions tells, and
full names tell nothing where two objects have the same one. A value is checked to be of
the variable's shape and type.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pbckpt.applications.meta_targets import saved_variables
from pbckpt.applications.restored import restored_variables
from pbckpt.bundle.payload import stored_chunks
from pbckpt.checkpoints.source import graph_of
from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.freezing.graph import Value
from pbckpt.names import BundleKey, key_to_bytes, key_to_text
from pbckpt.rewrite.build import Mark, mark_of
from pbckpt.shapes import count_elements
from pbckpt.wire.span import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.applications.meta_targets import SavedVariable
    from pbckpt.bundle.payload import Tensor
    from pbckpt.checkpoints.stored import V1, Bundle
    from pbckpt.graph.still_variables import StillVariable

    Array = npt.NDArray[Any]

_SHOWN = 3


def has_objects(graph: FrozenGraph) -> bool:
    """Tell whether a graph is that of a SavedModel of TensorFlow 2."""
    return graph.meta_graph is not None and graph.meta_graph.rest.HasField("object_graph_def")


def functions_of_objects(graph: FrozenGraph) -> frozenset[str]:
    """Return the functions that the objects of a SavedModel of TensorFlow 2 call."""
    if graph.meta_graph is None:
        return frozenset()
    return frozenset(graph.meta_graph.rest.object_graph_def.concrete_functions)


def no_value(name: str) -> Value | None:  # noqa: ARG001 - as others have it
    """Return that there is no value."""
    return None


class VariableValues:
    """The values of a graph's variables in a checkpoint, by the names of their nodes."""

    def __init__(self, graph: FrozenGraph, stored: Bundle | V1) -> None:
        self._graph = graph
        self._stored = stored
        self._saved: Mapping[str, SavedVariable] = saved_variables(graph)
        # Names are the variables' own.
        self._are_named = bool(self._saved) or not has_objects(graph)
        if not self._saved:
            self._saved = restored_variables(graph)
            self._are_named &= not self._saved
        self._still: dict[str, StillVariable] = {one.node: one for one in graph.still_variables()}
        self._marks = {node.name: mark_of(node.definition) for node in graph.nodes}

    def check(self, kept: set[str]) -> None:
        """Raise SelectionError for variables of the outputs that have no value."""
        lacking = [
            name
            for name in self._still
            if name in kept and not self._is_there(name) and not self._may_lack(name)
        ]
        if not lacking:
            return
        self._check_told(lacking)
        missing = [self._key(name) for name in lacking]
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

    def _check_told(self, names: Sequence[str]) -> None:
        """Raise SelectionError for variables of which nothing tells where their values are."""
        unknown = [name for name in names if not self._are_named and name not in self._saved]
        if unknown:
            raise SelectionError(
                f"{self._graph.file.name}: no function restores the variable {unknown[0]!r}, and "
                "in a model of TensorFlow 2 its name does not tell which value it has; give "
                "outputs that do not need it with --outputs",
                unknown=unknown,
            )

    def _may_lack(self, name: str) -> bool:
        return self._marks[name] in (Mark.KEPT, Mark.NAMED)

    def _key(self, name: str) -> str:
        saved = self._saved.get(name)
        key = saved.key if saved else self._still[name].name
        if self._has(key) or not self._are_named:
            return key
        return self._of_objects.get(key, key)

    def _has(self, key: str) -> bool:
        return self._stored.info(key_to_bytes(key)) is not None

    @cached_property
    def _of_objects(self) -> dict[str, str]:
        """The keys of objects by their full names, unless two of these are the same."""
        objects = graph_of(self._stored)
        named = [one for one in objects.variables if one.full_name] if objects else []
        found = {one.full_name: one.key for one in named}
        return found if len(found) == len(named) else {}

    def _is_there(self, name: str) -> bool:
        return (self._are_named or name in self._saved) and self._has(self._key(name))

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
