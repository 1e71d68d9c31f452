"""Outputs: what an op puts out, in order, by name, and how long each list of it is.

    NoOp                   nothing
    MatMul                 product
    FusedBatchNormV3       y, batch_mean, … reserve_space_3
    Split                  output*num_split: a list, as long as that attribute says
    While                  output*T: one for each type of that attribute
    CTCBeamSearchDecoder   three lists of top_paths, then log_probability

A tensor has two names. Elsewhere it is `node:3`, a place among all outputs of the node;
in the body of a function it is `node:output:number`, with the name of the output and a
place in it:

    Switch     output_false:0 = 0    output_true:0 = 1
    Unpack     output:3 = 3          one output that is a list

The tables have all ops of TensorFlow 1.15 and 2.21; tests against both hold every row.
A row has the outputs, and the ops that have those, in `outputs_single`, `outputs_several`
and `outputs_listed`.

The trap: behind a list, only the attributes of the node tell which place an output has.

Reference: NodeDef.input in a FunctionDef, tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators.outputs_listed import BY_LISTS, NOTHING
from pbckpt.operators.outputs_several import BY_NAMES
from pbckpt.operators.outputs_single import ALONE, BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Length = Callable[[str], int]
    """Tells how many outputs an attribute of a node stands for."""

_LIST = "*"
# A graph asks for the same few ops again and again.
_LOOKUPS = 4096


class OutputArgument(NamedTuple):
    """An output of an op: of a list, ``length`` is the attribute that says how long it is.

    That attribute is a number, or a list of one type for each.
    """

    name: str
    length: str = ""


class NamedOutput(NamedTuple):
    """An output of a node as the body of a function says it: a name, and a place in it."""

    name: str
    place: int


@lru_cache(_LOOKUPS)
def output_arguments(op: str) -> tuple[OutputArgument, ...] | None:
    """Return what an op puts out; None for an op that no TensorFlow of the tables has."""
    text = _by_op().get(op)
    if text is None:
        return None
    return tuple(
        OutputArgument(name, length)
        for name, _, length in (word.partition(_LIST) for word in text.split())
    )


def known_ops() -> frozenset[str]:
    """Return the ops of which it is known what they put out."""
    return frozenset(_by_op())


def output_lists(op: str) -> tuple[int, tuple[str, ...]]:
    """Return how many outputs an op has beside lists, and the attributes that say of those.

    An op that is not known has one.
    """
    outputs = output_arguments(op)
    if outputs is None:
        return (1, ())
    lengths = tuple(one.length for one in outputs if one.length)
    return (len(outputs) - len(lengths), lengths)


def output_index(op: str, output: str, number: int, length: Length | None = None) -> int:
    """Return the place of an output among all of a node's, from its name and place in that.

    Without ``length``, lists count for nothing; what is not known is as it stands.
    """
    first = 0
    for one in output_arguments(op) or ():
        if one.name == output:
            return first + number
        first += _length(one, length)
    return number


def named_output(
    outputs: Iterable[OutputArgument], index: int, length: Length
) -> NamedOutput | None:
    """Return the name of an output and the place in it, from the place among all of a node's.

    None where the node has fewer.
    """
    for one in outputs:
        here = _length(one, length)
        if index < here:
            return NamedOutput(one.name, index)
        index -= here
    return None


def _length(output: OutputArgument, length: Length | None) -> int:
    if not output.length:
        return 1
    return length(output.length) if length else 0


@cache
def _by_op() -> dict[str, str]:
    found = dict.fromkeys(NOTHING.split(), "")
    for table in (BY_NAME, BY_NAMES, BY_LISTS):
        for outputs, ops in table.items():
            found.update(dict.fromkeys(ops.split(), outputs))
    for pair in ALONE.split(","):
        op, output = pair.split()
        found[op] = output
    return found
