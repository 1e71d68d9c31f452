"""Completion: what loops and branches need to be differentiated, and freezing took away.

    missing                            without it
    Exit of a loop variable            its gradient is lost without a word
    Identity behind a Switch           nothing says that an iteration runs
    a Switch of its own for a branch   TensorFlow takes the gradient for a loop's
    Merge(false, true)                 gradients go to the branch that was not taken
    pred -> Switch -> Identity         nothing says that a branch is taken

Nobody takes what is added, but for the copy of a Switch; so a graph that is frozen again
is without it. A Merge is only turned round: TensorFlow 1 puts the false branch first, and
what it lowers from a functional If comes with the true one first.

Reference: tensorflow/python/ops/control_flow_grad.py and control_flow_state.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pbckpt.rewrite.build import MARK, Mark, build_node, is_control, producer, set_mark, type_attr
from pbckpt.thaw.contexts import EXITS, MERGES, SWITCHES, Branch, ControlFlow, Loop, way_to

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef
    from pbckpt.rewrite.draft import Draft
    from pbckpt.thaw.contexts import Context

_BOOL = 10
_SIDES = 2


class LoopParts(NamedTuple):
    """The nodes of a loop that TensorFlow wants to know by name."""

    condition: str
    first_merge: str
    body_pivot: str
    enters: tuple[str, ...]
    exits: tuple[str, ...]


class Completed(NamedTuple):
    """All nodes in their contexts; the parts of the loops, the pivots of the branches."""

    control_flow: ControlFlow
    loops: dict[Loop, LoopParts]
    pivots: dict[Branch, str]


def complete(draft: Draft) -> Completed:
    """Add what loops and branches are missing, and return what there is then."""
    _split_switches(draft, ControlFlow(draft.definitions()))
    before = ControlFlow(draft.definitions())
    _turn_merges(draft, before)
    _add_exits(draft, before)
    pivots = _add_pivots(draft, before)
    bodies = _add_body_pivots(draft, before)
    control_flow = ControlFlow(draft.definitions())
    # A context is another object each time; by a node that is in it, it is found again.
    return Completed(
        control_flow,
        _loops(control_flow, bodies),
        _found_again(control_flow, pivots),
    )


def _split_switches(draft: Draft, control_flow: ControlFlow) -> None:
    """Give each branch a Switch of its own where one serves both."""
    moved: dict[str, str] = {}
    for name in control_flow.shared_switches():
        copy = build_node(draft.fresh(f"{name}/false"), "Switch", mark=Mark.COPY)
        original = draft.look(name)
        copy.MergeFrom(_without_name(original))
        draft.add(copy, after=name)
        moved[name] = copy.name
    draft.rewire_all(moved)


def _turn_merges(draft: Draft, control_flow: ControlFlow) -> None:
    """Put the false branch first where a Merge has it second and nobody asks which came."""
    asked = {
        producer(text)
        for node in control_flow.nodes
        for text in node.input
        if text.endswith(":1") and not is_control(text)
    }
    for node in control_flow.nodes:
        data = [text for text in node.input if not is_control(text)]
        if node.op not in MERGES or len(data) != _SIDES or node.name in asked:
            continue
        first, second = map(control_flow.context_of_tensor, data)
        is_turned = (
            isinstance(first, Branch)
            and isinstance(second, Branch)
            and (first.parent, first.taken, second.taken) == (second.parent, 1, 0)
            and not first.is_case
        )
        if is_turned and draft.look(node.name).attr.get(MARK) is None:
            changed = draft.change(node.name)
            changed.input[0], changed.input[1] = data[1], data[0]
            set_mark(changed, Mark.SWAPPED)


def _without_name(definition: NodeDef) -> NodeDef:
    copy = type(definition)()
    copy.CopyFrom(definition)
    copy.ClearField("name")
    copy.ClearField("op")
    return copy


def _add_exits(draft: Draft, control_flow: ControlFlow) -> None:
    """Give each loop variable an Exit, as it had when the graph was built."""
    with_exit = {
        producer(node.input[0]) for node in control_flow.nodes if node.op in EXITS and node.input
    }
    for switch in _loop_switches(control_flow):
        if switch.name not in with_exit:
            name = draft.fresh(f"{_scope(switch.name)}Exit")
            node = build_node(name, "Exit", [switch.name], mark=Mark.ADDED, T=switch.attr["T"])
            draft.add(node, after=switch.name)


def _loop_switches(control_flow: ControlFlow) -> list[NodeDef]:
    """Return the Switches that end an iteration of a variable, in the order of the nodes."""
    merges = {node.name for node in control_flow.nodes if node.op in MERGES}
    conditions = {node.name for node in control_flow.nodes if node.op == "LoopCond"}
    return [
        node
        for node in control_flow.nodes
        if node.op in SWITCHES
        and len(node.input) > 1
        and producer(node.input[0]) in merges
        and producer(node.input[1]) in conditions
    ]


def _add_body_pivots(draft: Draft, control_flow: ControlFlow) -> dict[str, str]:
    """Return, by LoopCond, an Identity that runs when an iteration does."""
    found: dict[str, str] = {}
    takers: dict[str, str] = {}
    for node in control_flow.nodes:
        if node.op == "Identity" and node.input and node.input[0].endswith(":1"):
            takers.setdefault(producer(node.input[0]), node.name)
    for switch in _loop_switches(control_flow):
        condition = producer(switch.input[1])
        if condition in found:
            continue
        found[condition] = takers.get(switch.name) or ""
        if not found[condition]:
            name = draft.fresh(f"{_scope(switch.name)}Identity")
            source = f"{switch.name}:1"
            node = build_node(name, "Identity", [source], mark=Mark.ADDED, T=switch.attr["T"])
            draft.add(node, after=switch.name)
            found[condition] = name
    return found


def _add_pivots(draft: Draft, control_flow: ControlFlow) -> list[str]:
    """Return an Identity for each branch that runs when it is taken; one is added if need be."""
    contexts = dict.fromkeys(control_flow.contexts())
    branches = {
        one: "" for context in contexts for one in way_to(context) if isinstance(one, Branch)
    }
    switches = {
        node.name: control_flow.canonical_predicate(node.input[0].removesuffix(":0"))
        for node in control_flow.nodes
        if node.op in SWITCHES and len(node.input) > 1 and node.input[0] == node.input[1]
    }
    for node in control_flow.nodes:
        source = producer(node.input[0]) if node.op == "Identity" and node.input else ""
        branch = control_flow.context(node.name) if source in switches else None
        if (
            isinstance(branch, Branch)
            and not any(map(is_control, node.input))
            and control_flow.canonical_predicate(branch.pred) == switches[source]
        ):
            branches[branch] = branches[branch] or node.name
    for branch, pivot in branches.items():
        if not pivot and not branch.is_case:
            branches[branch] = _new_pivot(draft, branch)
    return [pivot for pivot in branches.values() if pivot]


def _new_pivot(draft: Draft, branch: Branch) -> str:
    scope = _scope(producer(branch.pred))
    bool_type = type_attr(_BOOL)
    switch = draft.fresh(f"{scope}Switch")
    side = "t" if branch.taken else "f"
    pivot = draft.fresh(f"{scope}switch_{side}")
    source = f"{switch}:1" if branch.taken else switch
    draft.add(
        build_node(switch, "Switch", [branch.pred, branch.pred], mark=Mark.ADDED, T=bool_type),
        build_node(pivot, "Identity", [source], mark=Mark.ADDED, T=bool_type),
        after=producer(branch.pred),
    )
    return pivot


def _loops(control_flow: ControlFlow, bodies: dict[str, str]) -> dict[Loop, LoopParts]:
    """Return the parts of the loops that have all of them."""
    enters: dict[Context | None, list[str]] = {}
    merges: dict[str, str] = {}
    for node in control_flow.nodes:
        if node.op in MERGES and node.input:
            merges[producer(node.input[0])] = node.name
    exits = {
        producer(node.input[0]): node.name
        for node in control_flow.nodes
        if node.op in EXITS and node.input
    }
    switches = {producer(one.input[0]): one for one in _loop_switches(control_flow)}
    for node in control_flow.nodes:
        if node.name in merges and merges[node.name] in switches:
            enters.setdefault(control_flow.context(node.name), []).append(node.name)
    found = {}
    for loop, names in enters.items():
        if not isinstance(loop, Loop):
            continue
        own = [switches[merges[name]] for name in names]
        condition = producer(own[0].input[1])
        found[loop] = LoopParts(
            condition,
            merges[names[0]],
            bodies[condition],
            tuple(names),
            tuple(exits[one.name] for one in own if one.name in exits),
        )
    return found


def _found_again(control_flow: ControlFlow, pivots: list[str]) -> dict[Branch, str]:
    found = {}
    for pivot in pivots:
        branch = control_flow.context(pivot)
        if isinstance(branch, Branch):
            found[branch] = pivot
    return found


def _scope(name: str) -> str:
    scope, slash, _ = name.rpartition("/")
    return scope + slash
