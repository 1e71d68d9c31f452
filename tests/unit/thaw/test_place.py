from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.dtypes import DataType
from pbckpt.errors import UnsupportedGraphError
from pbckpt.thaw.variable import FrozenVariable, VariableKind
from tests.unit.thaw.graphs import (
    REF,
    RESOURCE,
    attr_of,
    cond,
    encoded,
    enter,
    frozen,
    lines,
    loop,
    thaw,
    typed,
)
from tests.unit.variables.graphs import const, identity, node

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef

# A variable that is called as its constant


def test_a_resource_takes_the_constants_name_and_identities_become_reads() -> None:
    nodes = [const("w", 2, 3), identity("w/Read/ReadVariableOp", "w"), identity("again", "w:0")]
    thawed = thaw(nodes, frozen("w", "w", 2, 3))
    assert lines(thawed) == [
        "w VarHandleOp | variable",
        "w/Initializer/initial_value Const",
        "w/Assign AssignVariableOp w w/Initializer/initial_value | added",
        "w/Read/ReadVariableOp ReadVariableOp w | read",
        "again ReadVariableOp w:0 | read",
    ]
    [variable] = thawed.variables
    assert variable[1:] == (
        "w",
        "w/Assign",
        "w/Initializer/initial_value",
        "w/Read/ReadVariableOp",
        True,
        True,
    )


def test_a_read_of_another_name_is_no_snapshot() -> None:
    thawed = thaw([const("w", 2), identity("w/read", "w")], frozen("w", "w", 2))
    assert lines(thawed) == [
        "w VarHandleOp | variable",
        "w/Initializer/initial_value Const",
        "w/Assign AssignVariableOp w w/Initializer/initial_value | added",
        "w/Read/ReadVariableOp ReadVariableOp w | added",
        "w/read ReadVariableOp w | read",
    ]


def test_a_reference_keeps_its_identities() -> None:
    nodes = [const("w", 2), identity("w/read", "w"), identity("other", "w")]
    thawed = thaw(nodes, frozen("w", "w", 2), kind=REF)
    assert lines(thawed) == [
        "w VariableV2 | variable",
        "w/initial_value Const",
        "w/Assign Assign w w/initial_value | added",
        "w/read Identity w",
        "other Identity w",
    ]
    assert attr_of(thawed, "w", "shared_name").s == b""


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (RESOURCE, "w/Read/ReadVariableOp ReadVariableOp w | added"),
        (REF, "w/read Identity w | added"),
    ],
)
def test_who_takes_the_constant_itself_takes_an_added_read(kind: VariableKind, read: str) -> None:
    nodes = [const("w", 2), node("Relu", "y", "w"), node("Add", "z", "w:0", "y", "^w")]
    thawed = thaw(nodes, frozen("w", "w", 2), kind=kind)
    name = read.split(maxsplit=1)[0]
    assert lines(thawed)[3:] == [read, f"y Relu {name}", f"z Add {name} y ^w"]


def test_with_a_read_in_place_others_still_take_an_added_one() -> None:
    """The read that is there stays whose it was: only an added one goes away again."""
    nodes = [const("w", 2), identity("w/Read/ReadVariableOp", "w"), node("Relu", "y", "w")]
    assert lines(thaw(nodes, frozen("w", "w", 2)))[3:] == [
        "w/Read/ReadVariableOp_1 ReadVariableOp w | added",
        "w/Read/ReadVariableOp ReadVariableOp w | read",
        "y Relu w/Read/ReadVariableOp_1",
    ]


def test_a_constant_that_waits_for_another_node_stays_ordered() -> None:
    made = const("w", 2)
    made.input.append("^first")
    nodes = [node("NoOp", "first"), made, node("Relu", "y", "w")]
    assert lines(thaw(nodes, frozen("w", "w", 2))) == [
        "first NoOp",
        "w VarHandleOp | variable",
        "w/Initializer/initial_value Const",
        "w/Assign AssignVariableOp w w/Initializer/initial_value | added",
        "w/Read/ReadVariableOp ReadVariableOp w | added",
        "w/Read/Identity Identity w/Read/ReadVariableOp ^first | added",
        "y Relu w/Read/Identity",
    ]


def test_what_a_constant_says_besides_stays() -> None:
    made = const("w", 2)
    made.device = "/device:GPU:0"
    made.attr["_output_shapes"].list.shape.add().dim.add(size=2)
    made.attr["_class"].list.s.append(b"loc:@other")
    thawed = thaw([made, identity("w/read", "w")], frozen("w", "w", 2))
    handle = encoded(thawed).node[0]
    assert handle.device == "/device:GPU:0"
    assert sorted(handle.attr) == [
        "_class",
        "_pbckpt_output_shapes",
        "_pbckpt_thaw",
        "container",
        "dtype",
        "shape",
        "shared_name",
    ]
    assert handle.attr["dtype"].type == 1
    assert [one.size for one in handle.attr["shape"].shape.dim] == [2]
    assert handle.attr["shared_name"].s == b"w"


def test_the_initial_value_takes_no_room() -> None:
    initial = encoded(thaw([const("w", 1 << 20)], frozen("w", "w", 1 << 20))).node[1]
    assert initial.name == "w/Initializer/initial_value"
    assert initial.attr["value"].tensor.dtype == 1
    assert [one.size for one in initial.attr["value"].tensor.tensor_shape.dim] == [1 << 20]
    assert initial.ByteSize() < 100


# A variable that is called otherwise


@pytest.mark.parametrize("kind", VariableKind)
def test_the_constant_of_another_name_becomes_a_read(kind: VariableKind) -> None:
    nodes = [const("x/MatMul/resource", 2), identity("x/MatMul/Read", "x/MatMul/resource")]
    found = lines(thaw(nodes, frozen("x/kernel", "x/MatMul/resource", 2), kind=kind))
    if kind is RESOURCE:
        assert found == [
            "x/kernel VarHandleOp | added",
            "x/kernel/Initializer/initial_value Const",
            "x/kernel/Assign AssignVariableOp x/kernel x/kernel/Initializer/initial_value | added",
            "x/kernel/Read/ReadVariableOp ReadVariableOp x/kernel | added",
            "x/MatMul/resource ReadVariableOp x/kernel | constant",
            "x/MatMul/Read Identity x/MatMul/resource",
        ]
    else:
        assert found == [
            "x/kernel VariableV2 | added",
            "x/kernel/initial_value Const",
            "x/kernel/Assign Assign x/kernel x/kernel/initial_value | added",
            "x/kernel/read Identity x/kernel | added",
            "x/MatMul/resource Identity x/kernel | constant",
            "x/MatMul/Read Identity x/MatMul/resource",
        ]


def test_the_read_in_place_waits_as_the_constant_did() -> None:
    made = const("c", 2)
    made.input.append("^first")
    assert lines(thaw([node("NoOp", "first"), made], frozen("v", "c", 2)))[-1] == (
        "c ReadVariableOp v ^first | constant"
    )


def test_a_variable_without_a_tensor_is_added() -> None:
    step = frozen("step", dtype=DataType.INT64, trainable=False)
    thawed = thaw([const("w", 2)], frozen("w", "w", 2), step)
    assert lines(thawed)[-4:] == [
        "step VarHandleOp | added",
        "step/Initializer/initial_value Const",
        "step/Assign AssignVariableOp step step/Initializer/initial_value | added",
        "step/Read/ReadVariableOp ReadVariableOp step | added",
    ]


def test_what_only_led_to_a_value_goes() -> None:
    nodes = [
        const("q", 2, dtype=11),
        const("low"),
        const("shared"),
        node("Dequantize", "w", "q", "low", "shared"),
        node("Relu", "y", "w"),
        node("Neg", "z", "shared"),
    ]
    assert lines(thaw(nodes, frozen("w", "w", 2))) == [
        "shared Const",
        "w VarHandleOp | variable",
        "w/Initializer/initial_value Const",
        "w/Assign AssignVariableOp w w/Initializer/initial_value | added",
        "w/Read/ReadVariableOp ReadVariableOp w | added",
        "y Relu w/Read/ReadVariableOp",
        "z Neg shared",
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_the_read_of_a_variable_stays_though_it_led_to_another(*, turned: bool) -> None:
    """Both are variables: a constant, and what a node makes of its read."""
    nodes = [
        const("c", 2),
        identity("c/Read/ReadVariableOp", "c"),
        node("Dequantize", "v", "c/Read/ReadVariableOp"),
        node("Relu", "y", "v"),
    ]
    variables = (frozen("c", "c", 2), frozen("v", "v", 2))
    thawed = thaw(nodes[::-1] if turned else nodes, *variables)
    names = {one.split()[0] for one in lines(thawed)}
    assert {one.snapshot for one in thawed.variables} <= names


def test_of_a_node_with_several_outputs_each_is_a_variable() -> None:
    nodes = [node("Split", "s", "axis", "c"), node("Add", "y", "s", "s:1"), node("Neg", "z", "s:0")]
    thawed = thaw(nodes, frozen("a", "s:0", 2), frozen("b", "s:1", 2))
    assert [one for one in lines(thawed) if one.split()[0] in ("s", "y", "z")] == [
        "s Split axis c",
        "y Add a/Read/ReadVariableOp b/Read/ReadVariableOp",
        "z Neg a/Read/ReadVariableOp",
    ]


# Names


def test_names_that_become_one_stay_two() -> None:
    nodes = [const("c", 2), const("d", 2)]
    thawed = thaw(nodes, frozen("l~1", "c", 2), frozen("l 1", "d", 2))
    assert [one.name for one in thawed.variables] == ["l_1", "l_1_1"]
    assert attr_of(thawed, "l_1", "shared_name").s == b"l_1"
    assert attr_of(thawed, "l_1_1", "shared_name").s == b"l_1_1"


def test_a_name_that_is_not_ascii_stays_only_where_it_was() -> None:
    thawed = thaw([const("größe", 2), const("c", 2)], frozen("größe", "größe", 2), frozen("ä", "c"))
    assert [one.name for one in thawed.variables] == ["größe", "v_"]
    assert [one for one in lines(thawed) if "Assign" in one] == [
        "gr__e/Assign AssignVariableOp größe gr__e/Initializer/initial_value | added",
        "v_/Assign AssignVariableOp v_ v_/Initializer/initial_value | added",
    ]


def test_many_names_that_become_one_take_no_longer() -> None:
    names = [chr(0x4E00 + number) for number in range(20_000)]
    nodes = [const(f"c{number}") for number in range(len(names))]
    variables = [frozen(name, f"c{number}") for number, name in enumerate(names)]
    assert len({one.name for one in thaw(nodes, *variables).variables}) == 20_000


def handle(name: str, shared_name: str) -> NodeDef:
    made = node("VarHandleOp", name)
    made.attr["dtype"].type = 1
    made.attr["shape"].shape.dim.add(size=2)
    made.attr["shared_name"].s = shared_name.encode()
    return made


def test_a_shared_name_that_is_taken_is_not_given_again() -> None:
    nodes = [handle("old", "w"), const("w", 2), const("c", 2)]
    thawed = thaw(nodes, frozen("w", "w", 2), frozen("w_thawed", "c", 2))
    shared = {
        one.name: one.attr["shared_name"].s
        for one in encoded(thawed).node
        if one.op == "VarHandleOp"
    }
    assert shared == {"old": b"w", "w": b"w_thawed", "w_thawed": b"w_thawed_thawed"}


def test_a_handle_without_a_shared_name_gets_one_that_no_other_has() -> None:
    nodes = [handle("a", ""), handle("other", "a"), handle("b", ""), const("a_thawed_thawed", 2)]
    thawed = thaw(nodes, frozen("a_thawed_thawed", "a_thawed_thawed", 2))
    shared = {
        one.name: one.attr["shared_name"].s
        for one in encoded(thawed).node
        if one.op == "VarHandleOp"
    }
    assert shared == {
        "a": b"a_thawed",
        "other": b"a",
        "b": b"b",
        "a_thawed_thawed": b"a_thawed_thawed",
    }


def test_no_new_variable_has_the_name_that_a_handle_without_one_gets() -> None:
    nodes = [handle("a", ""), handle("other", "a"), const("a_thawed", 2)]
    thawed = thaw(nodes, frozen("a_thawed", "a_thawed", 2))
    shared = {
        one.name: one.attr["shared_name"].s
        for one in encoded(thawed).node
        if one.op == "VarHandleOp"
    }
    assert shared == {"a": b"a_thawed_thawed", "other": b"a", "a_thawed": b"a_thawed"}


def test_a_handle_without_a_shared_name_gets_its_own() -> None:
    nodes = [handle("old", ""), handle("w_thawed", ""), handle("x", "w"), const("w", 2)]
    thawed = thaw(nodes, frozen("w", "w", 2))
    shared = {
        one.name: one.attr["shared_name"].s
        for one in encoded(thawed).node
        if one.op == "VarHandleOp"
    }
    assert shared == {
        "old": b"old",
        "w_thawed": b"w_thawed",
        "x": b"w",
        "w": b"w_thawed_thawed",
    }
    assert [one for one in lines(thawed) if "VarHandleOp" in one] == [
        "old VarHandleOp | named",
        "w_thawed VarHandleOp | named",
        "x VarHandleOp | kept",
        "w VarHandleOp | variable",
    ]


# Loops and branches


def test_in_a_loop_the_variable_comes_in_by_an_enter() -> None:
    made = const("loop/w", 2)
    made.input.append("^loop/Identity")
    body = [made, typed("Mul", "loop/mul", "loop/Identity", "loop/w")]
    nodes = [node("Placeholder", "x"), *loop("loop", "x", *body, result="loop/mul")]
    thawed = thaw(nodes, frozen("loop/w", "loop/w", 2))
    found = lines(thawed)
    place = found.index("loop/w VarHandleOp | variable")
    assert found[place : place + 7] == [
        "loop/w VarHandleOp | variable",
        "loop/w/Initializer/initial_value Const",
        "loop/w/Assign AssignVariableOp loop/w loop/w/Initializer/initial_value | added",
        "loop/w/Read/ReadVariableOp ReadVariableOp loop/w | added",
        "loop/w/Enter Enter loop/w/Read/ReadVariableOp | added",
        "loop/w/Read/Identity Identity loop/w/Enter ^loop/Identity | added",
        "loop/mul Mul loop/Identity loop/w/Read/Identity",
    ]
    made = next(one for one in encoded(thawed).node if one.name == "loop/w/Enter")
    assert made.attr["frame_name"].s == b"loop"
    assert made.attr["is_constant"].b
    assert made.attr["parallel_iterations"].i == 7
    assert made.attr["T"].type == 1


def test_in_a_loop_the_constant_of_another_name_is_read_outside() -> None:
    made = const("c", 2)
    made.input.append("^loop/Identity")
    body = [made, typed("Mul", "loop/mul", "loop/Identity", "c")]
    nodes = [node("Placeholder", "x"), *loop("loop", "x", *body, result="loop/mul")]
    found = lines(thaw(nodes, frozen("w", "c", 2)))
    assert "w/Enter Enter w/Read/ReadVariableOp | added" in found
    assert "c Identity w/Enter ^loop/Identity | constant" in found
    assert "loop/mul Mul loop/Identity c" in found


def test_a_constant_outside_that_enters_a_loop_enters_as_a_read() -> None:
    body = [enter("e", "w", "loop", constant=True), typed("Mul", "m", "loop/Identity", "e")]
    nodes = [node("Placeholder", "x"), const("w", 2), *loop("loop", "x", *body, result="m")]
    found = lines(thaw(nodes, frozen("w", "w", 2)))
    assert "e Enter w/Read/ReadVariableOp" in found
    assert not any("w/Enter" in one for one in found)


def test_in_a_branch_the_variable_comes_in_by_a_switch() -> None:
    made = const("cond/w", 2)
    made.input.append("^cond/switch_t")
    nodes = [
        node("Placeholder", "p"),
        node("Placeholder", "x"),
        made,
        *cond("cond", "p", "x", "cond/Relu", "cond/Neg"),
        typed("Add", "cond/add", "cond/Relu", "cond/w"),
    ]
    found = lines(thaw(nodes, frozen("v", "cond/w", 2)))
    assert "v/Switch Switch v/Read/ReadVariableOp p | added" in found
    assert "cond/w Identity v/Switch:1 ^cond/switch_t | constant" in found


def test_in_the_false_branch_of_a_loop_it_comes_in_by_both() -> None:
    made = const("w", 2)
    made.input.append("^loop/c/switch_f")
    body = [
        node("Less", "p", "loop/Identity"),
        *cond("loop/c", "p", "loop/Identity", "relu", "neg"),
        made,
        typed("Add", "sum", "neg", "w"),
    ]
    nodes = [node("Placeholder", "x"), *loop("loop", "x", *body, result="loop/c/Merge")]
    found = lines(thaw(nodes, frozen("w", "w", 2)))
    assert "w/Enter Enter w/Read/ReadVariableOp | added" in found
    assert "w/Switch Switch w/Enter p | added" in found
    assert "w/Read/Identity Identity w/Switch ^loop/c/switch_f | added" in found
    assert "sum Add neg w/Read/Identity" in found


def test_a_variable_enters_a_context_once() -> None:
    first, second = const("a", 2), const("b", 2)
    for made in (first, second):
        made.input.append("^loop/Identity")
    body = [first, second, typed("Add", "m", "a", "b"), typed("Mul", "n", "a", "m")]
    nodes = [node("Placeholder", "x"), *loop("loop", "x", *body, result="n")]
    found = lines(thaw(nodes, frozen("v", "a", 2), frozen("w", "b", 2)))
    assert [one for one in found if " Enter " in one and "loop/Enter" not in one] == [
        "v/Enter Enter v/Read/ReadVariableOp | added",
        "w/Enter Enter w/Read/ReadVariableOp | added",
    ]


def test_a_case_has_no_branches_for_variables() -> None:
    made = const("w", 2)
    made.input.append("^side")
    switch = node("_SwitchN", "s", "x", "i")
    switch.attr["num_outs"].i = 3
    nodes = [node("Placeholder", "x"), node("Placeholder", "i"), switch, identity("side", "s:2")]
    thawed = thaw([*nodes, made], frozen("v", "w", 2))
    assert lines(thawed)[-1] == "w Identity v/Read/ReadVariableOp ^side | constant"


@pytest.mark.parametrize("name", ["a:b", "w:0", ":", "no::w", "^w"])
def test_nodes_that_are_called_as_inputs_are_not(name: str) -> None:
    with pytest.raises(UnsupportedGraphError) as caught:
        thaw([const("w", 2), const(name, 2)], frozen("w", "w", 2))
    assert caught.value.node_name == name


def test_a_variable_of_a_function_of_no_name_stays_a_constant() -> None:
    variable = FrozenVariable(
        "v", "v", "no::w", DataType.FLOAT, (2,), is_trainable=True, stored=DataType.FLOAT
    )
    thawed = thaw([const("w", 2)], frozen("w", "w", 2), variable)
    assert thawed.left == {"v": "the graph has no function of that name"}
