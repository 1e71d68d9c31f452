from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.errors import SelectionError
from pbckpt.objects.graph import ObjectGraph, decode_graph
from pbckpt.protos import TrackableObjectGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

END = "/.ATTRIBUTES/VARIABLE_VALUE"


class Node(NamedTuple):
    """An object: its children, the paths of its values, (variable, slot name, slot)."""

    children: dict[str, int]
    values: tuple[str, ...] = ()
    slots: tuple[tuple[int, str, int], ...] = ()
    is_valued: bool | None = True


def key(path: str) -> str:
    return path if "/.ATTRIBUTES/" in path else path + END


def graph(*nodes: Node) -> ObjectGraph:
    proto = TrackableObjectGraph()
    for node in nodes:
        added = proto.nodes.add()
        for name, node_id in node.children.items():
            added.children.add(node_id=node_id, local_name=name)
        for path in node.values:
            added.attributes.add(name=key(path).split("/")[-1], checkpoint_key=key(path))
        for variable, name, slot in node.slots:
            added.slot_variables.add(
                original_variable_node_id=variable, slot_name=name, slot_variable_node_id=slot
            )
        if node.is_valued is not None:
            added.has_checkpoint_values.value = node.is_valued
    return decode_graph(proto.SerializeToString())


def nodes(edited: ObjectGraph) -> list[Node]:
    proto = TrackableObjectGraph.FromString(edited.encode())
    return [
        Node(
            {child.local_name: child.node_id for child in node.children},
            tuple(value.checkpoint_key.removesuffix(END) for value in node.attributes),
            tuple(
                (s.original_variable_node_id, s.slot_name, s.slot_variable_node_id)
                for s in node.slot_variables
            ),
            node.has_checkpoint_values.value if node.HasField("has_checkpoint_values") else None,
        )
        for node in proto.nodes
    ]


def edited(before: ObjectGraph, changes: dict[str, str | None]) -> list[Node]:
    return nodes(
        before.edited({key(old): None if new is None else key(new) for old, new in changes.items()})
    )


def names_to(after: Sequence[Node]) -> dict[str, int]:
    """Return where the names of the root lead, for a graph that is a tree."""
    found = {}
    open_paths = [("", 0)]
    while open_paths:
        path, node_id = open_paths.pop()
        for name, child in after[node_id].children.items():
            found[path + name] = child
            open_paths.append((f"{path}{name}/", child))
    return found


FLAT = graph(Node({"a": 1, "b": 2, "n": 3}), *(Node({}, (name,)) for name in "abn"))
# model/dense/{kernel, bias}, model/alias -> bias, opt/step, and slots of kernel.
MODEL = graph(
    Node({"model": 1, "opt": 2}),
    Node({"dense": 3, "alias": 5, "call": 8}),
    Node({"step": 6}, (), ((4, "m", 7),)),
    Node({"kernel": 4, "bias": 5}),
    Node({}, ("model/dense/kernel",)),
    Node({}, ("model/alias",)),
    Node({}, ("opt/step",)),
    Node({}, ("model/dense/kernel/.OPTIMIZER_SLOT/opt/m",)),
    Node({}, (), (), is_valued=False),
)


def test_a_renamed_edge_keeps_its_place() -> None:
    after = edited(FLAT, {"b": "x.Sy"})
    assert list(after[0].children) == ["a", "x/y", "n"]
    assert after == [
        Node({"a": 1, "x/y": 2, "n": 3}),
        Node({}, ("a",)),
        Node({}, ("x.Sy",)),
        Node({}, ("n",)),
    ]


def test_the_name_in_a_graph_stays() -> None:
    before = decode_graph(
        b"\n\x07\n\x05\x08\x01\x12\x01b"
        b"\n6\x124\n\x0eVARIABLE_VALUE\x12\x04bias\x1a\x1cb/.ATTRIBUTES/VARIABLE_VALUE"
    )
    assert before.edited({key("b"): key("c")}).encode() == (
        b"\n\x07\n\x05\x08\x01\x12\x01c"
        b"\n6\x124\n\x0eVARIABLE_VALUE\x12\x04bias\x1a\x1cc/.ATTRIBUTES/VARIABLE_VALUE"
    )


def test_objects_on_the_way_are_made() -> None:
    assert edited(FLAT, {"a": "new/deep/a"}) == [
        Node({"b": 2, "n": 3, "new": 4}),
        Node({}, ("new/deep/a",)),
        Node({}, ("b",)),
        Node({}, ("n",)),
        Node({"deep": 5}),
        Node({"a": 1}),
    ]


def test_what_is_made_has_no_marks_where_there_are_none() -> None:
    before = graph(Node({"a": 1}, is_valued=None), Node({}, ("a",), is_valued=None))
    assert [node.is_valued for node in edited(before, {"a": "m/a"})] == [None, None, None]


def test_names_go_round() -> None:
    after = edited(FLAT, {"a": "b", "b": "n", "n": "a"})
    assert after[0].children == {"b": 1, "n": 2, "a": 3}
    assert [node.values for node in after[1:]] == [("b",), ("n",), ("a",)]


def test_an_object_moves_as_a_whole_when_all_below_it_does() -> None:
    after = edited(
        MODEL, {"model/dense/kernel": "net/fc/w", "model/alias": "net/alias", "opt/step": "o/step"}
    )
    assert [node.children for node in after[:4]] == [
        {"net": 1, "o": 2},
        {"fc": 3, "alias": 5, "call": 8},
        {"step": 6},
        {"w": 4, "bias": 5},
    ]
    assert after[2].slots == ((4, "m", 7),)
    assert len(after) == 9


def test_an_object_stays_when_something_below_it_does() -> None:
    after = edited(MODEL, {"model/dense/kernel": "net/dense/kernel"})
    assert after[0].children == {"model": 1, "opt": 2, "net": 9}
    assert after[1].children == {"alias": 5, "call": 8}
    assert after[9].children == {"dense": 3}


def test_an_object_stays_when_something_far_below_it_does() -> None:
    after = names_to(edited(tree(["m/d/a", "m/d/b"]), {"m/d/a": "n/d/a"}))
    assert after == {"m": 1, "m/d": 2, "m/d/b": 4, "n": 5, "n/d": 6, "n/d/a": 3}


def test_an_object_stays_when_those_below_it_cannot_all_go() -> None:
    after = edited(tree(["a/b/w", "a/e/v"]), {"a/b/w": "c/d/w", "a/e/v": "c/d/v"})
    assert names_to(after) == {
        "a": 1,
        "a/b": 2,
        "a/e": 4,
        "c": 6,
        "c/d": 7,
        "c/d/w": 3,
        "c/d/v": 5,
    }


def test_an_object_that_is_held_twice_loses_the_edge_that_its_key_names() -> None:
    after = edited(MODEL, {"model/alias": "model/other"})
    assert after[1].children == {"dense": 3, "other": 5, "call": 8}
    assert after[3].children == {"kernel": 4, "bias": 5}


def test_two_objects_change_places() -> None:
    before = graph(
        Node({"x": 1, "y": 2}),
        Node({"a": 3}),
        Node({"a": 4, "b": 5}),
        Node({}, ("x/a",)),
        Node({}, ("y/a",)),
        Node({}, ("y/b",)),
    )
    after = edited(before, {"x/a": "y/a", "y/a": "x/a", "y/b": "x/b"})
    assert after[0].children == {"y": 1, "x": 2}
    assert [node.children for node in after[1:3]] == [{"a": 3}, {"a": 4, "b": 5}]


def test_two_objects_become_one() -> None:
    before = graph(
        Node({"x": 1, "y": 2}),
        Node({"a": 3}),
        Node({"b": 4}),
        Node({}, ("x/a",)),
        Node({}, ("y/b",)),
    )
    after = edited(before, {"x/a": "z/a", "y/b": "z/b"})
    assert after[0].children == {"x": 1, "y": 2, "z": 5}
    assert after[5].children == {"a": 3, "b": 4}
    assert [node.is_valued for node in after] == [True, False, False, True, True, True]


def test_an_object_is_not_moved_onto_one_that_comes_along() -> None:
    before = tree(["a/a", "b/b/a"])
    assert names_to(edited(before, {"a/a": "a/b/b", "b/b/a": "a/b/a"})) == {
        "a": 3,
        "a/b": 4,
        "a/b/b": 2,
        "a/b/a": 5,
    }


def test_an_object_is_not_moved_onto_what_comes_along_without_a_key() -> None:
    before = graph(
        Node({"m": 1, "n": 4}),
        Node({"w": 2, "call": 3}),
        Node({}, ("m/w",)),
        Node({}, is_valued=False),
        Node({}, ("n",)),
    )
    with pytest.raises(SelectionError, match="where another one lies: 'net/call'"):
        edited(before, {"m/w": "net/w", "n": "net/call"})


def test_an_object_merges_into_another() -> None:
    before = graph(
        Node({"x": 1, "y": 2}),
        Node({"a": 3}),
        Node({"b": 4}),
        Node({}, ("x/a",)),
        Node({}, ("y/b",)),
    )
    after = edited(before, {"x/a": "y/a"})
    assert after[0].children == {"x": 1, "y": 2}
    assert after[2].children == {"b": 4, "a": 3}


@pytest.mark.parametrize(
    ("changes", "leads_to"),
    [
        ({"x/a": "x"}, {"x": 3}),
        ({"x/a": "x/a/a"}, {"x": 4, "x/a": 1, "x/a/a": 3}),
        ({"x/a": "x/y/z"}, {"x": 4, "x/y": 1, "x/y/z": 3}),
    ],
)
def test_an_object_that_all_values_left_makes_way(
    changes: dict[str, str | None], leads_to: dict[str, int]
) -> None:
    before = graph(
        Node({"x": 1}), Node({"a": 3, "f": 2}), Node({}, is_valued=False), Node({}, ("x/a",))
    )
    after = names_to(edited(before, changes))
    assert leads_to.items() <= after.items()


def test_slots_stay_with_a_variable_that_moves() -> None:
    after = edited(MODEL, {"model/dense/kernel": "model/dense/w"})
    assert after[2].slots == ((4, "m", 7),)
    assert after[7].values == ("model/dense/kernel/.OPTIMIZER_SLOT/opt/m",)
    assert after[3].children == {"w": 4, "bias": 5}


def test_keys_of_slots_change_with_their_variable_and_optimizer() -> None:
    after = edited(
        MODEL,
        {
            "model/dense/kernel": "model/dense/w",
            "opt/step": "adam/step",
            "model/dense/kernel/.OPTIMIZER_SLOT/opt/m": "model/dense/w/.OPTIMIZER_SLOT/adam/m",
        },
    )
    assert after[0].children == {"model": 1, "adam": 2}
    assert after[7].values == ("model/dense/w/.OPTIMIZER_SLOT/adam/m",)


def test_an_optimizer_without_variables_moves_by_its_slots() -> None:
    before = graph(
        Node({"w": 1, "opt": 2}),
        Node({}, ("w",)),
        Node({}, (), ((1, "m", 3),)),
        Node({}, ("w/.OPTIMIZER_SLOT/opt/m",)),
    )
    after = edited(before, {"w/.OPTIMIZER_SLOT/opt/m": "w/.OPTIMIZER_SLOT/train/sgd/a.Sb"})
    assert after[0].children == {"w": 1, "train": 4}
    assert after[4].children == {"sgd": 2}
    assert after[2].slots == ((1, "a/b", 3),)


def test_an_object_whose_slots_stay_makes_no_way() -> None:
    with pytest.raises(SelectionError, match="'model/alias' to 'opt'"):
        edited(MODEL, {"opt/step": "step", "model/alias": "opt"})


def test_a_dropped_variable_is_no_longer_held() -> None:
    assert edited(FLAT, {"b": None}) == [
        Node({"a": 1, "n": 3}),
        Node({}, ("a",)),
        Node({}, (), is_valued=False),
        Node({}, ("n",)),
    ]


def test_a_dropped_variable_makes_way() -> None:
    assert edited(FLAT, {"b": None, "a": "b"})[0].children == {"b": 1, "n": 3}


def test_a_dropped_slot_is_no_longer_referred_to() -> None:
    after = edited(MODEL, {"model/dense/kernel/.OPTIMIZER_SLOT/opt/m": None})
    assert after[2] == Node({"step": 6})
    assert after[7] == Node({}, is_valued=False)


def test_a_dropped_variable_stays_held_for_its_slots() -> None:
    after = edited(MODEL, {"model/dense/kernel": None})
    assert after[3].children == {"kernel": 4, "bias": 5}
    assert after[2].slots == ((4, "m", 7),)
    after = edited(
        MODEL,
        {"model/dense/kernel": None, "model/dense/kernel/.OPTIMIZER_SLOT/opt/m": None},
    )
    assert after[3].children == {"bias": 5}


def test_an_object_keeps_what_is_not_dropped() -> None:
    before = graph(Node({"t": 1}), Node({}, ("t/.ATTRIBUTES/keys", "t/.ATTRIBUTES/values")))
    after = edited(before, {"t/.ATTRIBUTES/keys": None})
    assert after == [Node({"t": 1}), Node({}, ("t/.ATTRIBUTES/values",))]


def test_the_values_of_an_object_move_together() -> None:
    before = graph(Node({"t": 1}), Node({}, ("t/.ATTRIBUTES/keys", "t/.ATTRIBUTES/values")))
    after = edited(
        before,
        {
            "t/.ATTRIBUTES/keys": "u/.ATTRIBUTES/keys",
            "t/.ATTRIBUTES/values": "u/.ATTRIBUTES/values",
        },
    )
    assert after == [
        Node({"u": 1}),
        Node({}, ("u/.ATTRIBUTES/keys", "u/.ATTRIBUTES/values")),
    ]
    with pytest.raises(SelectionError, match="must move together: those of 't'"):
        edited(before, {"t/.ATTRIBUTES/keys": "u/.ATTRIBUTES/keys"})


def test_an_edge_on_the_ways_to_two_keys_is_not_moved_for_one() -> None:
    before = graph(
        Node({"a": 1, "b": 1}),
        Node({"x": 2}),
        Node({"w": 3, "v": 4}),
        Node({}, ("a/x/w",)),
        Node({}, ("b/x/v",)),
    )
    with pytest.raises(SelectionError, match="leads to 'b/x/v/"):
        edited(before, {"a/x/w": "a/y/w"})


def test_the_first_of_two_children_with_one_name_is_moved() -> None:
    proto = TrackableObjectGraph()
    root = proto.nodes.add()
    for node_id in (1, 2):
        root.children.add(node_id=node_id, local_name="w")
        proto.nodes.add().attributes.add(checkpoint_key=key("wv"[node_id - 1]))
    after = decode_graph(proto.SerializeToString()).edited({key("w"): key("u")})
    children = TrackableObjectGraph.FromString(after.encode()).nodes[0].children
    assert [(child.local_name, child.node_id) for child in children] == [("u", 1), ("w", 2)]


def test_objects_may_hold_each_other() -> None:
    before = graph(Node({"a": 1}), Node({"back": 0, "w": 2}), Node({"owner": 1}, ("a/w",)))
    after = edited(before, {"a/w": "b/v"})
    assert after[:2] == [Node({"b": 1}), Node({"back": 0, "v": 2})]


def test_one_key_for_two_objects_moves_the_one_that_lies_there() -> None:
    before = graph(Node({"a": 1, "b": 2}), Node({}, ("a",)), Node({}, ("a",)))
    assert edited(before, {"a": "c"}) == [
        Node({"c": 1, "b": 2}),
        Node({}, ("c",)),
        Node({}, ("c",)),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"z": "y"}, "no values under 'z/.ATTRIBUTES/VARIABLE_VALUE'"),
        ({"z": None}, "no values under"),
        ({"model/alias": "opt"}, "cannot move to where another one lies: 'model/alias' to 'opt'"),
        ({"model/alias": "model/call/x", "opt/step": "model/dense"}, "'opt/step' to 'model/dense'"),
        ({"model/alias": "opt/step"}, "two values cannot become 'opt/step/"),
        ({"model/alias": "x", "opt/step": "x"}, "two values cannot become 'x/"),
        ({"opt/step": "y/.OPTIMIZER_SLOT/z/u"}, "'.OPTIMIZER_SLOT' is no local name"),
        ({"model/alias": "a.b"}, "'a.b' is no local name"),
        ({"model/alias": "\ud800"}, "not UTF-8"),
        ({"model/alias": "x/.ATTRIBUTES/other"}, "must end in /.ATTRIBUTES/VARIABLE_VALUE"),
        (
            {"model/dense/kernel/.OPTIMIZER_SLOT/opt/m": "m"},
            "the key of a slot variable can only become that of another",
        ),
        (
            {"model/dense/kernel/.OPTIMIZER_SLOT/opt/m": "model/alias/.OPTIMIZER_SLOT/opt/m"},
            "'m' of 'model/dense/kernel' does not belong to 'model/alias'",
        ),
        (
            {"model/dense/kernel/.OPTIMIZER_SLOT/opt/m": "model/dense/kernel/.OPTIMIZER_SLOT/o/m"},
            "'opt' cannot move without what lies below it",
        ),
    ],
)
def test_a_change_that_cannot_be_made(changes: dict[str, str | None], says: str) -> None:
    with pytest.raises(SelectionError, match=says):
        edited(MODEL, changes)


def test_keys_that_are_not_there_are_named_all() -> None:
    with pytest.raises(SelectionError) as caught:
        FLAT.edited({"z": None, "y": "x", key("a"): None})
    assert caught.value.unknown == ("y", "z")


def test_a_plain_key_can_only_stay_or_go() -> None:
    proto = TrackableObjectGraph()
    proto.nodes.add().attributes.add(name="VARIABLE_VALUE", checkpoint_key="w")
    plain = decode_graph(proto.SerializeToString())
    assert plain.edited({"w": None}).variables == ()
    with pytest.raises(SelectionError, match="can only stay or go"):
        plain.edited({"w": key("v")})


@pytest.mark.parametrize("path", ["", "a"])
def test_the_root_and_what_lies_elsewhere_cannot_move(path: str) -> None:
    before = graph(Node({}, (path,)))
    with pytest.raises(SelectionError, match="no object lies where its key says"):
        edited(before, {path: "b"})


def test_a_failed_edit_leaves_the_graph_as_it_was() -> None:
    before = MODEL.encode()
    with pytest.raises(SelectionError):
        edited(MODEL, {"model/alias": "opt", "opt/step": None})
    assert MODEL.encode() == before


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def is_tree(paths: Sequence[str]) -> bool:
    """Tell whether every path is that of a leaf."""
    return not any(other.startswith(path + "/") for path in paths for other in paths)


def tree(paths: Sequence[str]) -> ObjectGraph:
    children: list[dict[str, int]] = [{}]
    values: dict[int, str] = {}
    for path in paths:
        node_id = 0
        for name in path.split("/"):
            if name not in children[node_id]:
                children[node_id][name] = len(children)
                children.append({})
            node_id = children[node_id][name]
        values[node_id] = path
    return graph(
        *(Node(held, (values[i],) if i in values else ()) for i, held in enumerate(children))
    )


@given(
    st.lists(st.tuples(PATHS, PATHS), min_size=1, max_size=7).filter(
        lambda pairs: all(
            len(set(paths)) == len(paths) and is_tree(paths)
            for paths in ([old for old, _ in pairs], [new for _, new in pairs])
        )
    )
)
def test_every_tree_becomes_every_other_tree(pairs: list[tuple[str, str]]) -> None:
    before = tree([old for old, _ in pairs])
    ids = names_to(nodes(before))
    after = edited(before, dict(pairs))
    leads_to = names_to(after)
    assert {new: leads_to.get(new) for _, new in pairs} == {new: ids[old] for old, new in pairs}
    assert {(ids[old], (new,)) for old, new in pairs} == {
        (node_id, node.values) for node_id, node in enumerate(after) if node.values
    }


@st.composite
def tangles(draw: st.DrawFn) -> ObjectGraph:
    """Graphs with rings, objects of many owners, keys that lie, slots of anything."""
    count = draw(st.integers(1, 5))
    ids = st.integers(0, count - 1)
    slot_paths = st.builds("{}/.OPTIMIZER_SLOT/{}/{}".format, PATHS, PATHS, NAMES)
    values = st.lists(st.one_of(PATHS, slot_paths, st.just("")), max_size=2).map(tuple)
    slots = st.lists(st.tuples(ids, NAMES, ids), max_size=2).map(tuple)
    node = st.builds(Node, st.dictionaries(NAMES, ids, max_size=3), values, slots)
    return graph(*draw(st.lists(node, min_size=count, max_size=count)))


@given(tangles(), st.data())
def test_any_edit_of_any_graph_is_a_graph_or_an_error(
    before: ObjectGraph, data: st.DataObject
) -> None:
    keys = sorted({variable.key for variable in before.variables})
    news = st.one_of(st.none(), PATHS.map(key), st.sampled_from(["x", "", END, *keys]))
    changes = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(keys, news)))
    try:
        after = before.edited(changes)
    except SelectionError:
        return
    expected = {changes.get(old, old) for old in keys} - {None}
    assert {variable.key for variable in decode_graph(after.encode()).variables} == expected
    assert after.edited({}).encode() == after.encode()


def test_an_object_with_a_saver_of_its_own_makes_no_way() -> None:
    proto = TrackableObjectGraph.FromString(FLAT.encode())
    proto.nodes[0].children.add(node_id=4, local_name="table")
    held = proto.nodes.add()
    held.children.add(node_id=5, local_name="w")
    held.registered_saver.object_name = "table"
    proto.nodes.add().attributes.add(name="VARIABLE_VALUE", checkpoint_key=key("table/w"))
    before = decode_graph(proto.SerializeToString())
    with pytest.raises(SelectionError, match="'a' to 'table'"):
        edited(before, {"table/w": "w", "a": "table"})
