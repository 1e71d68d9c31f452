from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import InvalidGraphError, UnsupportedGraphError
from pbckpt.freezing.graph import Value, freeze_graph
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.rewrite.build import Mark, set_mark
from pbckpt.rewrite.reach import leading_to
from pbckpt.wire.span import Stream
from tests.unit.thaw.graphs import BOOL, FLOAT, REF, RESOURCE, encoded, frozen, line, thaw, typed
from tests.unit.variables.graphs import const, graph, identity, node

INT32, RESOURCE_TYPE, INT64 = 3, 20, 9


def value(data: bytes = b"abcdefgh", *, dtype: DataType = DataType.FLOAT) -> Value:
    dims = (len(data) // dtype.itemsize,)
    return Value(dtype, dims, Stream(len(data), lambda _: iter([memoryview(data)])))


def freeze(
    nodes: list[NodeDef], *outputs: str, values: dict[str, Value] | None = None
) -> tuple[GraphDef, tuple[str, ...]]:
    """Freeze a graph in which w is a variable; return it and what became constants."""
    found = freeze_graph(graph(*nodes), outputs, (values or {"w": value()}).get)
    data = b"".join(map(bytes, found.graph.chunks(memoryview(bytearray(1 << 16)))))
    assert len(data) == found.graph.nbytes
    made = GraphDef.FromString(data)
    assert len(made.node) == found.num_nodes
    return made, found.variables


def lines(nodes: list[NodeDef], *outputs: str) -> list[str]:
    return [line(one) for one in freeze(nodes, *outputs)[0].node]


def named(made: GraphDef, name: str) -> NodeDef:
    return next(one for one in made.node if one.name == name)


def handle(name: str = "w", op: str = "VarHandleOp") -> NodeDef:
    made = node(op, name)
    made.device = "/device:CPU:0"
    made.attr["dtype"].type = FLOAT
    made.attr["shared_name"].s = name.encode()
    made.attr["_class"].list.s.append(b"loc:@other")
    return made


def read(name: str = "r", of: str = "w") -> NodeDef:
    made = node("ReadVariableOp", name, of)
    made.attr["dtype"].type = FLOAT
    return made


def marked(made: NodeDef, mark: Mark) -> NodeDef:
    set_mark(made, mark)
    return made


def gather(op: str = "ResourceGather", *, indices: int = INT32) -> NodeDef:
    made = node(op, "g", "w", "i", "^x")
    made.attr["dtype"].type = FLOAT
    made.attr["Tindices"].type = indices
    made.attr["validate_indices"].b = True
    made.attr["_class"].list.s.append(b"loc:@w")
    return made


# As TensorFlow freezes


def test_a_resource_and_its_read() -> None:
    made, variables = freeze([handle(), read(), node("Relu", "y", "r")], "y")
    assert variables == ("w",)
    expected = [
        NodeDef(name="w", op="Const"),
        NodeDef(name="r", op="Identity", input=["w"]),
        NodeDef(name="y", op="Relu", input=["r"]),
    ]
    expected[0].attr["dtype"].type = FLOAT
    tensor = expected[0].attr["value"].tensor
    tensor.dtype = FLOAT
    tensor.tensor_shape.dim.add(size=2)
    tensor.tensor_content = b"abcdefgh"
    expected[1].attr["T"].type = FLOAT
    assert list(made.node) == expected


@pytest.mark.parametrize("op", ["VariableV2", "Variable"])
def test_a_reference_keeps_its_reads(op: str) -> None:
    assert lines([handle(op=op), identity("w/read", "w")], "w/read") == [
        "w Const",
        "w/read Identity w",
    ]


def test_a_read_stays_where_it_was_placed_and_waits_no_longer() -> None:
    one = read()
    one.input.append("^x")
    one.device = "/device:GPU:0"
    one.attr["_class"].list.s.append(b"loc:@w")
    made, _ = freeze([node("NoOp", "x"), handle(), one], "r")
    assert (list(named(made, "r").input), named(made, "r").device) == (["w"], "")
    assert named(made, "r").attr["_class"].list.s == [b"loc:@w"]


def test_what_does_not_lead_to_an_output_goes() -> None:
    nodes = [handle(), read(), const("c", 2), node("AssignVariableOp", "a", "w", "c"), read("s")]
    assert lines(nodes, "r") == ["w Const", "r Identity w"]


def test_nodes_stay_in_their_order() -> None:
    assert lines([node("Relu", "y", "r"), read(), handle()], "y") == [
        "y Relu r",
        "r Identity w",
        "w Const",
    ]


@pytest.mark.parametrize(("indices", "data"), [(INT32, "int_val"), (INT64, "int64_val")])
def test_rows_that_are_looked_up(indices: int, data: str) -> None:
    made, _ = freeze([node("Placeholder", "i"), handle(), gather(indices=indices)], "g")
    assert [line(one) for one in made.node] == [
        "i Placeholder",
        "w Const",
        "g GatherV2 w i g/axis",
        "g/axis Const",
    ]
    found = named(made, "g").attr
    assert {key: found[key].type for key in found if key != "_class"} == {
        "Tparams": FLOAT,
        "Tindices": indices,
        "Taxis": indices,
    }
    assert found["_class"].list.s == [b"loc:@w"]
    assert getattr(named(made, "g/axis").attr["value"].tensor, data) == [0]


def test_elements_that_are_looked_up() -> None:
    nodes = [node("Placeholder", "i"), handle(), gather("ResourceGatherNd")]
    made, _ = freeze(nodes, "g")
    assert line(named(made, "g")) == "g GatherNd w i"
    assert sorted(named(made, "g").attr) == ["Tindices", "Tparams", "_class"]


def test_rows_in_batches() -> None:
    batched = gather()
    batched.attr["batch_dims"].i = 1
    made, _ = freeze([node("Placeholder", "i"), handle(), batched], "g")
    rows, axis = made.node[2:]
    assert (rows.op, rows.attr["batch_dims"].i) == ("GatherV2", 1)
    assert axis.attr["value"].tensor.int_val == [1]


def test_what_hands_the_resource_on_hands_its_value_on() -> None:
    nodes = [handle(), node("Placeholder", "p")]
    nodes += [
        typed("Switch", "s", "w", "p", dtype=RESOURCE_TYPE),
        typed("Enter", "e", "s:1", dtype=RESOURCE_TYPE),
        read("r", "e"),
    ]
    nodes[2].attr["_output_shapes"].list.shape.add()
    made, _ = freeze(nodes, "r")
    assert [line(one) for one in made.node] == [
        "w Const",
        "p Placeholder",
        "s Switch w p",
        "e Enter s:1",
        "r Identity e",
    ]
    assert named(made, "s").attr["T"].type == named(made, "e").attr["T"].type == FLOAT
    assert "_output_shapes" not in named(made, "s").attr


def test_what_needs_the_variable_itself_is_refused() -> None:
    nodes = [handle(), node("AssignAddVariableOp", "a", "w", "w")]
    with pytest.raises(UnsupportedGraphError) as caught:
        freeze(nodes, "a")
    assert "node 'a' (AssignAddVariableOp) takes the variable 'w' itself" in str(caught.value)
    assert "--outputs" in str(caught.value)


def test_strings_are_listed() -> None:
    strings = Value(DataType.STRING, (2,), None, [b"a", b"\xff"])
    made, _ = freeze([handle(op="VariableV2")], "w", values={"w": strings})
    tensor = named(made, "w").attr["value"].tensor
    assert (tensor.dtype, list(tensor.string_val)) == (7, [b"a", b"\xff"])


def test_a_graph_that_ends_in_nothing_leads_nowhere() -> None:
    nodes = graph(node("NoOp", "a"), node("NoOp", "b", "^a"), node("Relu", "y", "b:0", "c")).nodes
    assert leading_to(nodes, []) == set()
    assert leading_to(nodes, ["y"]) == {"a", "b", "y"}


# What thawing marked


def test_a_variable_is_the_constant_that_it_was() -> None:
    kept = marked(handle(), Mark.VARIABLE)
    kept.input.append("^x")
    kept.attr["_pbckpt_output_shapes"].list.shape.add()
    made, _ = freeze([node("NoOp", "x"), kept], "w")
    one = named(made, "w")
    assert (one.op, list(one.input), one.device) == ("Const", ["^x"], "/device:CPU:0")
    assert sorted(one.attr) == ["_class", "_output_shapes", "dtype", "value"]


def test_a_read_is_the_identity_that_it_was() -> None:
    one = marked(read(), Mark.READ)
    one.input.append("^x")
    one.device = "/device:GPU:0"
    one.attr["_output_shapes"].list.shape.add()
    made, _ = freeze([node("NoOp", "x"), marked(handle(), Mark.VARIABLE), one], "r")
    found = named(made, "r")
    assert (line(found), found.device) == ("r Identity w ^x", "/device:GPU:0")
    assert sorted(found.attr) == ["T", "_output_shapes"]


def test_a_read_in_place_is_the_constant_that_it_was() -> None:
    nodes = [marked(handle("v"), Mark.ADDED), marked(read("c", "v"), Mark.CONSTANT)]
    made, variables = freeze(nodes, "c", values={"v": value()})
    assert [line(one) for one in made.node] == ["c Const"]
    assert made.node[0].attr["value"].tensor.tensor_content == b"abcdefgh"
    assert variables == ("c",)


def test_who_took_an_added_node_takes_what_it_took() -> None:
    nodes = [
        marked(handle(), Mark.VARIABLE),
        marked(read(), Mark.ADDED),
        marked(identity("again", "r"), Mark.ADDED),
        node("Add", "y", "again", "r:0"),
    ]
    assert lines(nodes, "y") == ["w Const", "y Add w w"]


def test_what_an_added_node_waits_for_its_constant_waited_for() -> None:
    added = marked(typed("Identity", "late", "w", "^x"), Mark.ADDED)
    nodes = [node("NoOp", "x"), marked(handle(op="VariableV2"), Mark.VARIABLE), added]
    assert lines([*nodes, node("Relu", "y", "late")], "y") == ["x NoOp", "w Const ^x", "y Relu w"]


def test_a_copy_is_one_with_its_original() -> None:
    nodes = [
        node("Placeholder", "x"),
        typed("Switch", "s", "x", "x", dtype=BOOL),
        marked(typed("Switch", "t", "x", "x", dtype=BOOL), Mark.COPY),
        node("Merge", "m", "t", "s:1", "t:1"),
    ]
    assert lines(nodes, "m") == ["x Placeholder", "s Switch x x", "m Merge s s:1 s:1"]


def test_two_inputs_are_turned_back() -> None:
    nodes = [
        node("NoOp", "a"),
        node("NoOp", "b"),
        marked(node("Merge", "m", "a", "b"), Mark.SWAPPED),
    ]
    assert lines(nodes, "m")[2:] == ["m Merge b a"]


def test_a_variable_of_before_stays_one_without_a_value() -> None:
    nodes = [marked(handle("a"), Mark.NAMED), marked(handle("b"), Mark.KEPT)]
    made, variables = freeze([*nodes, read("r", "a"), read("s", "b")], "r", "s")
    assert variables == ()
    assert [line(one) for one in made.node] == [
        "a VarHandleOp",
        "b VarHandleOp",
        "r ReadVariableOp a",
        "s ReadVariableOp b",
    ]
    assert [one.attr["shared_name"].s for one in made.node[:2]] == [b"", b"b"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (node("Merge", "m"), "m Merge"),
        (node("Merge", "m", "w"), "m Merge w"),
        (node("Merge", "m", "w", "^w", "w:1"), "m Merge w:1 w ^w"),
    ],
)
def test_a_mark_that_does_not_fit_does_no_harm(made: NodeDef, expected: str) -> None:
    nodes = [handle(op="VariableV2"), marked(made, Mark.SWAPPED)]
    assert lines(nodes, "m")[-1] == expected


def test_a_read_without_a_type_does_no_harm() -> None:
    nodes = [handle(), marked(node("ReadVariableOp", "r", "w"), Mark.READ)]
    assert lines(nodes, "r")[1:] == ["r Identity w"]


def test_rows_without_their_numbers_are_refused() -> None:
    with pytest.raises(InvalidGraphError, match="takes 1 tensors"):
        freeze([handle(), node("ResourceGather", "g", "w")], "g")


@pytest.mark.parametrize(
    "op",
    [
        "Assign",
        "AssignAdd",
        "ApplyAdam",
        "IsVariableInitialized",
        "ScatterUpdate",
        "ScatterNdAdd",
        "StridedSliceAssign",
        "CountUpTo",
    ],
)
def test_who_changes_a_reference_or_asks_about_it_is_refused(op: str) -> None:
    nodes = [handle(op="VariableV2"), node("Const", "v"), node(op, "a", "w", "v")]
    with pytest.raises(UnsupportedGraphError, match="takes the variable 'w' itself") as caught:
        freeze(nodes, "a")
    assert (caught.value.node_name, caught.value.op) == ("a", op)


def test_references_that_are_handed_on_are_values() -> None:
    nodes = [handle(op="VariableV2"), node("Placeholder", "p"), node("RefSwitch", "s", "w", "p")]
    assert lines(nodes, "s")[2:] == ["s Switch w p"]


def test_an_added_variable_that_a_new_node_takes_stays() -> None:
    """Somebody has built on what thawing added: the variable is a constant of its own name."""
    nodes = [
        marked(handle(), Mark.ADDED),
        marked(read("c", "w"), Mark.CONSTANT),
        marked(read("w/Read", "w"), Mark.ADDED),
        typed("Neg", "new", "w/Read"),
        read("other", "w"),
    ]
    assert lines(nodes, "c", "new", "other") == [
        "w Const",
        "c Const",
        "new Neg w",
        "other Identity w",
    ]
    assert lines(nodes[:2], "c") == ["c Const"]


def test_what_is_added_stays_as_an_output() -> None:
    nodes = [handle(), marked(read("r", "w"), Mark.ADDED)]
    assert lines(nodes, "r") == ["w Const", "r Identity w"]


def test_nobody_waits_for_what_is_gone() -> None:
    nodes = [
        marked(handle(), Mark.ADDED),
        marked(read("r", "w"), Mark.ADDED),
        marked(read("c", "w"), Mark.CONSTANT),
        node("Neg", "n", "c", "^r", "^w"),
    ]
    assert lines(nodes, "n") == ["c Const", "n Neg c"]


def test_the_shape_of_a_handle_is_not_the_constants() -> None:
    """TensorFlow says it when it saves a thawed graph again."""
    saved = marked(handle(), Mark.VARIABLE)
    saved.attr["_output_shapes"].list.shape.add()
    made, _ = freeze([saved, read("r", "w")], "r")
    assert "_output_shapes" not in made.node[0].attr


def test_long_ways_of_added_nodes_take_no_longer_than_they_are() -> None:
    nodes = [marked(handle(), Mark.ADDED), marked(read("r0", "w"), Mark.ADDED)]
    nodes += [marked(typed("Identity", f"r{i}", f"r{i - 1}"), Mark.ADDED) for i in range(1, 5000)]
    nodes.append(marked(typed("Identity", "c", "r4999"), Mark.CONSTANT))
    assert lines(nodes, "c") == ["c Const"]


# There and back


@pytest.mark.parametrize("kind", [RESOURCE, REF])
def test_a_thawed_graph_is_what_it_was(kind: object) -> None:
    waiting = const("c", 2)
    waiting.input.append("^w/read")
    reads = typed("Identity", "w/read", "w")
    nodes = [
        const("w", 2),
        reads,
        waiting,
        typed("Add", "y", "w", "c"),
        typed("Neg", "z", "w/read"),
    ]
    for one in (nodes[0], waiting):
        one.attr["value"].tensor.tensor_content = b"abcdefgh"
    thawed = encoded(thaw(nodes, frozen("w", "w", 2), frozen("v", "c", 2), kind=kind))  # type: ignore[arg-type]
    made, variables = freeze(list(thawed.node), "y", "z", values={"w": value(), "v": value()})
    assert variables == ("w", "c")
    assert list(made.node) == nodes


@pytest.mark.parametrize(("number", "output"), [(2, 1), (1 << 40, 4095)])
def test_a_switch_hands_on_by_all_of_its_outputs(number: int, output: int) -> None:
    """However many it says that it has, this takes no time."""
    switch = node("_SwitchN", "s", "w", "x")
    switch.attr["T"].type = 20
    switch.attr["num_outs"].i = number
    nodes = [handle(), node("Placeholder", "x"), switch, read("y", f"s:{output}")]
    made, _ = freeze(nodes, "y")
    assert [line(one) for one in made.node][2:] == ["s _SwitchN w x", f"y Identity s:{output}"]
    assert named(made, "s").attr["T"].type == FLOAT
