from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.evidence import Strength
from pbckpt.variables.network import Network
from pbckpt.variables.sight import Sight
from pbckpt.variables.traces import TRACES, find_computed_reads, find_traces, is_generic
from pbckpt.variables.walk import Walker
from tests.unit.variables.graphs import (
    const,
    function,
    graph,
    identity,
    node,
    placed,
    walker,
)
from tests.unit.variables.left import Left, found, in_words, traces

if TYPE_CHECKING:
    from pbckpt.protos import AttrValue, NodeDef


# --- read_identity


def test_read_identity() -> None:
    nodes = [const("a/w"), identity("a/w/read", "a/w"), node("Relu", "r", "a/w/read")]
    assert traces("a/w", *nodes) == [Left("read_identity", "a/w", "a/w/read", "a/w", "a/w/read")]
    (trace,) = found("a/w", *nodes)
    assert trace.evidence.strength is Strength.PROOF
    assert trace.evidence.reason == (
        "Identity 'a/w/read' reads it, as freezing leaves a reference variable"
    )


@pytest.mark.parametrize("name", ["/read", "read", "w/reads", "w/read_1", "w/Read"])
def test_names_that_are_no_read_of_a_reference_variable(name: str) -> None:
    assert traces("w", const("w"), identity(name, "w")) == []


def test_another_op_of_the_name_reads_nothing() -> None:
    assert traces("w", const("w"), node("Relu", "w/read", "w")) == []
    assert traces("w", const("w"), node("Transpose", "t", "w"), identity("w/read", "t")) == []


def test_a_read_behind_what_a_tool_put_before_it_has_the_value() -> None:
    nodes = [const("w/half", 2, dtype=19), node("Cast", "c", "w/half"), identity("w/read", "c")]
    assert traces("w/half", *nodes) == [Left("read_identity", "w", "w/read", "w/read", "w/read")]
    nodes[1] = node("Dequantize", "c", "w/half", "min", "max")
    assert traces("w/half", *nodes) == [Left("read_identity", "w", "w/read", "w/read", "w/read")]
    nodes[1] = node("Enter", "c", "w/half")
    assert traces("w/half", *nodes) == [Left("read_identity", "w", "w/read", "w/half", "w/read")]


def test_merged_constants_have_the_names_of_their_reads() -> None:
    nodes = [const("a/bias"), identity("a/bias/read", "a/bias"), identity("b/bias/read", "a/bias")]
    assert [(one.name, one.value) for one in traces("a/bias", *nodes)] == [
        ("a/bias", "a/bias"),
        ("b/bias", "a/bias"),
    ]


def test_a_read_of_a_read_is_no_second_variable() -> None:
    nodes = [const("a"), identity("a/read", "a"), identity("i", "a/read"), identity("b/read", "i")]
    assert [one.name for one in traces("a", *nodes)] == ["a"]


# --- resource_read


def test_resource_read() -> None:
    nodes = [const("d/kernel"), identity("d/MatMul/ReadVariableOp", "d/kernel")]
    assert traces("d/kernel", *nodes) == [
        Left(
            "resource_read",
            "d/kernel",
            "d/MatMul/ReadVariableOp",
            "d/kernel",
            "d/MatMul/ReadVariableOp",
        )
    ]
    assert found("d/kernel", *nodes)[0].evidence.reason == (
        "Identity 'd/MatMul/ReadVariableOp' reads it, as freezing leaves a resource variable"
    )


@pytest.mark.parametrize(
    "name",
    [
        "unknown",
        "unknown_12",
        "call/unknown_3",
        "input_1",
        "arg0",
        "args_0",
        "captured_2",
        "inputs1_2_33",
        "arg_1_2",
        "while/17",
        "resource",
        "d/resource_1",
        "d/ReadVariableOp/resource",
        "x/ReadVariableOp_2",
    ],
)
def test_a_generic_name_is_not_the_variables(name: str) -> None:
    assert is_generic(name)
    (trace,) = traces(name, const(name), identity("d/ReadVariableOp", name))
    assert (trace.rule, trace.name, trace.reader) == ("resource_read", "", "d/ReadVariableOp")


@pytest.mark.parametrize(
    "name",
    [
        *("kernel", "unknown/w", "inputs/kernel", "w_1", "resources", "w1", "input_", "arg__1"),
        # Of which there are very many ways to part it.
        *("input" + "1" * 10_000 + "x", "arg" + "_1" * 10_000 + "x"),
    ],
    ids=lambda name: name[:16],
)
def test_a_name_that_is_not_generic(name: str) -> None:
    assert not is_generic(name)


def test_a_resource_is_read_by_the_first_of_its_readers() -> None:
    nodes = [const("w"), identity("a/ReadVariableOp_1", "w"), identity("a/ReadVariableOp", "w")]
    assert [one.reader for one in traces("w", *nodes)] == ["a/ReadVariableOp_1"]


def test_a_reader_without_a_cast_before_it_is_preferred() -> None:
    nodes = [
        const("w"),
        node("Cast", "c", "w"),
        identity("a/ReadVariableOp", "c"),
        identity("b/ReadVariableOp", "w"),
    ]
    assert [(one.reader, one.value) for one in traces("w", *nodes)] == [("b/ReadVariableOp", "w")]
    assert traces("w", *nodes[:3])[0].value == "a/ReadVariableOp"


@pytest.mark.parametrize("name", ["ReadVariableOpX", "aReadVariableOp", "ReadVariableOp_x"])
def test_names_that_are_no_read_of_a_resource(name: str) -> None:
    assert traces("w", const("w"), identity(name, "w")) == []


# --- names of what is captured


def test_resource_capture_by_the_taker() -> None:
    nodes = [const("emb/resource", 9, 2), node("GatherV2", "emb", "emb/resource", "ids", "axis")]
    assert traces("emb/resource", *nodes) == [Left("resource_capture", "", "emb", "emb/resource")]
    assert found("emb/resource", *nodes)[0].evidence.reason == (
        "it is named after 'emb', as freezing names a variable that is captured"
    )


def test_resource_capture_by_a_read_that_is_gone() -> None:
    nodes = [
        const("d/ReadVariableOp/resource"),
        node("MatMul", "m", "x", "d/ReadVariableOp/resource"),
    ]
    assert [one.rule for one in traces("d/ReadVariableOp/resource", *nodes)] == ["resource_capture"]


def test_a_resource_of_nobody_is_none() -> None:
    assert traces("m/resource", const("m/resource"), node("Relu", "other", "m/resource")) == []


# --- functions


def test_resource_input() -> None:
    loop = node("While", "loop", "x", "d/kernel", "unknown_7")
    loop.attr["_read_only_resource_inputs"].list.i.extend([1, 2])
    nodes = [const("d/kernel"), const("unknown_7"), const("x"), loop]
    assert traces("d/kernel", *nodes) == [Left("resource_input", "d/kernel", "", "d/kernel")]
    assert traces("unknown_7", *nodes) == [Left("resource_input", "", "", "unknown_7")]
    assert traces("x", *nodes) == []
    assert found("d/kernel", *nodes)[0].evidence.reason == (
        "While 'loop' lists its input 1 as a resource"
    )


def test_what_is_no_call_has_no_resource_inputs() -> None:
    other = node("Unheard", "u", "w")
    other.attr["_read_only_resource_inputs"].list.i.append(0)
    assert traces("w", const("w"), other) == []
    assert traces("w", const("w"), node("Cast", "c", "w"), node("Unheard", "u", "c")) == []


@pytest.mark.parametrize("argument", ["matmul_readvariableop_resource", "resource", "a_resource_2"])
def test_resource_argument(argument: str) -> None:
    body = function("f", [argument], [], node("Relu", "r", argument))
    nodes = [const("d/kernel"), node("f", "call", "d/kernel")]
    assert traces("d/kernel", *nodes, functions=[body]) == [
        Left("resource_argument", "d/kernel", "", "d/kernel")
    ]
    assert traces("w", const("w"), node("f", "call", "w"), functions=[body]) == [
        Left("resource_argument", "w", "", "w")
    ]
    (trace,) = found("d/kernel", *nodes, functions=[body])
    assert trace.evidence.strength is Strength.STRONG
    assert trace.evidence.reason == f"function 'f' takes it as {argument!r}"


@pytest.mark.parametrize("argument", ["inputs", "resource_x", "resource_1_2"])
def test_other_arguments(argument: str) -> None:
    body = function("f", [argument], [], node("Relu", "r", argument))
    nodes = [const("d/kernel"), node("f", "call", "d/kernel")]
    assert traces("d/kernel", *nodes, functions=[body]) == []


def test_a_read_in_a_function() -> None:
    body = function("f", ["a"], [], identity("m/ReadVariableOp", "a"))
    nodes = [const("unknown_1"), node("f", "call", "unknown_1")]
    assert traces("unknown_1", *nodes, functions=[body]) == [
        Left("resource_read", "", "m/ReadVariableOp", "unknown_1", "f::m/ReadVariableOp")
    ]


# --- what optimizers leave


@pytest.mark.parametrize(
    ("node_name", "name", "reader"),
    [
        ("a/w/read", "a/w", "a/w/read"),
        ("a/w/read/_3__cf__3", "a/w", "a/w/read"),
        ("m/ReadVariableOp", "", "m/ReadVariableOp"),
        ("m/ReadVariableOp_1/_12__cf__12", "", "m/ReadVariableOp_1"),
    ],
)
def test_folded_read(node_name: str, name: str, reader: str) -> None:
    assert traces(node_name, const(node_name)) == [Left("folded_read", name, reader, node_name)]
    (trace,) = found(node_name, const(node_name))
    assert trace.evidence.strength is Strength.STRONG
    assert trace.evidence.reason == (
        f"it has the name of a read, {node_name.partition('/_')[0]!r}, "
        "that an optimizer made a constant"
    )


@pytest.mark.parametrize("name", ["/read", "read", "a/reads", "a/w/_3__cf__3"])
def test_no_folded_read(name: str) -> None:
    assert traces(name, const(name)) == []


def test_what_waits_for_a_check_is_not_colocated_as_a_read_is() -> None:
    checked = placed(node("Identity", "i", "a/w", "^assert"), "a/w")
    assert traces("a/w", const("a/w"), checked) == []


def test_colocated() -> None:
    reader = placed(identity("i", "a/w"), "a/w")
    assert traces("a/w", const("a/w"), reader) == [Left("colocated", "a/w", "i", "a/w")]
    (trace,) = found("a/w", const("a/w"), reader)
    assert trace.evidence.strength is Strength.STRONG
    assert trace.evidence.reason == "Identity 'i' was placed with the variable 'a/w'"
    assert traces("a/w", const("a/w"), placed(identity("i", "a/w"), "a")) == []
    assert traces("a/w", const("a/w"), placed(node("Relu", "i", "a/w"), "a/w")) == []


def test_a_read_says_more_than_what_is_placed() -> None:
    nodes = [const("a/w"), placed(identity("a/w/read", "a/w"), "a/w")]
    assert [one.rule for one in traces("a/w", *nodes)] == ["read_identity"]


# --- computed_read


def computed(*nodes: NodeDef) -> list[tuple[Left, list[str]]]:
    walks = walker(*nodes)
    net = walks.network
    for number in net.constants():
        walks.walk(number)
    return [
        (in_words(trace, net), [net.title(one) for one in sources])
        for trace, sources in find_computed_reads(walks)
    ]


def test_computed_read() -> None:
    nodes = [
        const("q", 2, 3, dtype=6),
        const("scale"),
        node("Cast", "c", "q"),
        node("Mul", "mul", "c", "scale"),
    ]
    assert computed(*nodes, identity("a/w/read", "mul")) == [
        (Left("computed_read", "a/w", "a/w/read", "a/w/read"), ["scale", "q"])
    ]
    assert computed(*nodes, identity("m/ReadVariableOp", "mul")) == [
        (Left("computed_read", "", "m/ReadVariableOp", "m/ReadVariableOp"), ["scale", "q"])
    ]
    assert computed(*nodes, identity("other", "mul")) == []


def test_what_is_handed_on_or_depends_on_more_is_not_computed() -> None:
    assert computed(const("w"), identity("w/read", "w")) == []
    assert computed(const("w"), node("Mul", "m", "w", "x"), identity("w/read", "m")) == []


def test_a_long_formula_is_no_read() -> None:
    nodes = [const("w"), node("Neg", "n0", "w")]
    nodes += [node("Neg", f"n{number}", f"n{number - 1}") for number in range(1, 29)]
    assert len(computed(*nodes, identity("a/read", "n28"))) == 1
    nodes += [node("Neg", f"n{number}", f"n{number - 1}") for number in range(29, 32)]
    assert computed(*nodes, identity("a/read", "n31")) == []


def test_the_attrs_of_a_node_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    attr = Network._attr

    def noting(self: Network, number: int, name: str) -> AttrValue | None:
        asked.append(name)
        return attr(self, number, name)

    monkeypatch.setattr(Network, "_attr", noting)
    names = [f"w{number}" for number in range(30)]
    loop = node("While", "loop", *names)
    loop.attr["_read_only_resource_inputs"].list.i.extend(range(30))
    fused = node("_FusedConv2D", "fused", *names)
    fused.attr["fused_ops"].list.s.append(b"BiasAdd")
    walks = Walker(Network(graph(*map(const, names), loop, fused)))
    for number in range(30):
        reach = walks.walk(number)
        (trace,) = find_traces(number, reach, walks.network)
        assert trace.evidence.rule == "resource_input"
        Sight(number, walks.network, None, reach, []).roles()
    assert asked.count("_read_only_resource_inputs") == 1
    assert asked.count("fused_ops") == 1


@pytest.mark.parametrize(("count", "found"), [(29, [29]), (30, []), (5000, [])])
def test_long_formulas_are_no_reads(count: int, found: list[int]) -> None:
    names = [f"w{number}" for number in range(count)]
    walks = Walker(
        Network(graph(*map(const, names), node("AddN", "s", *names), identity("v/read", "s")))
    )
    assert [len(sources) for _, sources in find_computed_reads(walks)] == found


def test_every_rule_is_one_of_the_traces() -> None:
    assert {
        "read_identity",
        "resource_read",
        "resource_capture",
        "resource_gather",
        "gather_capture",
        "resource_input",
        "resource_argument",
        "folded_read",
        "computed_read",
        "colocated",
        "plain_read",
    } == TRACES
