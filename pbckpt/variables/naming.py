"""Names: what a variable is called in the checkpoint.

    graph says                                          name
    Identity conv1/kernel/read                          conv1/kernel
    Const conv1/kernel, and no read                     conv1/kernel
    net/conv1/Conv2D/ReadVariableOp/resource            conv1/kernel
    StatefulPartitionedCall/net/bn/ReadVariableOp_1     bn/beta
    net_1/hidden_1/Cast/ReadVariableOp/resource         hidden/kernel

TensorFlow 2 names a constant after the place that reads the variable: a layer's
scope, the operation, and no word of the variable. The last component is then
told by the role. What all such names begin with, the model's scope and those of
inlined calls, is taken off, and so is the _1 that Keras 3 gives every scope of a
second trace. Nothing is taken off where two names would become one, and a name
is given once.

Reference: keras/src/backend/tensorflow and tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.operators.roles import Role
from pbckpt.variables.traces import is_generic
from pbckpt.variables.words import is_numbered, without_number

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_READ = re.compile(r"/?ReadVariableOp(?:_\d+)?$")
# Scopes of operations that read variables, behind a layer's. Those that a constant may be
# the result of are in words.
_READER = re.compile(
    r"(?:Conv[123]D|Conv[123]DTranspose|convolution|depthwise|separable_conv[12]d|MatMul|matmul"
    r"|BiasAdd|Cast|Add|AddV2|add|Mul|mul|Sub|sub|batchnorm|FusedBatchNorm(?:V\d)?|Reshape|Read"
    r"|embedding_lookup(?:_sparse)?|Tensordot|tensordot|einsum|Einsum|split|unstack|GatherV2|Gather"
    r"|ResourceGather|transpose|ExpandDims|Neg|Shape|Rank|Squeeze|BroadcastTo|Maximum|Minimum|Pow"
    r"|truediv|moments|Identity|Tile|strided_slice|concat|stack|Pack|Prod|Sqrt|Rsqrt|Square"
    r")(?:_\d+)?"
)
_CONTROL = re.compile(
    r"(?:while|cond)(?:_\d+)?|body|then|else|branch\d*|_\d+|(?:Stateful)?PartitionedCall(?:_\d+)?"
)
_CALL = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?|import(?:_\d+)?")
_MODEL = re.compile(r"(?:model|sequential|functional)(?:_\d+)?")
_IMPORT = "import/"
# Scopes that the reads of Keras 3 have, and those of Keras 2 do not.
_KERAS_3 = re.compile(r".*/(?:Cast|convolution)(?:_\d+)?/ReadVariableOp(?:_\d+)?")
_NUMBERS = re.compile(r"(\d+)")
# Sorts before all numbers.
_NO_NUMBER = (-1, "")
_RECURRENT = re.compile("rnn|cell|lstm|gru|recurrent", re.IGNORECASE)
_CELL_WORDS = frozenset(("kernel", "recurrent_kernel", "variable", "weight", "matrix"))
_CELLS = {1: "simple_rnn_cell", 3: "gru_cell", 4: "lstm_cell"}
_MATRIX_RANK = 2
# Nobody nests scopes deeper; to look at more of a name takes long.
_MAX_SCOPES = 64
_WORDS = {
    Role.MATRIX: "kernel",
    Role.RECURRENT_BIAS: "bias",
    Role.WEIGHT: "weight",
    Role.RANGE_MIN: "min",
    Role.RANGE_MAX: "max",
}


# What an operation reads, where it is gone and only the name of its read is left.
_WORDS_OF_READERS = {
    "MatMul": "kernel",
    "Tensordot": "kernel",
    "Conv2D": "kernel",
    "convolution": "kernel",
    "BiasAdd": "bias",
    "embedding_lookup": "embeddings",
}


class Nameless(NamedTuple):
    """What a name is made of, where the graph does not say it.

    ``node`` is the constant's name, ``reader`` that of the node that reads it.
    ``in_loop`` tells that a loop takes it, as one over the steps of a sequence.
    """

    node: str
    reader: str
    role: Role | None
    shape: tuple[int, ...]
    in_loop: bool = False


class Place(NamedTuple):
    """A variable by the layer that it is in and the word for it there."""

    layer: tuple[str, ...]
    word: str


def is_reader(name: str) -> bool:
    """Tell whether a component of a name is the scope of an operation that reads a variable."""
    return _READER.fullmatch(name) is not None


def derive_names(
    variables: Sequence[Nameless], nodes: Collection[str], taken: Collection[str] = ()
) -> list[str]:
    """Return a name for each variable that was named after the place of its read.

    ``nodes`` are the names of all nodes: a scope that is a node's name is an
    operation's. Equal names get numbers; ``taken`` are others that are in use.
    """
    is_keras_3 = any(_KERAS_3.fullmatch(variable.reader) for variable in variables)
    layers = [_layer(variable, nodes) for variable in variables]
    places = _with_cells(_places(variables, layers, is_keras_3=is_keras_3), variables)
    places = _without_prefix(places)
    if is_keras_3:
        places = _without_suffixes(places)
    return numbered_names(["/".join((*place.layer, place.word)) for place in places], taken)


def numbered_names(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Tell equal names apart by a number, as TensorFlow does: kernel, kernel_1."""
    used = set(taken) | set(names)
    seen: set[str] = set()
    count: dict[str, int] = {}
    numbered = []
    for name in names:
        new = name
        while new in seen or (new != name and new in used) or new in taken:
            count[name] = count.get(name, 0) + 1
            new = f"{name}_{count[name]}"
        seen.add(new)
        numbered.append(new)
    return numbered


def without_import(names: Sequence[str]) -> list[str]:
    """Return own names without the scope that importing a graph adds, if all have it."""
    if names and all(name.startswith(_IMPORT) and name != _IMPORT for name in names):
        return [name.removeprefix(_IMPORT) for name in names]
    return list(names)


def _layer(variable: Nameless, nodes: Collection[str]) -> tuple[str, ...]:
    """Return the scope of the layer that reads a variable."""
    reader = variable.reader
    scope = _READ.sub("", reader)
    parts = scope.split("/") if scope else []
    operation = ""
    for _ in range(_MAX_SCOPES):
        if not parts or "/".join(parts) not in nodes:
            break
        operation = parts.pop()
    # A layer may be called what its operation is: only the operation is taken off.
    while parts and _READER.fullmatch(parts[-1]) and parts[-1] != operation:
        operation = parts.pop()
    return _without_control(parts)


def _without_control(parts: list[str]) -> tuple[str, ...]:
    """Take off the scopes of loops and branches, whose bodies say the outer scope again."""
    kept: list[str] = []
    place = 0
    while place < len(parts):
        if not _CONTROL.fullmatch(parts[place]):
            kept.append(parts[place])
        elif len(kept) <= _MAX_SCOPES and parts[place + 1 : place + 1 + len(kept)] == kept:
            place += len(kept)
        place += 1
    return tuple(kept)


def _places(
    variables: Sequence[Nameless], layers: Sequence[tuple[str, ...]], *, is_keras_3: bool
) -> list[Place]:
    pointwise = {
        layer
        for variable, layer in zip(variables, layers, strict=True)
        if variable.role is Role.KERNEL
    }
    places = []
    for variable, layer in zip(variables, layers, strict=True):
        word = _word(variable)
        if variable.role is Role.DEPTHWISE_KERNEL and is_keras_3 and layer not in pointwise:
            word = "kernel"
        places.append(Place(layer, word))
    depthwise = {place.layer for place in places if place.word == "depthwise_kernel"}
    return [
        Place(place.layer, "pointwise_kernel")
        if place.layer in depthwise and variable.role is Role.KERNEL
        else place
        for place, variable in zip(places, variables, strict=True)
    ]


def _word(variable: Nameless) -> str:
    if variable.role is not None:
        return _WORDS.get(variable.role, variable.role.value)
    last = variable.node.rpartition("/")[2]
    if not is_generic(last):
        return last
    operation = without_number(_READ.sub("", variable.reader).rpartition("/")[2])
    return _WORDS_OF_READERS.get(operation, "variable")


def _with_cells(places: list[Place], variables: Sequence[Nameless]) -> list[Place]:
    """Tell the recurrent kernel of a cell from its kernel.

    It is read second, and square but for the number of gates.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault(place.layer, []).append(number)
    changed = list(places)
    for layer, members in groups.items():
        matrices = sorted(
            (number for number in members if _may_be_of_cell(places[number], variables[number])),
            key=lambda number: _natural(variables[number].reader),
        )
        gates = _gates([variables[number].shape for number in matrices])
        if not gates or not layer:
            continue
        if not _RECURRENT.search(layer[-1]) and not all(variables[one].in_loop for one in matrices):
            continue
        is_plain = len(variables[matrices[0]].shape) == _MATRIX_RANK
        cell = layer if "cell" in layer[-1] or not is_plain else (*layer, _CELLS[gates])
        for number in members:
            is_bias = _may_be_bias(variables[number])
            changed[number] = Place(cell, "bias" if is_bias else places[number].word)
        for number, word in zip(matrices, ("kernel", "recurrent_kernel"), strict=True):
            changed[number] = Place(cell, word)
    return changed


def _may_be_of_cell(place: Place, variable: Nameless) -> bool:
    return len(variable.shape) >= _MATRIX_RANK and place.word in _CELL_WORDS


def _may_be_bias(variable: Nameless) -> bool:
    """Tell whether a member of a cell is its bias: for all gates, or for inputs and states."""
    is_told = variable.role in (Role.BIAS, Role.RECURRENT_BIAS, None)
    return is_told and 1 <= len(variable.shape) <= _MATRIX_RANK


def _gates(shapes: list[tuple[int, ...]]) -> int:
    """Return how many gates a cell has whose two matrices have these shapes; 0 for no cell.

    Those of a convolutional cell have the window before the two axes.
    """
    if len(shapes) != 2 or shapes[0][:-2] != shapes[1][:-2]:  # noqa: PLR2004 - two kernels
        return 0
    (_, columns), (units, recurrent_columns) = shapes[0][-2:], shapes[1][-2:]
    if columns != recurrent_columns or not units or columns % units:
        return 0
    gates = columns // units
    return gates if gates in _CELLS else 0


def _natural(text: str) -> list[tuple[tuple[int, str], str]]:
    """Return a key that sorts Read before Read_1 and Read_2 before Read_10."""
    return [
        (_size(part) if part.isdecimal() and part.isascii() else _NO_NUMBER, part)
        for part in _NUMBERS.split(text)
    ]


def _size(digits: str) -> tuple[int, str]:
    """Return a key that sorts numbers of any length; int() refuses very long ones."""
    digits = digits.lstrip("0")
    return len(digits), digits


def _without_prefix(places: list[Place]) -> list[Place]:
    """Take off the scopes of calls, and of the model if all variables are in it."""
    layers = [_without_calls(place.layer) for place in places]
    first = {layer[0] for layer in layers if layer}
    if len(first) == 1 and all(len(layer) > 1 for layer in layers):
        layers = [layer[1:] for layer in layers]
    elif all(len(layer) > 1 or not _MODEL.fullmatch(layer[0]) for layer in layers if layer):
        layers = [
            layer[1:] if len(layer) > 1 and _MODEL.fullmatch(layer[0]) else layer
            for layer in layers
        ]
    return _unless_equal(places, layers)


def _without_calls(layer: tuple[str, ...]) -> tuple[str, ...]:
    calls = 0
    while calls < len(layer) - 1 and _CALL.fullmatch(layer[calls]):
        calls += 1
    return layer[calls:]


def _without_suffixes(places: list[Place]) -> list[Place]:
    """Take _1 off every scope, if every scope ends so."""
    if not all(is_numbered(part) for place in places for part in place.layer):
        return places
    layers = [tuple(without_number(part) or part for part in place.layer) for place in places]
    return _unless_equal(places, layers)


def _unless_equal(places: list[Place], layers: list[tuple[str, ...]]) -> list[Place]:
    """Return the places with other layers, if these are as many different ones."""
    if len({place.layer for place in places}) != len(set(layers)):
        return places
    return [Place(layer, place.word) for place, layer in zip(places, layers, strict=True)]
