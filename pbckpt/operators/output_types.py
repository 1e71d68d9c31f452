"""Output types: which element type each output of an op has, and what tells it.

    MatMul      T               the attribute T of the node
    Shape       out_type=int32  an attribute, and its type where the node does not say
    TopKV2      T index_type=int32
    Equal       bool            always that
    While       *T              a list: one type after the other from the attribute T
    Split       T               a list of one type; `outputs` tells how long it is

The tables have all ops of TensorFlow 1.15 and 2.21, but for those with one output of
type ``T``; tests against both hold every row.

Reference: OpDef.ArgDef, tensorflow/core/framework/op_def.proto.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

from pbckpt.operators.outputs import output_arguments
from pbckpt.operators.types_several import BY_TYPES as _SEVERAL
from pbckpt.operators.types_single import BY_TYPES as _SINGLE

_USUAL = "T"
_LIST = "*"
_DEFAULT = "="
# A graph asks for the same few ops again and again.
_LOOKUPS = 4096


class OutputType(NamedTuple):
    """The type of an output argument: what ``attr`` says, else the type called ``label``.

    With ``is_list``, the attribute is a list with the type of one output after the other.
    ``label`` is empty for an attribute without a default value, ``attr`` for a type that
    is always the same.
    """

    attr: str
    label: str = ""
    is_list: bool = False


@lru_cache(_LOOKUPS)
def output_types(op: str) -> tuple[OutputType, ...] | None:
    """Return the types of what an op puts out, as `outputs.output_arguments` lists it.

    None for an op that no TensorFlow of the tables has.
    """
    outputs = output_arguments(op)
    if outputs is None:
        return None
    words = _by_op().get(op, _USUAL).split() if outputs else ()
    return tuple(map(_type, words))


def _type(word: str) -> OutputType:
    if word.startswith(_LIST):
        return OutputType(word.removeprefix(_LIST), is_list=True)
    attr, is_default, label = word.partition(_DEFAULT)
    if is_default:
        return OutputType(attr, label)
    return OutputType("", word) if word in _LABELS else OutputType(word)


_LABELS = frozenset(
    (
        "bfloat16",
        "bool",
        "complex64",
        "double",
        "float",
        "int32",
        "int64",
        "int8",
        "resource",
        "string",
        "uint64",
        "uint8",
        "variant",
    )
)


@cache
def _by_op() -> dict[str, str]:
    return {
        op: types
        for table in (_SINGLE, _SEVERAL)
        for types, ops in table.items()
        for op in ops.split()
    }
