"""Functions of models for the tests of SavedModels of TensorFlow 2.

port("x:0", "image")        an input or an output, float32 of unknown shape
handle("w", 2, 3)           the node of a variable, float32 [2, 3]
lines(definition)           a function, as text: its head, its nodes, what it gives
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.graph.encode import EncodedFunction, encode_graph
from pbckpt.protos import FunctionDef, GraphDef, NodeDef
from pbckpt.thaw.model_function import ModelFunctions
from pbckpt.thaw.signature import Port, Signature
from tests.unit.thaw.graphs import typed
from tests.unit.variables.graphs import const, graph, node

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.thaw.model_function import ModelFunction


def port(
    tensor: str,
    key: str = "",
    dtype: DataType = DataType.FLOAT,
    shape: tuple[int, ...] | None = None,
) -> Port:
    return Port(key or tensor.removesuffix(":0"), tensor, dtype, shape)


def signature(inputs: Iterable[Port], outputs: Iterable[Port]) -> Signature:
    return Signature(tuple(inputs), tuple(outputs))


def handle(name: str, *dims: int, dtype: int = 1) -> NodeDef:
    made = node("VarHandleOp", name)
    made.attr["dtype"].type = dtype
    made.attr["shape"].shape.SetInParent()
    for size in dims:
        made.attr["shape"].shape.dim.add(size=size)
    return made


def functions_of(nodes: Sequence[NodeDef], functions: Sequence[FunctionDef] = ()) -> ModelFunctions:
    return ModelFunctions(nodes, graph(functions=functions).functions)


def definition(made: ModelFunction | EncodedFunction) -> FunctionDef:
    encoded = made if isinstance(made, EncodedFunction) else made.encoded
    pieces = encode_graph([], [encoded], GraphDef())
    data = b"".join(map(bytes, pieces.chunks(memoryview(bytearray(1 << 16)))))
    [found] = GraphDef.FromString(data).library.function
    return found


def lines(made: ModelFunction) -> list[str]:
    """Return a function as text: ``f(x: 1) -> y: 1``, its nodes, ``y = m:product:0``."""
    found = definition(made)
    head = found.signature
    takes = ", ".join(f"{one.name}: {one.type}" for one in head.input_arg)
    gives = ", ".join(f"{one.name}: {one.type}" for one in head.output_arg)
    return [
        f"{head.name}({takes}) -> {gives}".rstrip(),
        *(" ".join((one.name, one.op, *one.input)) for one in found.node_def),
        *(f"{name} = {found.ret[name]}" for name in sorted(found.ret)),
    ]


def table(name: str, op: str = "HashTableV2") -> NodeDef:
    made_of = node(op, name)
    made_of.attr["key_dtype"].type = 7
    made_of.attr["value_dtype"].type = 9
    return made_of


X = node("Placeholder", "x")
DENSE = [
    X,
    handle("w", 2, 3),
    node("ReadVariableOp", "w/read", "w"),
    typed("MatMul", "y", "x", "w/read"),
]
"""A model of one variable, w."""
TABLE = [
    X,
    table("t"),
    const("keys", 2, dtype=7),
    const("values", 2, dtype=9),
    node("LookupTableImportV2", "t/fill", "t", "keys", "values"),
    const("default", dtype=9),
    node("LookupTableFindV2", "y", "t", "x", "default"),
]
"""A model of one table, t, which is filled."""
