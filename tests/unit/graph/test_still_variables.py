from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.graph.decode import decode_graph
from pbckpt.graph.still_variables import StillVariable, variable_nodes
from pbckpt.protos import GraphDef, NodeDef
from tests.unit.graph.test_decode import Source


def variables(*nodes: NodeDef) -> tuple[StillVariable, ...]:
    return variable_nodes(decode_graph(Source(GraphDef(node=nodes).SerializeToString())).nodes)


def variable(op: str, *dims: int, shared: bytes = b"", unknown: bool = False) -> NodeDef:
    node = NodeDef(name="w", op=op)
    node.attr["dtype"].type = 1
    node.attr["shape"].shape.unknown_rank = unknown
    for size in dims:
        node.attr["shape"].shape.dim.add(size=size)
    if shared:
        node.attr["shared_name"].s = shared
    return node


@pytest.mark.parametrize("op", ["VariableV2", "Variable", "VarHandleOp"])
def test_a_variable_has_a_name_a_type_and_a_shape(op: str) -> None:
    expected = StillVariable("w", "w", DataType.FLOAT, (2, 3))
    assert variables(variable(op, 2, 3)) == (expected,)


def test_a_shared_name_is_the_name() -> None:
    assert variables(variable("VarHandleOp", 2, shared=b"scope/w"))[0].name == "scope/w"
    assert variables(variable("VarHandleOp", 2, shared=b"\xff"))[0].name == "\udcff"


def test_a_scalar_is_no_unknown_shape() -> None:
    assert variables(variable("VariableV2"))[0].shape == ()
    assert variables(variable("VarHandleOp"))[0].shape == ()
    assert variables(variable("VariableV2", unknown=True))[0].shape is None
    assert variables(variable("VariableV2", 4, -1))[0].shape == (4, -1)


def test_the_op_of_old_cannot_tell_a_scalar() -> None:
    assert variables(variable("Variable"))[0].shape is None


def test_attrs_may_be_missing() -> None:
    found = variables(NodeDef(name="r", op="AutoReloadVariable"))
    assert found == (StillVariable("r", "r", None, None),)


def test_other_nodes_are_no_variables() -> None:
    assert variables(variable("TemporaryVariable", 2), NodeDef(name="c", op="Const")) == ()


def test_variables_of_a_function() -> None:
    graph = GraphDef()
    function = graph.library.function.add()
    function.signature.name = "f"
    function.node_def.append(variable("VarHandleOp", 7))
    (found,) = decode_graph(Source(graph.SerializeToString())).functions
    assert variable_nodes(found.nodes) == (StillVariable("w", "w", DataType.FLOAT, (7,)),)
