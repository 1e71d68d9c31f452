"""Takers: what takes a variable takes a value, when the variable is a constant.

    ReadVariableOp              Identity
    ResourceGather              GatherV2, and a Const NAME/axis
    ResourceGatherNd            GatherNd
    VariableShape               Shape
    Switch, Enter, IdentityN    the same, of a value
    RefSwitch, RefEnter, ...    Switch, Enter, ...
    While, If, Case, calls      the same, of functions that take a value

Whatever else takes a variable itself, to assign it or to ask about it, has no use for a
constant, and is refused: it would be a graph that TensorFlow does not take. So nothing
changes a variable, and a handle that goes through loops and functions is a value as good.

Reference: tensorflow/python/framework/convert_to_constants.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pbckpt.errors import InvalidGraphError, UnsupportedGraphError
from pbckpt.freezing.body import Place
from pbckpt.freezing.changing import CHANGES_REFERENCE
from pbckpt.freezing.reads import (
    axis_of_gather,
    gather_nd,
    gather_rows,
    identity_of_read,
    shape_of,
)
from pbckpt.rewrite.build import OUTPUT_SHAPES, Mark, data_inputs, producer, shape_message
from pbckpt.rewrite.calls import LOOPS, first_argument, function_attributes, types_attribute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbckpt.dtypes import DataType
    from pbckpt.freezing.body import Body
    from pbckpt.freezing.marks import Undone
    from pbckpt.graph.node import Node
    from pbckpt.protos import NodeDef

_RESOURCE = 20
# Of a node that hands one thing on by all of its outputs, however many it says it has.
_ALL = -1
# What hands a resource on, and then hands on what is read of it.
_INTERMEDIATE = frozenset(
    ("Identity", "Enter", "Exit", "Merge", "NextIteration", "Switch", "_SwitchN")
)
# The same of references, by what they are of values.
_REFERENCES = {
    f"Ref{op}": op for op in ("Identity", "Enter", "Exit", "Merge", "NextIteration", "Switch")
}
_MERGES = frozenset(("Merge", "RefMerge"))
# What takes a reference to ask about it, or to choose one.
_ASKS = frozenset(("IsVariableInitialized", "RefSelect"))


class Carried(NamedTuple):
    """What a tensor has that was a variable: a value of a type, of a shape where it is one.

    ``is_handle``: it was a resource, and no reference.
    """

    dtype: DataType
    shape: tuple[int, ...] | None
    is_handle: bool = True
    is_in_loop: bool = False


class Special(NamedTuple):
    """A function that takes values, and which of its results are values of variables."""

    name: str
    results: tuple[Carried | None, ...]


class Specials(Protocol):
    """Who makes functions that take values out of those that take variables."""

    def __contains__(self, name: str) -> bool: ...

    def special(self, name: str, arguments: tuple[Carried | None, ...], where: str) -> Special:
        """Return a function that takes values, where some ``arguments`` were variables."""


class Turned(NamedTuple):
    """What was turned: the values by their tensors, and outputs with new names."""

    carried: dict[Place, Carried]
    renamed: dict[str, str]


def value_at(place: Place, carried: Mapping[Place, Carried]) -> Carried | None:
    """Return the value that a tensor is, or None."""
    return carried.get(place) or carried.get(Place(place.node, _ALL))


def turn_takers(
    body: Body, undone: Undone, carried: Mapping[Place, Carried], specials: Specials
) -> Turned:
    """Have all who take one of some variables take a value of its type.

    Raises UnsupportedGraphError for who cannot.
    """
    takers = _Takers(body, undone, carried, specials)
    takers.turn()
    body.draft.rewire(takers.renamed)
    return Turned(takers.carried, takers.renamed)


class _Takers:
    """Who takes what, and what the values are that go along by now."""

    def __init__(
        self, body: Body, undone: Undone, carried: Mapping[Place, Carried], specials: Specials
    ) -> None:
        self._body = body
        self._draft = body.draft
        self._undone = undone
        self._specials = specials
        self.carried = dict(carried)
        self.renamed: dict[str, str] = {}

    def turn(self) -> None:
        """Turn all takers of the variables, from each on as far as it is handed on."""
        merges = []
        for node in self._body.in_order(self._undone.redirected):
            is_gone = node.name in self._undone.removed
            if is_gone or self._undone.marks.get(node.name) is Mark.CONSTANT:
                continue
            taken = self._taken(node)
            if any(taken):
                self._turn(node, taken)
                merges += [node] if node.op == "Merge" and any(_handles(taken)) else []
        for node in merges:
            # By now what comes round in a loop is known, too.
            self._one(node, _handles(self._taken(node)))

    def _taken(self, node: Node) -> list[Carried | None]:
        """Return what each input of a node is the value of."""
        return [self._source(text) for text in data_inputs(self._draft.look(node.name))]

    def _source(self, text: str) -> Carried | None:
        undone = self._undone
        name = producer(text)
        # What was added reads it: who takes that takes the value.
        if undone.marks.get(name) is Mark.ADDED and name in undone.removed:
            return None
        source = undone.redirected.get(text.removesuffix(":0"), text)
        return value_at(self._body.place(source), self.carried)

    def _turn(self, node: Node, taken: Sequence[Carried | None]) -> None:
        """Have one node take values, and note which of its outputs hand them on."""
        if node.op in _REFERENCES:
            self._draft.change(node.name).op = _REFERENCES[node.op]
            self._hand_on(node, taken)
        elif node.op in _ASKS or CHANGES_REFERENCE.fullmatch(node.op):
            raise self._refused(node)
        else:
            handles = _handles(taken)
            if any(handles):
                self._turn_of_handles(node, handles)

    def _turn_of_handles(self, node: Node, taken: Sequence[Carried | None]) -> None:
        definition = node.definition
        if function_attributes(node.op) or node.op in self._specials:
            self._turn_call(node, taken)
        elif node.op == "IdentityN":
            self._retype(node, self._draft.change(node.name), "T", taken)
            self._note(node, taken)
        elif node.op in _INTERMEDIATE and definition.attr["T"].type == _RESOURCE:
            changed = self._draft.change(node.name)
            changed.attr["T"].type = int(self._one(node, taken).dtype)
            changed.attr.pop(OUTPUT_SHAPES, None)
            self._hand_on(node, taken)
        else:
            self._turn_read(node, taken)

    def _turn_read(self, node: Node, taken: Sequence[Carried | None]) -> None:
        definition = node.definition
        # Only the first of what such a node takes is a variable.
        if taken[0] is None or any(taken[1:]):
            raise self._refused(node)
        if node.op == "ReadVariableOp":
            self._draft.replace(node.name, identity_of_read(definition))
            if self._body.function:
                self.renamed[f"{node.name}:value"] = self._body.text(node.name)
        elif node.op == "VariableShape":
            self._draft.replace(node.name, shape_of(definition, taken[0].dtype))
        elif node.op == "ResourceGather":
            self._draft.replace(node.name, *self._gather(definition, taken[0]))
        elif node.op == "ResourceGatherNd":
            self._draft.replace(node.name, gather_nd(definition))
        else:
            raise self._refused(node)

    def _one(self, node: Node, taken: Sequence[Carried | None]) -> Carried:
        """Return what a node hands on, which has one of several.

        Raises UnsupportedGraphError for values of different types.
        """
        found = [one for one in taken if one is not None]
        first = found[0]
        other = next((one for one in found if one.dtype is not first.dtype), None)
        if other is not None:
            raise self._refused(node, f"variables of {first.dtype.label} and {other.dtype.label}")
        if node.op == "Merge" and len(found) < len(taken):
            raise self._refused(node, "a variable or something else")
        is_same = all(one.shape == first.shape for one in found)
        return first if is_same else first._replace(shape=None)

    def _gather(self, gather: NodeDef, taken: Carried) -> tuple[NodeDef, NodeDef]:
        """Return what looks rows of a value up, and the constant that says: rows.

        In a loop the constant waits for the value, which has it be of the same loop.
        """
        source = self._undone.redirected.get(gather.input[0].removesuffix(":0"), gather.input[0])
        waits = [f"^{producer(source)}"] if taken.is_in_loop else []
        name = self._draft.fresh(f"{gather.name}/axis")
        axis = axis_of_gather(name, gather.attr["Tindices"], gather.attr["batch_dims"].i, waits)
        return gather_rows(gather, self._body.text(name)), axis

    def _hand_on(self, node: Node, taken: Sequence[Carried | None]) -> None:
        known = [one for one in taken if one is not None]
        # What comes round is not known yet.
        value = known[0] if node.op in _MERGES else self._only_first(node, taken)
        is_exit = node.op in ("Exit", "RefExit")
        is_enter = node.op in ("Enter", "RefEnter")
        value = value._replace(is_in_loop=is_enter or (value.is_in_loop and not is_exit))
        self.carried[Place(node.name, _ALL if "Switch" in node.op else 0)] = value

    def _only_first(self, node: Node, taken: Sequence[Carried | None]) -> Carried:
        if taken[0] is None:
            raise self._refused(node)
        return taken[0]

    def _turn_call(self, node: Node, taken: Sequence[Carried | None]) -> None:
        """Have a call, a loop or a branch call functions that take values."""
        first = first_argument(node.op)
        if any(taken[:first]):
            raise self._refused(node)
        arguments = tuple(one and Carried(one.dtype, one.shape) for one in taken[first:])
        changed = self._draft.change(node.name)
        where = self._body.described(node)
        results: list[tuple[Carried | None, ...]] = []
        if node.op in self._specials:
            special = self._specials.special(node.op, arguments, where)
            changed.op = special.name
            results.append(special.results)
        for attr in function_attributes(node.op):
            value = changed.attr[attr]
            called = [value.func] if value.HasField("func") else list(value.list.func)
            for one in called:
                special = self._specials.special(one.name, arguments, where)
                one.name = special.name
                if attr == "cond" and node.op in LOOPS:
                    if any(special.results):
                        raise self._refused(node)
                else:
                    results.append(special.results)
        self._retype(node, changed, types_attribute(node.op), arguments)
        found = self._common(node, results)
        if node.op in LOOPS:
            self._check_loop(node, arguments, found)
            pairs = zip(arguments, found, strict=True)
            found = [
                one if one == other else other and other._replace(shape=None)
                for one, other in pairs
            ]
        else:
            self._retype(node, changed, "Tout" if function_attributes(node.op) else "", found)
        _reshape(changed, found)
        self._note(node, found)

    def _note(self, node: Node, outputs: Sequence[Carried | None]) -> None:
        for output, one in enumerate(outputs):
            if one is not None:
                self.carried[Place(node.name, output)] = one

    def _retype(
        self, node: Node, changed: NodeDef, attr: str, values: Sequence[Carried | None]
    ) -> None:
        """Have an attribute say which types the arguments or results of a call are of."""
        if not attr or not any(values):
            return
        types = changed.attr[attr].list.type
        if len(types) != len(values):
            msg = f"its attr {attr} has {len(types)} types, for {len(values)} tensors"
            raise InvalidGraphError(msg, node_name=node.name)
        for place, value in enumerate(values):
            if value is not None:
                types[place] = int(value.dtype)

    def _common(
        self, node: Node, results: Sequence[tuple[Carried | None, ...]]
    ) -> list[Carried | None]:
        """Return what the results of a call are, whichever function it calls."""
        found: list[Carried | None] = []
        for some in zip(*results, strict=False):
            known = [one for one in some if one is not None]
            if known and (len(known) < len(some) or len({one.dtype for one in known}) > 1):
                raise self._refused(node, "functions that do not return the same")
            is_same = len(set(known)) == 1
            found.append(
                (known[0] if is_same else known[0]._replace(shape=None)) if known else None
            )
        return found

    def _check_loop(
        self, node: Node, arguments: Sequence[Carried | None], results: Sequence[Carried | None]
    ) -> None:
        """Raise UnsupportedGraphError for a loop that does not hand its variables round."""
        types = [[one and one.dtype for one in some] for some in (arguments, results)]
        if types[0] != types[1]:
            raise self._refused(node, "a variable, and does not hand it round")

    def _refused(self, node: Node, what: str = "") -> UnsupportedGraphError:
        return _refused(self._body, node, what or self._variable(node))

    def _variable(self, node: Node) -> str:
        """Say which variable a node takes itself."""
        texts = data_inputs(self._draft.look(node.name))
        name = next((producer(text) for text in texts if self._source(text)), "")
        return f"the variable {name!r} itself"


def _reshape(call: NodeDef, results: Sequence[Carried | None]) -> None:
    """Have the notes of a call tell which shapes its results are of."""
    for key in ("output_shapes", OUTPUT_SHAPES):
        noted = call.attr.get(key)
        if noted is None or len(noted.list.shape) != len(results):
            continue
        for shape, one in zip(noted.list.shape, results, strict=True):
            if one is not None:
                shape.CopyFrom(shape_message(one.shape))


def _handles(taken: Sequence[Carried | None]) -> list[Carried | None]:
    """Return which of some tensors are resources; a reference is handed over as its value."""
    return [one if one is not None and one.is_handle else None for one in taken]


def _refused(body: Body, node: Node, what: str) -> UnsupportedGraphError:
    return UnsupportedGraphError(
        f"{body.described(node)} takes {what}, for which a constant cannot stand; give "
        "outputs that do not need it with --outputs",
        node_name=node.name,
        op=node.op,
    )
