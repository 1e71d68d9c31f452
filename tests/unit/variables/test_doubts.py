from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.variables.detect import examine
from pbckpt.variables.doubts import doubts
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.network import Network
from pbckpt.variables.sight import Scene
from pbckpt.variables.walk import Walker
from tests.unit.variables.graphs import const, graph, identity, node, number_of, placed

if TYPE_CHECKING:
    from pbckpt.protos import NodeDef


def found(*nodes: NodeDef, scene: Scene | None = None) -> list[Evidence]:
    """Return what speaks against the first node."""
    walks = Walker(Network(graph(*nodes)))
    number = number_of(walks.network, nodes[0].name)
    sight = next(one.sight for one in examine(walks) if one.sight.number == number)
    evidence = list(doubts(sight, walks, scene or Scene()))
    assert not any(one.speaks_for for one in evidence)
    return evidence


def words(*nodes: NodeDef) -> list[tuple[str, Strength, str]]:
    return [(one.rule, one.strength, one.reason) for one in found(*nodes)]


def rules(*nodes: NodeDef) -> list[str]:
    return [one.rule for one in found(*nodes)]


@pytest.mark.parametrize(
    ("op", "slot", "word"),
    [
        ("Reshape", 1, "shape"),
        ("Transpose", 1, "perm"),
        ("Fill", 0, "dims"),
        ("Fill", 1, "value"),
        ("Pad", 1, "paddings"),
        ("Range", 2, "delta"),
        ("GatherV2", 2, "axis"),
        ("StridedSlice", 3, "strides"),
    ],
)
def test_parameter(op: str, slot: int, word: str) -> None:
    inputs = [f"x{k}" for k in range({"Reshape": 2, "StridedSlice": 4}.get(op, max(slot + 1, 2)))]
    inputs[slot] = "n"
    assert words(const("n", 2), node(op, "taker", *inputs)) == [
        ("parameter", Strength.STRONG, f"{op} 'taker' takes it as the {word}")
    ]


def test_bookkeeping_takes_no_weight() -> None:
    nodes = [const("n", 2), node("Assert", "a", "x", "n")]
    assert words(*nodes) == [
        ("parameter", Strength.STRONG, "Assert 'a' takes it as a part of the bookkeeping")
    ]


def test_one_other_use_takes_the_doubt_away() -> None:
    assert rules(const("n", 2), node("Reshape", "r", "x", "n"), node("MatMul", "m", "x", "n")) == []


def test_literal() -> None:
    assert words(const("bn/add/y", 4), node("AddV2", "bn/add", "x", "bn/add/y")) == [
        (
            "literal",
            Strength.STRONG,
            "it is named after its place in AddV2 'bn/add', as TensorFlow names plain numbers",
        )
    ]


@pytest.mark.parametrize(
    "nodes",
    [
        [const("bn/add/y", 4), node("AddV2", "bn/sub", "x", "bn/add/y")],
        [const("bn/add/kernel", 4), node("AddV2", "bn/add", "x", "bn/add/kernel")],
        [const("bn/add/y", 4), identity("bn/add", "bn/add/y"), node("Relu", "r", "bn/add")],
        [const("y", 4), node("AddV2", "add", "x", "y")],
    ],
    ids=["another op", "another word", "an Identity", "no scope"],
)
def test_no_literal(nodes: list[NodeDef]) -> None:
    assert "literal" not in rules(*nodes)


NORM_INPUTS = ("x", "bn1/scale", "bn1/offset", "bn1/mean", "bn1/variance")


@pytest.mark.parametrize(
    ("name", "taker", "strength"),
    [
        # A layer may be called bn1, and its mean as the op calls it.
        ("bn1/mean", node("FusedBatchNormV3", "bn1", *NORM_INPUTS), Strength.FAIR),
        ("bn1/offset", node("FusedBatchNorm", "bn1", *NORM_INPUTS), Strength.FAIR),
        ("conv1/filter", node("Conv2D", "conv1", "x", "conv1/filter"), Strength.FAIR),
        # TensorFlow has named these.
        ("Conv2D/filter", node("Conv2D", "Conv2D", "x", "Conv2D/filter"), Strength.STRONG),
        ("Conv2D_1/filter", node("Conv2D", "Conv2D_1", "x", "Conv2D_1/filter"), Strength.STRONG),
        ("m/add/y", node("AddV2", "m/add", "x", "m/add/y"), Strength.STRONG),
        # Anything may be a matrix.
        ("dense/b", node("MatMul", "dense", "x", "dense/b"), Strength.STRONG),
    ],
)
def test_a_layer_may_call_its_weights_as_its_op_calls_them(
    name: str, taker: NodeDef, strength: Strength
) -> None:
    evidence = found(const(name, 3, 3), taker)
    assert [(one.rule, one.strength) for one in evidence] == [("literal", strength)]


@pytest.mark.parametrize(
    ("name", "taker"),
    [
        ("bn1/mean", node("FusedBatchNormV3", "bn1", "x", "bn1/mean", "o", "m", "v")),
        ("bn1/beta", node("FusedBatchNormV3", "bn1", "x", "s", "bn1/beta", "m", "v")),
        ("add/x", node("AddV2", "add", "y", "add/x")),
    ],
    ids=["another slot", "no word of the op's", "the other slot"],
)
def test_a_name_that_is_not_the_place_where_it_is_used(name: str, taker: NodeDef) -> None:
    assert rules(const(name, 4), taker) == []


@pytest.mark.parametrize("name", ["a/dropout/rate", "a/add_1/y", "a/Cast/x", "random_uniform/min"])
def test_a_single_number_in_a_function_that_a_tool_has_changed(name: str) -> None:
    operation = name.split("/")[-2]
    evidence = found(const(name), node("Mul", "other", "x", name))[0]
    assert (evidence.rule, evidence.strength) == ("literal", Strength.STRONG)
    assert evidence.reason == (
        f"it is named as a number in {operation} is, though a tool has changed that"
    )
    assert rules(const(name, 4), node("Mul", "other", "x", name)) == []


@pytest.mark.parametrize("name", ["a/layer/rate", "dropout/gamma", "rate"])
def test_a_single_number_elsewhere_is_no_literal(name: str) -> None:
    assert "literal" not in rules(const(name), node("Mul", "other", "x", name))


@pytest.mark.parametrize("name", ["Const", "Const_1", "a/Const", "a/b/Const_12"])
def test_default_name(name: str) -> None:
    last = name.rpartition("/")[2]
    assert words(const(name, 4), node("Mul", "m", "x", name)) == [
        (
            "default_name",
            Strength.STRONG,
            f"it is called {last}, as tf.constant calls what is given no name",
        )
    ]


@pytest.mark.parametrize("name", ["Constant", "Const_a", "a/Const/b", "const", "MyConst"])
def test_no_default_name(name: str) -> None:
    assert rules(const(name, 4), node("Mul", "m", "x", name)) == []


@pytest.mark.parametrize(
    "name",
    [
        "ConstantFolding/a/mul",
        "a/ConstantFolding",
        "ArithmeticOptimizer/x",
        "conv1_bn_offset",
        "a/merged_input",
        "a/mul-folded",
        "a/mul-folded-0",
        "a/truediv_recip",
        "a/conv_eightbit/w",
        "bn/FusedBatchNormV3/Offset",
        "a/mul/_3__cf__3",
    ],
)
def test_folded_by_a_tool(name: str) -> None:
    assert words(const(name, 4), node("Mul", "m", "x", name)) == [
        (
            "folded",
            Strength.STRONG,
            f"its name {name!r} is one that tools give to what they compute",
        )
    ]


def test_weights_that_a_factor_was_folded_into() -> None:
    """TensorFlow 2 names them after the operation, beside the offset that is left."""
    kernel, offset = const("c/Conv2D_weights", 3, 3, 1, 8), const("c/Conv2D_bn_offset", 8)
    product = node("Conv2D", "c/Conv2D", "x", kernel.name)
    assert words(kernel, product, offset, node("BiasAdd", "bn", "c/Conv2D", offset.name)) == [
        (
            "folded",
            Strength.STRONG,
            "its name 'c/Conv2D_weights' is one that tools give to what they compute",
        )
    ]
    # What is left of the batch norm is beside it, and the operation of that name takes it.
    assert rules(kernel, product) == []
    assert rules(kernel, node("Conv2D", "d/Conv2D", "x", kernel.name), offset) == []


@pytest.mark.parametrize(
    ("name", "op"),
    [("sep/depthwise", "DepthwiseConv2dNative"), ("conv1", "Conv2D"), ("c/MatMul", "Conv2D")],
)
def test_weights_that_people_name_after_their_operation(name: str, op: str) -> None:
    """As slim's depthwise_weights are, whose value was folded, too, but whose name is their own."""
    kernel, offset = const(f"{name}_weights", 3, 3, 8, 1), const(f"{name}_bn_offset", 8)
    product = node(op, name, "x", kernel.name)
    assert rules(kernel, product, offset, node("BiasAdd", "bn", name, offset.name)) == []


@pytest.mark.parametrize("last", ["add", "mul_1", "Rsqrt", "truediv", "Softplus", "GatherV2_2"])
def test_folded_by_its_name(last: str) -> None:
    assert words(const(f"a/{last}", 4), node("Mul", "m", "x", f"a/{last}")) == [
        ("folded", Strength.STRONG, f"its name is that of an operation, {last}, whose result it is")
    ]


def test_a_cast_is_a_result_unless_it_is_half_a_weight() -> None:
    assert rules(const("a/Cast", 4), node("Mul", "m", "x", "a/Cast")) == ["folded"]
    assert rules(const("a/Cast", 4, dtype=19), node("Mul", "m", "x", "a/Cast")) == []
    assert rules(const("a/Cast_1", 4, dtype=14), node("Mul", "m", "x", "a/Cast_1")) == []


def test_what_has_a_read_was_not_folded() -> None:
    assert rules(const("add", 4), identity("add/read", "add"), node("Relu", "r", "add/read")) == []


@pytest.mark.parametrize(("dtype", "label"), [(3, "int32"), (9, "int64"), (10, "bool")])
def test_not_a_number(dtype: int, label: str) -> None:
    assert words(const("n", 4, dtype=dtype), node("Mul", "m", "x", "n")) == [
        ("not_a_number", Strength.FAIR, f"it holds {label}, and weights are seldom that")
    ]


def test_strings_are_the_least_likely_weights() -> None:
    assert words(const("n", 4, dtype=7), node("Unheard", "m", "n")) == [
        ("not_a_number", Strength.STRONG, "it holds string, and weights are seldom that")
    ]


def test_a_table_that_was_placed_with_its_look_up_has_no_read() -> None:
    """In a graph of resources, freezing leaves the same of a variable's and of a constant's."""
    gather = placed(node("GatherV2", "g", "t", "ids", "axis"), "t")
    gather.attr["batch_dims"].i = 0
    read = [const("w", 4, 4), identity("m/ReadVariableOp", "w")]
    scene = Scene(marked=1)

    def strength(*nodes: NodeDef) -> Strength:
        (unmarked,) = found(const("t", 9, 2), *nodes, scene=scene)
        assert unmarked.rule == "unmarked"
        return unmarked.strength

    assert strength(gather, *read) is Strength.STRONG
    assert strength(gather) is Strength.PROOF
    assert strength(node("GatherV2", "g", "t", "ids", "axis"), *read) is Strength.PROOF
    assert strength(placed(node("MatMul", "g", "t", "x"), "t"), *read) is Strength.PROOF


def test_strings_that_freezing_left_a_trace_of_were_read() -> None:
    gather = node("GatherV2", "g", "n", "ids", "g/axis")
    gather.attr["_has_manual_control_dependencies"].b = True
    assert words(const("n", 4, dtype=7), gather) == [
        ("not_a_number", Strength.FAIR, "it holds string, and weights are seldom that")
    ]


@pytest.mark.parametrize("dtype", [1, 2, 8, 11, 12, 14, 18, 19])
def test_numbers(dtype: int) -> None:
    assert rules(const("n", 4, dtype=dtype), node("Mul", "m", "x", "n")) == []


@pytest.mark.parametrize("name", ["n_1", "a/n_12", "a/0", "a/n-1"])
def test_scalar(name: str) -> None:
    assert words(const(name), node("Mul", "m", "x", name)) == [
        ("scalar", Strength.SLIGHT, "it is a single number, as an epsilon or a factor is")
    ]
    assert rules(const(name, 1), node("Mul", "m", "x", name)) == []


def test_a_single_number_that_somebody_has_named_is_like_other_constants() -> None:
    assert rules(const("n"), node("Mul", "m", "x", "n")) == []


@pytest.mark.parametrize("name", ["eps", "a/epsilon", "keep_prob", "a/num_classes_1", "my_rate"])
def test_a_single_number_by_the_name_of_a_setting(name: str) -> None:
    last = name.rpartition("/")[2]
    assert words(const(name), node("Mul", "m", "x", name)) == [
        (
            "scalar",
            Strength.FAIR,
            f"it is a single number, and {last} is a usual name of settings",
        )
    ]
    assert rules(const(name, 4), node("Mul", "m", "x", name)) == []


def test_empty() -> None:
    assert words(const("n", 4, 0), node("Mul", "m", "x", "n")) == [
        ("empty", Strength.STRONG, "it has no elements")
    ]


def test_preprocessing() -> None:
    nodes = [
        const("shift", 3),
        node("Placeholder", "image"),
        node("Sub", "s", "image", "shift"),
        node("Conv2D", "c", "s", "w"),
    ]
    assert words(*nodes) == [
        (
            "preprocessing",
            Strength.FAIR,
            "Sub 's' prepares the network's input 'image' with it",
        )
    ]


def test_preprocessing_of_several_steps() -> None:
    nodes = [
        const("std", 3),
        const("mean", 3),
        node("Placeholder", "image"),
        node("Cast", "c", "image"),
        node("Sub", "s", "c", "mean"),
        node("RealDiv", "d", "s", "std"),
        node("Conv2D", "conv", "d", "w"),
    ]
    assert rules(*nodes) == ["preprocessing"]
    nodes.insert(3, node("Relu", "r", "image"))
    nodes[4] = node("Cast", "c", "r")
    assert rules(*nodes) == []


def prepared(*after: NodeDef) -> list[NodeDef]:
    """Return a network whose input is shifted and then taken by something."""
    return [
        const("shift", 3),
        node("Placeholder", "image"),
        node("Sub", "s", "image", "shift"),
        *after,
    ]


def test_a_network_of_arithmetic_alone_is_no_preprocessing() -> None:
    assert rules(*prepared()) == []
    assert rules(*prepared(node("Mul", "m", "s", "w"), node("AddV2", "a", "m", "b"))) == []
    assert rules(*prepared(node("Mul", "m", "s", "w"), node("Relu", "r", "m"))) == ["preprocessing"]


def test_what_follows_after_many_steps_of_arithmetic_is_not_seen() -> None:
    chain = [node("Mul", "m0", "s", "w")]
    chain += [node("Mul", f"m{k}", f"m{k - 1}", "w") for k in range(1, 6)]
    assert rules(*prepared(*chain[:5], node("Relu", "r", "m4"))) == ["preprocessing"]
    assert rules(*prepared(*chain, node("Relu", "r", "m5"))) == []


def test_what_very_many_take_is_no_output() -> None:
    def taken(count: int) -> list[NodeDef]:
        return prepared(*(node("Mul", f"m{k}", "s", "w") for k in range(count)))

    assert rules(*taken(64)) == []
    assert rules(*taken(65)) == ["preprocessing"]


def test_preprocessing_with_what_is_computed_of_constants() -> None:
    nodes = [
        const("mean", 3),
        const("factor"),
        node("Mul", "both", "mean", "factor"),
        node("Placeholder", "image"),
        node("Sub", "s", "image", "both"),
        node("Conv2D", "c", "s", "w"),
    ]
    assert words(*nodes) == [
        (
            "preprocessing",
            Strength.FAIR,
            "Sub 's' prepares the network's input 'image' with it",
        )
    ]
    nodes[3] = node("Relu", "image", "x")
    assert rules(*nodes) == []


@pytest.mark.parametrize("op", ["Minimum", "Maximum", "Greater", "LessEqual", "NotEqual"])
def test_bound(op: str) -> None:
    nodes = [const("n", 4), node(op, "m", "x", "n")]
    assert words(*nodes) == [("bound", Strength.FAIR, f"{op} 'm' compares with it")]
    assert rules(*nodes, node("Abs", "a", "n")) == []
    assert rules(const("n", 4), node("ClipByValue", "m", "x", "n", "y")) == ["parameter"]


@pytest.mark.parametrize(("slot", "word"), [(4, "lowest"), (5, "highest")])
def test_the_range_of_a_quantized_weight_is_a_parameter(slot: int, word: str) -> None:
    inputs = ["x", "k", "xmin", "xmax", "kmin", "kmax"]
    inputs[slot] = "n"
    assert words(const("n", 1), node("QuantizedConv2D", "q", *inputs)) == [
        (
            "parameter",
            Strength.STRONG,
            f"QuantizedConv2D 'q' takes it as the {word} of the numbers it was quantized to",
        )
    ]


def test_ranges_that_were_trained_are_no_parameters() -> None:
    op = "FakeQuantWithMinMaxVars"
    assert rules(const("n", 1), node(op, "q", "x", "n", "high")) == []


def test_unused() -> None:
    assert words(const("n", 4)) == [("unused", Strength.FAIR, "no operation takes it")]
    assert rules(const("n", 4), identity("i", "n")) == ["unused"]
    assert rules(const("a/kernel", 4)) == []


def test_unmarked() -> None:
    nodes = [const("n", 4), node("Mul", "m", "x", "n")]
    (one,) = found(*nodes, scene=Scene(marked=7))
    assert (one.rule, one.strength) == ("unmarked", Strength.PROOF)
    assert one.reason == "freezing left the read of a variable on 7 others, and not on this one"
    assert found(*nodes, identity("n/read", "n"), scene=Scene(marked=7)) == []
