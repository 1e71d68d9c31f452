"""Signature: what goes into a model and what comes out, as its users call it.

    SignatureDef  1 inputs*   2 outputs*   3 method_name
    TensorInfo    1 name      2 dtype      3 tensor_shape

The trap is the shape: TensorFlow 2 takes one that is missing for that of a scalar, so
that a shape that is not known must say so.

Reference: tensorflow/core/protobuf/meta_graph.proto.
"""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.protos import SignatureDef, TensorInfo
from pbckpt.rewrite.build import shape_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.protos import MetaGraphDef

DEFAULT_SIGNATURE = "serving_default"
"""The key of the signature that is used where none is asked for."""
INIT_SIGNATURE = "__saved_model_init_op"
"""The key of what is no signature, but names the operation that fills tables."""
PREDICT = "tensorflow/serving/predict"
"""The method that servers call where a signature says no other."""


class Port(NamedTuple):
    """A tensor of a signature: what it is called there, and its name in the graph, ``x:0``.

    A shape of None is one that is not known, -1 a size that is not.
    """

    key: str
    tensor: str
    dtype: DataType
    shape: tuple[int, ...] | None

    def info(self) -> TensorInfo:
        """Return the port as a message."""
        return TensorInfo(
            name=self.tensor, dtype=self.dtype, tensor_shape=shape_message(self.shape)
        )


class Signature(NamedTuple):
    """What goes in and what comes out, and the method of servers that it is for."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    method: str = PREDICT

    def definition(self) -> SignatureDef:
        """Return the signature as a message."""
        return SignatureDef(
            inputs=_infos(self.inputs), outputs=_infos(self.outputs), method_name=self.method
        )

    def unusable_input(self) -> str:
        """Return why TensorFlow 2 cannot be given an input by its key; nothing if it can."""
        keys: dict[str, str] = {}
        for port in self.inputs:
            name = keyword_name(port.key)
            if name in keys or keyword.iskeyword(name) or name == "self":
                other = f" beside {keys[name]!r}" if name in keys else ""
                return (
                    f"TensorFlow 2 can have no input called {port.key!r}{other}; give it another "
                    f"name with --inputs NAME={port.tensor},..."
                )
            keys[name] = port.key
        return ""


def keyword_name(key: str) -> str:
    """Return what TensorFlow 2 makes of a key, to have a parameter of Python."""
    name = "".join(one if one.isalnum() else "_" for one in key)
    return name if name[:1].isalpha() else f"arg_{name}"


class NamedTensor(NamedTuple):
    """What a signature of a graph says of a tensor: its name, and its shape, None for none."""

    tensor: str
    shape: tuple[int, ...] | None


class SignatureNames(NamedTuple):
    """The tensors that a signature of a graph has, by their keys."""

    inputs: Mapping[str, NamedTensor]
    outputs: Mapping[str, NamedTensor]
    method: str = PREDICT


def named_signatures(meta_graph: MetaGraphDef) -> dict[str, SignatureNames]:
    """Return the signatures that a graph came with, of sparse tensors empty names."""
    return {
        key: SignatureNames(_names(one.inputs), _names(one.outputs), one.method_name or PREDICT)
        for key, one in sorted(meta_graph.signature_def.items())
        if key != INIT_SIGNATURE
    }


def _names(infos: Mapping[str, TensorInfo]) -> dict[str, NamedTensor]:
    return {key: NamedTensor(info.name, _shape(info)) for key, info in sorted(infos.items())}


def _shape(info: TensorInfo) -> tuple[int, ...] | None:
    if not info.HasField("tensor_shape") or info.tensor_shape.unknown_rank:
        return None
    return tuple(max(-1, dim.size) for dim in info.tensor_shape.dim)


def _infos(ports: Sequence[Port]) -> dict[str, TensorInfo]:
    return {port.key: port.info() for port in ports}
