from __future__ import annotations

import pytest

from pbckpt.graph.decode import decode_graph
from pbckpt.graph.view import GraphView
from pbckpt.protos import GraphDef, NodeDef
from pbckpt.variables.rules import (
    RULES,
    Finding,
    Rule,
    read_identity,
    resource_capture,
    resource_read,
)
from pbckpt.wire.span import Memory

READ = "Identity {!r} reads it, as freezing leaves a reference variable"
RESOURCE_READ = "Identity {!r} reads it, as freezing leaves a resource variable"
CAPTURE = "it is named after {!r}, as TensorFlow 2 freezes a captured variable"


class Source(Memory):
    def release_pages(self, start: int, end: int) -> None:
        """Keep all pages: this is memory."""


def find(rule: Rule, name: str, *others: tuple[str, ...]) -> Finding | None:
    """Apply a rule to the constant ``name`` beside nodes given as name, op, inputs."""
    nodes = [NodeDef(name=name, op="Const")]
    nodes += [NodeDef(name=other, op=op, input=inputs) for other, op, *inputs in others]
    graph = decode_graph(Source(GraphDef(node=nodes).SerializeToString()))
    return rule(graph.nodes[0], GraphView(graph))


@pytest.mark.parametrize("name", ["w", "layer/w", "import/layer/w", "w_1", "part_0"])
def test_an_identity_that_reads_a_constant_of_its_name(name: str) -> None:
    found = find(read_identity, name, (f"{name}/read", "Identity", name))
    assert found == Finding("read_identity", READ.format(f"{name}/read"), name)


def test_a_read_may_come_behind_other_identities() -> None:
    found = find(
        read_identity, "w", ("pinned", "Identity", "w:0"), ("w/read", "Identity", "pinned", "^w")
    )
    assert found == Finding("read_identity", READ.format("w/read"), "w")


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="no consumer"),
        pytest.param([("m", "MatMul", "w")], id="no identity"),
        pytest.param([("r", "Identity", "w")], id="an identity of another name"),
        pytest.param([("v/read", "Identity", "w")], id="the read of another name"),
        pytest.param([("w/reads", "Identity", "w")], id="a longer name"),
        pytest.param([("w/x/read", "Identity", "w")], id="a read further down"),
        pytest.param([("w/read", "Cast", "w")], id="another op"),
        pytest.param([("w/read", "Identity", "v")], id="a read of another node"),
        pytest.param([("w/read", "Identity", "^w")], id="a control input"),
        pytest.param(
            [("c", "Cast", "w"), ("w/read", "Identity", "c")], id="something else in between"
        ),
    ],
)
def test_what_is_no_read_of_a_reference_variable(others: list[tuple[str, ...]]) -> None:
    assert find(read_identity, "w", *others) is None


@pytest.mark.parametrize(
    ("reader", "key"),
    [
        ("model/dense/MatMul/ReadVariableOp", "model/dense/MatMul"),
        (
            "model/bn/FusedBatchNormV3/ReadVariableOp_1",
            "model/bn/FusedBatchNormV3/ReadVariableOp_1",
        ),
        ("model/ReadVariableOp", "model"),
        ("ReadVariableOp", "ReadVariableOp"),
        ("a/ReadVariableOp/ReadVariableOp", "a/ReadVariableOp"),
        ("a/resource/ReadVariableOp", "a/resource"),
    ],
)
def test_the_name_of_a_captured_variable_says_where_it_was_read(reader: str, key: str) -> None:
    found = find(resource_capture, f"{reader}/resource")
    assert found == Finding("resource_capture", CAPTURE.format(reader), key)


@pytest.mark.parametrize("reader", ["model/embedding/embedding_lookup", "lookup", "a/resource"])
def test_a_captured_variable_may_be_read_by_any_op_that_it_is_named_after(reader: str) -> None:
    name = f"{reader}/resource"
    found = find(resource_capture, name, (reader, "GatherV2", name, "indices", "axis"))
    assert found == Finding("resource_capture", CAPTURE.format(reader), reader)


@pytest.mark.parametrize(
    "name", ["resource", "a/resources", "a/Resource", "a/resource_1", "a_resource", "a/resource/b"]
)
def test_other_names_are_no_captures(name: str) -> None:
    assert find(resource_capture, name, ("a", "GatherV2", name)) is None


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="no consumer"),
        pytest.param([("b", "GatherV2", "a/resource")], id="a consumer of another name"),
        pytest.param([("a", "GatherV2", "b")], id="no consumer of this"),
        pytest.param([("a", "NoOp", "^a/resource")], id="a control input"),
    ],
)
def test_an_ending_alone_is_no_capture(others: list[tuple[str, ...]]) -> None:
    assert find(resource_capture, "a/resource", *others) is None
    assert find(resource_capture, "/resource", *others) is None


def test_a_key_is_never_empty() -> None:
    found = find(resource_capture, "/ReadVariableOp/resource")
    assert found is None or found.key


@pytest.mark.parametrize(
    "read",
    [
        "ReadVariableOp",
        "layer/MatMul/ReadVariableOp",
        "layer/BiasAdd/ReadVariableOp_3",
        "w/Read/ReadVariableOp",
        "else/where/ReadVariableOp",
    ],
)
def test_an_identity_that_was_a_read_variable_op(read: str) -> None:
    found = find(resource_read, "layer/w", (read, "Identity", "layer/w"))
    assert found == Finding("resource_read", RESOURCE_READ.format(read), "layer/w")


def test_a_resource_read_may_come_behind_other_identities() -> None:
    found = find(
        resource_read, "w", ("a", "Identity", "w"), ("m/ReadVariableOp", "Identity", "a:0")
    )
    assert found == Finding("resource_read", RESOURCE_READ.format("m/ReadVariableOp"), "w")


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="no consumer"),
        pytest.param([("ReadVariableOp", "Cast", "w")], id="another op"),
        pytest.param([("ReadVariableOp/of", "Identity", "w")], id="a name above"),
        pytest.param([("MyReadVariableOp", "Identity", "w")], id="the end of a name"),
        pytest.param([("ReadVariableOp", "Identity", "^w")], id="a control input"),
        pytest.param([("ReadVariableOp", "Identity", "v")], id="a read of another node"),
        pytest.param(
            [("m", "MatMul", "w"), ("ReadVariableOp", "Identity", "m")],
            id="something else in between",
        ),
    ],
)
def test_what_is_no_read_of_a_resource_variable(others: list[tuple[str, ...]]) -> None:
    assert find(resource_read, "w", *others) is None


def test_the_rules_in_their_order() -> None:
    assert list(RULES) == [read_identity, resource_capture, resource_read]


@pytest.mark.parametrize(
    ("rule", "read"), [(read_identity, "w/read"), (resource_read, "ReadVariableOp")]
)
def test_a_read_may_be_in_a_loop_or_a_branch(rule: Rule, read: str) -> None:
    for op in ("Enter", "Switch"):
        found = find(rule, "w", ("pass", op, "w", "condition"), (read, "Identity", "pass:1"))
        assert found is not None
        assert found.key == "w"
    others = (("switch", "Switch", "value", "w"), (read, "Identity", "switch"))
    assert find(rule, "w", *others) is None


def test_a_constant_that_nothing_reads_in_a_cycle_ends() -> None:
    others = (("a", "Identity", "w", "b"), ("b", "Identity", "a"))
    assert [find(rule, "w", *others) for rule in RULES] == [None, None, None]
