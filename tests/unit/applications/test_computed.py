"""What is stored of variables whose values the graph computes of constants, or has in parts."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

import pbckpt
from pbckpt import DataType, Limits, Partitions, Quantized, Selection, Values
from pbckpt.applications import computed
from pbckpt.protos import FunctionDef, GraphDef, NodeDef

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FLOAT, INT32, HALF, QUINT8, QINT8 = 1, 3, 19, 12, 11


def const(name: str, dtype: int, shape: Sequence[int], data: bytes) -> NodeDef:
    node = NodeDef(name=name, op="Const")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    tensor.tensor_content = data
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return node


def floats(name: str, shape: Sequence[int], *values: float) -> NodeDef:
    return const(name, FLOAT, shape, struct.pack(f"<{len(values)}f", *values))


def ints(name: str, shape: Sequence[int], *values: int) -> NodeDef:
    return const(name, INT32, shape, struct.pack(f"<{len(values)}i", *values))


def node(op: str, name: str, *inputs: str, **types: int) -> NodeDef:
    made = NodeDef(name=name, op=op, input=inputs)
    for attr, dtype in types.items():
        made.attr[attr].type = dtype
    return made


def write(path: Path, *nodes: NodeDef, functions: Sequence[FunctionDef] = ()) -> Path:
    graph = GraphDef(node=nodes)
    graph.library.function.extend(functions)
    path.write_bytes(graph.SerializeToString())
    return path


def converted(
    graph: Path, values: Values | None = None, **options: object
) -> tuple[dict[str, tuple[DataType, list[object]]], pbckpt.Report]:
    """Return the tensors of the checkpoint that a graph becomes, and the report."""
    prefix = graph.parent / "out" / "m"
    report = pbckpt.convert(
        graph,
        prefix,
        values=values or Values(),
        on_existing=pbckpt.OnExisting.REPLACE,
        durability=pbckpt.Durability.NONE,
        **options,  # type: ignore[arg-type]
    )
    with pbckpt.open_checkpoint(prefix) as stored:
        return {key: (stored.info(key).dtype, stored[key].tolist()) for key in stored}, report


def quantized(name: str, low: float, high: float, *values: int) -> list[NodeDef]:
    """Return a variable as quantize_weights leaves it, with its read."""
    dequantize = node("Dequantize", name, f"{name}_quantized_const", "lo", "hi", T=QUINT8)
    dequantize.attr["mode"].s = b"MIN_FIRST"
    return [
        const(f"{name}_quantized_const", QUINT8, (len(values),), bytes(values)),
        floats("lo", (), low),
        floats("hi", (), high),
        dequantize,
        node("Identity", f"{name}/read", name, T=FLOAT),
    ]


# --- computed of constants


def test_a_quantized_weight_comes_back_as_float(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, 0, 7, 255))
    tensors, report = converted(graph)
    assert tensors == {"w": (DataType.FLOAT, [0.0, 7.0, 255.0])}
    assert report.warnings == ()
    (variable,) = report.variables
    assert (variable.shape, variable.nbytes, variable.trainable) == ((3,), 12, True)


def test_a_quantized_weight_is_stored_as_it_is_on_request(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, 0, 7, 255))
    tensors, report = converted(graph, Values(Quantized.STORED))
    assert tensors == {"w_quantized_const": (DataType.QUINT8, [0, 7, 255])}
    assert [one.trainable for one in report.variables] == [False]


def test_variables_that_share_integers_keep_their_names(tmp_path: Path) -> None:
    """Equal constants were merged, or the weights are tied."""
    graph = write(
        tmp_path / "g.pb",
        *quantized("w", 0.0, 255.0, 0, 7),
        node("Identity", "tied/read", "w", T=FLOAT),
    )
    tensors, _ = converted(graph, Values(Quantized.STORED))
    assert tensors == {
        "tied": (DataType.QUINT8, [0, 7]),
        "w": (DataType.QUINT8, [0, 7]),
    }


def test_integers_whose_node_is_called_as_another_variable_keep_their_name(tmp_path: Path) -> None:
    graph = write(
        tmp_path / "g.pb",
        *quantized("w", 0.0, 255.0, 0, 7),
        floats("c", (1,), 0.5),
        node("Identity", "w_quantized_const/read", "c", T=FLOAT),
    )
    tensors, _ = converted(graph, Values(Quantized.STORED))
    assert tensors == {
        "w": (DataType.QUINT8, [0, 7]),
        "w_quantized_const": (DataType.FLOAT, [0.5]),
    }


def test_a_weight_that_was_cast_to_half_comes_back_as_it_is_read(tmp_path: Path) -> None:
    graph = write(
        tmp_path / "g.pb",
        const("w", HALF, (2,), struct.pack("<2e", 1.5, -0.25)),
        node("Cast", "w/cast", "w", SrcT=HALF, DstT=FLOAT),
        node("Identity", "w/read", "w/cast", T=FLOAT),
    )
    assert converted(graph)[0] == {"w": (DataType.FLOAT, [1.5, -0.25])}
    stored = {"w": (DataType.HALF, [1.5, -0.25])}
    assert converted(graph, Values(Quantized.STORED))[0] == stored


def test_a_cast_of_the_models_own_code_changes_nothing(tmp_path: Path) -> None:
    graph = write(
        tmp_path / "g.pb",
        const("net/w", HALF, (1, 2), struct.pack("<2e", 1.5, -0.25)),
        node("Cast", "Cast_1", "net/w", SrcT=HALF, DstT=FLOAT),
        node("MatMul", "y", "x", "Cast_1", T=FLOAT),
    )
    assert converted(graph)[0] == {"net/w": (DataType.HALF, [[1.5, -0.25]])}


def test_a_formula_that_changes_the_shape(tmp_path: Path) -> None:
    """What a tool of somebody's own makes of a weight: integers, a scale, another order."""
    graph = write(
        tmp_path / "g.pb",
        const("w/int8", 6, (2, 3), bytes((1, 2, 3, 4, 5, 6))),
        node("Cast", "w/cast", "w/int8", SrcT=6, DstT=FLOAT),
        floats("w/scale", (), 0.5),
        node("Mul", "w/mul", "w/cast", "w/scale", T=FLOAT),
        ints("w/perm", (2,), 1, 0),
        node("Transpose", "w/t", "w/mul", "w/perm", T=FLOAT, Tperm=INT32),
        node("Identity", "w/read", "w/t", T=FLOAT),
    )
    tensors, report = converted(graph)
    assert tensors == {"w": (DataType.FLOAT, [[0.5, 2.0], [1.0, 2.5], [1.5, 3.0]])}
    assert report.variables[0].shape == (3, 2)
    (shown,) = pbckpt.inspect(graph).variables  # type: ignore[union-attr]
    assert (shown.dtype, shown.shape, shown.value) == (DataType.FLOAT, (3, 2), "w/read")


def quantized_product(
    op: str, dtype: int, data: bytes, *between: str, low: float = 0, high: float = 255
) -> list[NodeDef]:
    """Return an op that takes a weight of one row and its range."""
    return [
        const("net/w", dtype, (1, len(data)), data),
        floats("lo", (), low),
        floats("hi", (), high),
        node(op, "q", "x", "net/w", *between, "xlo", "xhi", "lo", "hi"),
    ]


@pytest.mark.parametrize(
    ("op", "between"), [("QuantizedMatMul", ()), ("QuantizedMatMulWithBias", ("b",))]
)
def test_the_range_of_a_weight_is_where_the_op_takes_it(
    tmp_path: Path, op: str, between: tuple[str, ...]
) -> None:
    nodes = quantized_product(op, QUINT8, bytes((0, 255)), *between)
    tensors, report = converted(write(tmp_path / "g.pb", *nodes))
    assert tensors == {"net/w": (DataType.FLOAT, [[0.0, 255.0]])}
    assert report.variables[0].ranges == ("lo", "hi")
    ends = {one.node: one.reason for one in report.skipped}
    assert ends["lo"] == "it is an end of the range of 'net/w', which is quantized"


def test_signed_weights_have_a_scale_alone(tmp_path: Path) -> None:
    data = bytes((0, 127, 129))
    nodes = quantized_product("QuantizedMatMulWithBias", QINT8, data, "b", low=-1, high=1)
    assert converted(write(tmp_path / "g.pb", *nodes))[0] == {
        "net/w": (DataType.FLOAT, [[0.0, 1.0, -1.0]])
    }


def test_a_range_that_is_computed_by_another_output(tmp_path: Path) -> None:
    """A tool may leave the weight and its ends as the outputs of one node."""
    graph = write(
        tmp_path / "g.pb",
        const("net/w", QUINT8, (1, 2), bytes((0, 255))),
        floats("ends", (2,), 0.0, 255.0),
        ints("axis", (), 0),
        node("Split", "cut", "axis", "ends", T=FLOAT),
        node("QuantizedMatMul", "q", "x", "net/w", "xlo", "xhi", "cut", "cut:1"),
    )
    definition = GraphDef.FromString(graph.read_bytes())
    next(one for one in definition.node if one.name == "cut").attr["num_split"].i = 2
    graph.write_bytes(definition.SerializeToString())
    tensors, report = converted(graph, selection=Selection(include=("net/w",)))
    assert tensors == {"net/w": (DataType.FLOAT, [[0.0, 255.0]])}
    assert report.variables[0].ranges == ("cut", "cut:1")


def test_a_range_that_is_fed_leaves_the_integers(tmp_path: Path) -> None:
    graph = write(
        tmp_path / "g.pb",
        const("net/w", QUINT8, (1, 2), bytes((0, 255))),
        node("Placeholder", "hi", dtype=FLOAT),
        floats("lo", (), 0.0),
        node("QuantizedMatMul", "q", "x", "net/w", "xlo", "xhi", "lo", "hi"),
    )
    tensors, _ = converted(graph, selection=Selection(include=("net/w",)))
    assert tensors == {"net/w": (DataType.QUINT8, [[0, 255]])}


def test_what_cannot_be_computed_is_stored_raw_with_a_warning(tmp_path: Path) -> None:
    nodes = quantized("w", 0.0, 255.0, 0, 7)
    nodes[3].attr["mode"].s = b"NO_SUCH_MODE"
    tensors, report = converted(write(tmp_path / "g.pb", *nodes))
    assert tensors == {"w": (DataType.QUINT8, [0, 7])}
    (warning,) = report.warnings
    assert warning.startswith(
        "'w' holds what the constant 'w_quantized_const' does, quint8: what the graph makes of it "
        "is not computed ("
    )
    assert "node 'w'" in warning


def five_quantized(path: Path) -> Path:
    """Write five variables of 400 bytes each."""
    nodes = [
        *(one for name in "stuvw" for one in quantized(name, 0.0, 255.0, *range(100))[:1]),
        *quantized("s", 0.0, 255.0)[1:3],
        *(one for name in "stuvw" for one in quantized(name, 0.0, 255.0)[3:]),
    ]
    return write(path, *nodes)


def test_computed_bytes_count(tmp_path: Path) -> None:
    graph = five_quantized(tmp_path / "g.pb")
    with pytest.raises(pbckpt.LimitError) as error:
        converted(graph, limits=Limits(max_expanded_bytes=1999))
    assert (error.value.limit, error.value.value) == ("max_expanded_bytes", 2000)
    assert len(converted(graph, limits=Limits(max_expanded_bytes=2000))[0]) == 5


def test_values_that_are_too_many_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Limits(max_expanded_bytes=1999)
    monkeypatch.setattr(computed.planned_values, "__defaults__", (Values(), small))
    contents = pbckpt.inspect(five_quantized(tmp_path / "g.pb"))
    assert isinstance(contents, pbckpt.GraphContents)
    assert [one.key for one in contents.variables] == ["s", "t", "u", "v", "w"]
    (warning,) = contents.warnings
    assert warning.startswith("the values of some variables are not computed to show them: ")


def test_a_value_that_alone_is_too_large_is_stored_raw(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, *range(100)))
    tensors, report = converted(graph, limits=Limits(max_expanded_bytes=50))
    assert tensors["w"][0] is DataType.QUINT8
    assert "over the limit" in report.warnings[0]


def test_several_variables_of_one_constant(tmp_path: Path) -> None:
    """Equal constants were merged; one of the variables is cast where it is read."""
    graph = write(
        tmp_path / "g.pb",
        const("a", HALF, (2,), struct.pack("<2e", 1.5, 2.0)),
        node("Identity", "a/read", "a", T=HALF),
        node("Cast", "b/cast", "a", SrcT=HALF, DstT=FLOAT),
        node("Identity", "b/read", "b/cast", T=FLOAT),
    )
    assert converted(graph)[0] == {
        "a": (DataType.HALF, [1.5, 2.0]),
        "b": (DataType.FLOAT, [1.5, 2.0]),
    }


def body(*nodes: NodeDef, argument: str = "") -> FunctionDef:
    function = FunctionDef(node_def=nodes)
    function.signature.name = "f"
    if argument:
        function.signature.input_arg.add(name=argument, type=HALF)
    return function


def call(*inputs: str) -> NodeDef:
    made = NodeDef(name="call", op="PartitionedCall", input=inputs)
    made.attr["f"].func.name = "f"
    return made


def test_a_value_that_is_computed_in_a_function(tmp_path: Path) -> None:
    function = body(
        const("w", HALF, (2,), struct.pack("<2e", 1.5, 2.0)),
        node("Cast", "cast", "w:output:0", SrcT=HALF, DstT=FLOAT),
        node("Identity", "w/read", "cast:y:0", T=FLOAT),
    )
    tensors, _ = converted(write(tmp_path / "g.pb", call(), functions=[function]))
    assert tensors == {"w": (DataType.FLOAT, [1.5, 2.0])}


def test_a_constant_that_is_handed_into_the_function_that_computes(tmp_path: Path) -> None:
    function = body(
        node("Cast", "cast", "given", SrcT=HALF, DstT=FLOAT),
        # A name that the main graph has too.
        floats("half", (), 5.0),
        node("Mul", "product", "half:output:0", "cast:y:0", T=FLOAT),
        node("Identity", "w/read", "cast:y:0", T=FLOAT),
        argument="given",
    )
    half = const("half", HALF, (2,), struct.pack("<2e", 1.5, 2.0))
    graph = write(tmp_path / "g.pb", half, call("half"), functions=[function])
    tensors, _ = converted(graph, Values(tensors=("f::product",)))
    assert tensors["w"] == (DataType.FLOAT, [1.5, 2.0])
    assert tensors["f::product"] == (DataType.FLOAT, [7.5, 10.0])


def test_many_functions_that_compute_take_one_look_at_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = []
    for number in range(5):
        body = FunctionDef(
            node_def=[
                const("w", HALF, (1,), struct.pack("<e", number)),
                node("Cast", "c", "w:output:0", SrcT=HALF, DstT=FLOAT),
                node("Identity", "w/ReadVariableOp", "c:y:0", T=FLOAT),
            ]
        )
        body.signature.name = f"f{number}"
        body.signature.output_arg.add(name="o", type=FLOAT)
        body.ret["o"] = "w/ReadVariableOp:output:0"
        functions.append(body)
    made: list[int] = []

    class Counted(computed.Network):  # type: ignore[name-defined, misc]
        def __init__(self, graph: object) -> None:
            made.append(1)
            super().__init__(graph)

    monkeypatch.setattr(computed, "Network", Counted)
    tensors, _ = converted(write(tmp_path / "g.pb", functions=functions))
    assert sorted(values for _, values in tensors.values()) == [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert made == [1]


def test_verify_and_match_compute_the_same(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, 0, 7, 255))
    converted(graph)
    prefix = tmp_path / "out" / "m"
    assert pbckpt.verify(prefix, against=graph).ok
    stored = Values(Quantized.STORED)
    assert not pbckpt.verify(prefix, against=graph, values=stored).ok
    converted(graph, stored)
    assert pbckpt.verify(prefix, against=graph, values=stored).ok
    pbckpt.save_checkpoint({"w": [0.5, 0.5, 0.5]}, tmp_path / "target")
    like = pbckpt.Like(tmp_path / "target", cast=True)
    tensors, report = converted(graph, like=like)
    assert tensors == {"w": (DataType.DOUBLE, [0.0, 7.0, 255.0])}
    assert all(one.compute is None for one in report.variables)


# --- tensors by name


def product(path: Path) -> Path:
    return write(
        path,
        floats("w", (2,), 1.0, 2.0),
        node("Identity", "w/read", "w", T=FLOAT),
        node("Neg", "minus", "w/read", T=FLOAT),
        ints("axis", (), 0),
        node("Split", "cut", "axis", "minus", T=FLOAT),
        node("Placeholder", "x", dtype=FLOAT),
        node("Add", "y", "x", "minus", T=FLOAT),
        node("NoSuchOp", "z", "y"),
    )


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("minus", "minus", [-1.0, -2.0]),
        ("minus:0", "minus", [-1.0, -2.0]),
        ("cut:1", "cut:1", [-2.0]),
        ("axis", "axis", 0),
    ],
)
def test_a_tensor_is_stored_under_its_name(
    tmp_path: Path, name: str, key: str, value: object
) -> None:
    graph = product(tmp_path / "g.pb")
    definition = GraphDef.FromString(graph.read_bytes())
    next(one for one in definition.node if one.name == "cut").attr["num_split"].i = 2
    graph.write_bytes(definition.SerializeToString())
    tensors, report = converted(graph, Values(tensors=(name,)))
    assert {key: value for key, (_, value) in tensors.items()} == {"w": [1.0, 2.0], key: value}
    (asked,) = [one for one in report.variables if one.key == key]
    assert (asked.rule, asked.reason) == ("asked_for", "--tensor asked for it")
    assert all(one.node != key for one in report.skipped)


def test_a_tensor_alone_renamed_and_cast(tmp_path: Path) -> None:
    edits = pbckpt.Edits(renames=("minus=m",), casts=("*=half",))
    tensors, _ = converted(
        product(tmp_path / "g.pb"),
        Values(tensors=("minus",)),
        selection=Selection(exclude=("w",)),
        edits=edits,
    )
    assert tensors == {"m": (DataType.HALF, [-1.0, -2.0])}


def test_a_tensor_takes_the_place_of_the_variable_of_its_name(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, 0, 7, 255))
    tensors, _ = converted(graph, Values(Quantized.STORED, tensors=("w", "w_quantized_const")))
    assert tensors == {
        "w": (DataType.FLOAT, [0.0, 7.0, 255.0]),
        "w_quantized_const": (DataType.QUINT8, [0, 7, 255]),
    }


def test_a_quantized_weight_that_is_stored_as_it_is_anyway_is_stored_once(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *quantized("w", 0.0, 255.0, 0, 7, 255))
    tensors, _ = converted(graph, Values(Quantized.STORED, tensors=("w_quantized_const",)))
    assert tensors == {"w_quantized_const": (DataType.QUINT8, [0, 7, 255])}


RESOURCES = [
    node("Placeholder", "x", dtype=FLOAT),
    floats("d/MatMul/ReadVariableOp/resource", (1, 2), 1.0, 2.0),
    node("Identity", "d/MatMul/ReadVariableOp", "d/MatMul/ReadVariableOp/resource", T=FLOAT),
    node("MatMul", "d/MatMul", "x", "d/MatMul/ReadVariableOp"),
    floats("d/BiasAdd/ReadVariableOp/resource", (2,), 3.0, 4.0),
    node("Identity", "d/BiasAdd/ReadVariableOp", "d/BiasAdd/ReadVariableOp/resource", T=FLOAT),
    node("BiasAdd", "d/BiasAdd", "d/MatMul", "d/BiasAdd/ReadVariableOp"),
]


def test_the_constant_of_a_variable_is_stored_once_as_it_was_asked_for(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *RESOURCES)
    bias = "d/BiasAdd/ReadVariableOp/resource"
    tensors, report = converted(graph, Values(tensors=(bias,)))
    assert tensors == {
        bias: (DataType.FLOAT, [3.0, 4.0]),
        "d/kernel": (DataType.FLOAT, [[1.0, 2.0]]),
    }
    assert [(one.key, one.trainable, one.rule) for one in report.variables] == [
        (bias, True, "asked_for"),
        ("d/kernel", True, "resource_read"),
    ]
    renamed = pbckpt.Edits(renames=(f"{bias}=b",))
    tensors, _ = converted(graph, Values(tensors=(bias,)), edits=renamed)
    assert list(tensors) == ["b", "d/kernel"]


def test_of_merged_variables_none_gives_way(tmp_path: Path) -> None:
    nodes = [
        floats("a/w", (1, 2), 1.0, 2.0),
        *(node("Identity", f"{one}/w/read", "a/w", T=FLOAT) for one in "abc"),
        *(node("MatMul", f"{one}/m", "x", f"{one}/w/read") for one in "abc"),
        node("Placeholder", "x", dtype=FLOAT),
    ]
    tensors, _ = converted(write(tmp_path / "g.pb", *nodes), Values(tensors=("a/w",)))
    assert list(tensors) == ["a/w", "b/w", "c/w"]


@pytest.mark.parametrize("name", ["y", "z"])
def test_a_tensor_that_depends_on_what_is_fed(tmp_path: Path, name: str) -> None:
    with pytest.raises(pbckpt.UnsupportedGraphError) as error:
        converted(product(tmp_path / "g.pb"), Values(tensors=(name,)))
    assert (error.value.node_name, error.value.op) == ("x", "Placeholder")
    assert str(error.value) == (
        f"{tmp_path}/g.pb: --tensor {name}: it depends on more than constants: node 'x' "
        "(Placeholder): what it gives is fed when the graph runs; ask for a tensor that constants "
        "alone lead to, or compute it in TensorFlow"
    )
    assert not (tmp_path / "out").exists()


_GIVE = "give NAME or NAME:k, in a function FUNCTION::NAME"


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("mimus", f"the graph has no node 'mimus' (nearest: minus); {_GIVE}"),
        ("gizmo", f"the graph has no node 'gizmo'; {_GIVE}"),
        ("", f"the graph has no node ''; {_GIVE}"),
        ("w:1", "node 'w' has 1 output; ask for w:0"),
        ("w:-1", "node 'w' has 1 output; ask for w:0"),
        ("cut:2", "node 'cut' has 2 outputs; ask for cut:0 to cut:1"),
        (
            "f::w",
            "the graph has no function 'f', of which 'f::w' is a tensor (nearest: ff); " + _GIVE,
        ),
        ("ff::v", f"function 'ff' has no node 'v'; {_GIVE}"),
        ("ff::ww", f"function 'ff' has no node 'ww' (nearest: w); {_GIVE}"),
    ],
)
def test_a_tensor_that_there_is_not(tmp_path: Path, name: str, fact: str) -> None:
    graph = product(tmp_path / "g.pb")
    definition = GraphDef.FromString(graph.read_bytes())
    next(one for one in definition.node if one.name == "cut").attr["num_split"].i = 2
    body = definition.library.function.add(node_def=[floats("w", (1,), 1.0)])
    body.signature.name = "ff"
    graph.write_bytes(definition.SerializeToString())
    with pytest.raises(pbckpt.SelectionError) as error:
        converted(graph, Values(tensors=(name,)))
    assert str(error.value) == f"{graph}: --tensor {name}: {fact}"
    assert error.value.unknown == (name,)


# --- partitioned variables


def parts(name: str, *rows: int) -> list[NodeDef]:
    """Return the parts of a variable of two columns, read, and numbered from 0 on."""
    nodes = []
    first = 0
    for number, count in enumerate(rows):
        values = range(2 * first, 2 * (first + count))
        part = f"{name}/part_{number}"
        nodes += [
            floats(part, (count, 2), *values),
            node("Identity", f"{part}/read", part, T=FLOAT),
        ]
        first += count
    return nodes


def joined(name: str, count: int, axis: int) -> list[NodeDef]:
    """Return what puts them together in a graph."""
    scope = f"{name}/ConcatPartitions/concat"
    reads = [f"{name}/part_{number}/read" for number in range(count)]
    return [ints(f"{scope}/axis", (), axis), node("ConcatV2", scope, *reads, f"{scope}/axis")]


WHOLE = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


def test_parts_are_slices_of_their_variable(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *parts("net/w", 2, 1), *joined("net/w", 2, 0))
    tensors, report = converted(graph)
    assert tensors == {"net/w": (DataType.FLOAT, WHOLE)}
    (variable,) = report.variables
    assert (variable.shape, variable.nodes) == ((3, 2), ("net/w/part_0", "net/w/part_1"))
    with pbckpt.open_checkpoint(tmp_path / "out" / "m") as stored:
        assert [[tuple(extent) for extent in one] for one in stored.entry("net/w").slices] == [
            [(0, 2), (0, 2)],
            [(2, 1), (0, 2)],
        ]
    assert pbckpt.verify(tmp_path / "out" / "m", against=graph).ok


def test_parts_that_follow_each_other_in_another_dimension(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *parts("w", 1, 1), *joined("w", 2, -1))
    for partitions in (Partitions.SLICES, Partitions.MERGED):
        tensors, _ = converted(graph, Values(partitions=partitions))
        assert tensors == {"w": (DataType.FLOAT, [[0.0, 1.0, 2.0, 3.0]])}


def test_parts_merged_and_parts_as_they_are(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *parts("w", 2, 1), *joined("w", 2, 0))
    merged, _ = converted(graph, Values(partitions=Partitions.MERGED))
    assert merged == {"w": (DataType.FLOAT, WHOLE)}
    with pbckpt.open_checkpoint(tmp_path / "out" / "m") as stored:
        assert stored.info("w").num_slices == 0
    apart, _ = converted(graph, Values(partitions=Partitions.PARTS))
    assert apart == {
        "w/part_0": (DataType.FLOAT, WHOLE[:2]),
        "w/part_1": (DataType.FLOAT, WHOLE[2:]),
    }


def test_objects_have_no_slices(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *parts("w", 2, 1), *joined("w", 2, 0))
    _, report = converted(graph, layout=pbckpt.Layout(pbckpt.Format.BOTH))
    assert [one.key for one in report.variables] == ["w"]
    with pbckpt.open_checkpoint(tmp_path / "out" / "m") as stored:
        assert stored["w"].tolist() == WHOLE
    with pytest.raises(pbckpt.SelectionError, match="partitioned"):
        converted(
            graph,
            Values(partitions=Partitions.SLICES),
            layout=pbckpt.Layout(pbckpt.Format.OBJECT),
        )


def test_a_single_part_and_a_table_that_is_looked_up(tmp_path: Path) -> None:
    graph = write(
        tmp_path / "g.pb",
        *parts("dense/kernel", 3),
        node("Identity", "dense/kernel", "dense/kernel/part_0/read", T=FLOAT),
        *parts("table", 1, 2),
        node("GatherV2", "first", "table/part_0/read", "ids", "axis"),
        node("GatherV2", "second", "table/part_1/read", "ids", "axis"),
    )
    assert converted(graph)[0] == {
        "dense/kernel": (DataType.FLOAT, WHOLE),
        "table": (DataType.FLOAT, WHOLE),
    }


@pytest.mark.parametrize(
    "others",
    [
        [],
        [node("MatMul", "y", "x", "w/part_0/read"), node("MatMul", "z", "x", "w/part_1/read")],
        [*joined("w", 2, 0), floats("w", (), 1.0), node("Identity", "w/read", "w", T=FLOAT)],
        joined("w", 2, 5),
    ],
    ids=["nothing takes them", "products take them", "the name is taken", "no such dimension"],
)
def test_names_alone_make_no_partitions(tmp_path: Path, others: list[NodeDef]) -> None:
    graph = write(tmp_path / "g.pb", *parts("w", 2, 1), *others)
    keys = converted(graph, selection=Selection(take=("w*",)))[0].keys()
    assert {"w/part_0", "w/part_1"} <= keys


@pytest.mark.parametrize("dtype", [20, 21])
def test_an_axis_that_is_no_number_leaves_the_parts_apart(tmp_path: Path, dtype: int) -> None:
    """A resource and a variant have no value."""
    nodes = [*parts("X", 1, 1), *joined("X", 2, 0)]
    axis = next(one for one in nodes if one.name.endswith("/axis"))
    axis.attr["dtype"].type = axis.attr["value"].tensor.dtype = dtype
    tensors, _ = converted(write(tmp_path / "g.pb", *nodes))
    assert sorted(tensors) == ["X/part_0", "X/part_1"]


def test_a_part_that_is_missing_leaves_the_others_apart(tmp_path: Path) -> None:
    nodes = [one for one in parts("w", 1, 1, 1) if "part_1" not in one.name]
    graph = write(tmp_path / "g.pb", *nodes, *joined("w", 3, 0))
    assert converted(graph)[0].keys() == {"w/part_0", "w/part_2"}


def test_options_mean_the_whole(tmp_path: Path) -> None:
    graph = write(tmp_path / "g.pb", *parts("w", 2, 1), *joined("w", 2, 0))
    edits = pbckpt.Edits(renames=("w=v",), casts=("*=half",))
    tensors, _ = converted(graph, selection=Selection(include=("w",)), edits=edits)
    assert tensors == {"v": (DataType.HALF, WHOLE)}
    assert pbckpt.verify(
        tmp_path / "out" / "m", against=graph, selection=Selection(include=("w",)), edits=edits
    ).ok
    with pytest.raises(pbckpt.SelectionError, match="leaves the only variable out"):
        converted(graph, selection=Selection(exclude=("w",)))
    story = pbckpt.explain(graph, "w")
    assert story.node == "w/part_0"


def test_parts_that_are_computed(tmp_path: Path) -> None:
    nodes = []
    for number, value in enumerate((1.5, 2.5)):
        name = f"w/part_{number}"
        nodes += [
            const(name, HALF, (1, 1), struct.pack("<e", value)),
            node("Cast", f"{name}/cast", name, SrcT=HALF, DstT=FLOAT),
            node("Identity", f"{name}/read", f"{name}/cast", T=FLOAT),
        ]
    graph = write(tmp_path / "g.pb", *nodes, *joined("w", 2, 0))
    for partitions in (Partitions.SLICES, Partitions.MERGED):
        tensors, _ = converted(graph, Values(partitions=partitions))
        assert tensors == {"w": (DataType.FLOAT, [[1.5], [2.5]])}
