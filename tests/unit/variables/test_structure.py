from __future__ import annotations

from pbckpt.operators.roles import Role
from pbckpt.protos import NodeDef
from pbckpt.variables.structure import Part, strongest
from tests.unit.variables.graphs import const, consts, identity, node, verdicts

X = node("Placeholder", "x")


def parts(*nodes: NodeDef) -> dict[str, tuple[str, bool]]:
    """Return the surest part of each constant that has one."""
    found = {}
    for name, verdict in verdicts(*nodes).items():
        for part in strongest(verdict.sight.parts):
            found[name] = (part.role.value, part.is_sure)
            break
    return found


def reason(name: str, *nodes: NodeDef) -> str:
    return next(strongest(verdicts(*nodes)[name].sight.parts)).reason


INVERSE = [
    node("AddV2", "add", "v", "eps"),
    node("Rsqrt", "rsqrt", "add"),
]
BATCH_NORM = [
    X,
    *consts("v", "g", "m", "b"),
    const("eps"),
    *INVERSE,
    node("Mul", "mul", "rsqrt", "g"),
    node("Mul", "mul_1", "x", "mul"),
    node("Mul", "mul_2", "m", "mul"),
    node("Sub", "sub", "b", "mul_2"),
    node("AddV2", "add_1", "mul_1", "sub"),
]
SURE_NORM = {
    "v": ("moving_variance", True),
    "g": ("gamma", True),
    "m": ("moving_mean", True),
    "b": ("beta", True),
}


def test_batch_norm_taken_apart() -> None:
    assert parts(*BATCH_NORM) == SURE_NORM
    assert reason("v", *BATCH_NORM) == "the variance in the normalisation with Rsqrt 'rsqrt'"
    assert reason("g", *BATCH_NORM) == "the scale in the normalisation with Rsqrt 'rsqrt'"
    assert reason("m", *BATCH_NORM) == "the mean in the normalisation with Rsqrt 'rsqrt'"
    assert reason("b", *BATCH_NORM) == "the offset in the normalisation with Rsqrt 'rsqrt'"


def test_batch_norm_whose_constants_are_read() -> None:
    reads = [identity(f"{name}/read", name) for name in "vgmb"]
    changed = []
    for one in BATCH_NORM:
        copy = NodeDef()
        copy.CopyFrom(one)
        copy.input[:] = [f"{name}/read" if name in "vgmb" else name for name in one.input]
        changed.append(copy)
    assert parts(*changed, *reads) == SURE_NORM


def test_batch_norm_without_scale() -> None:
    assert parts(
        X,
        *consts("v", "m", "b"),
        const("eps"),
        *INVERSE,
        node("Mul", "mul_1", "x", "rsqrt"),
        node("Mul", "mul_2", "m", "rsqrt"),
        node("Sub", "sub", "b", "mul_2"),
        node("AddV2", "add_1", "mul_1", "sub"),
    ) == {"v": ("moving_variance", True), "m": ("moving_mean", True), "b": ("beta", True)}


def test_batch_norm_with_a_negated_mean() -> None:
    assert (
        parts(
            X,
            *consts("v", "g", "m", "b"),
            const("eps"),
            *INVERSE,
            node("Mul", "mul", "rsqrt", "g"),
            node("Mul", "mul_1", "x", "mul"),
            node("Neg", "neg", "m"),
            node("Mul", "mul_2", "neg", "mul"),
            node("AddV2", "sub", "b", "mul_2"),
            node("AddV2", "add_1", "mul_1", "sub"),
        )
        == SURE_NORM
    )


CENTRED_BY_NEG = [
    *INVERSE,
    node("Mul", "mul", "x", "rsqrt"),
    node("Neg", "neg", "m"),
    node("Mul", "mul_1", "neg", "rsqrt"),
    node("AddV2", "add_1", "mul", "mul_1"),
]


def test_batch_norm_without_scale_with_a_negated_mean() -> None:
    """As tf.nn.batch_normalization computes it without an offset."""
    assert parts(
        X,
        *consts("v", "m"),
        const("eps"),
        *CENTRED_BY_NEG,
    ) == {"v": ("moving_variance", True), "m": ("moving_mean", True)}


def test_a_negated_constant_is_no_mean_where_the_variance_is_computed() -> None:
    assert (
        parts(
            X,
            *consts("m"),
            const("eps"),
            *CENTRED_BY_NEG,
        )
        == {}
    )


def test_batch_norm_by_a_division() -> None:
    assert (
        parts(
            X,
            *consts("v", "g", "m", "b"),
            const("eps"),
            node("AddV2", "add", "eps", "v"),
            node("Sqrt", "sqrt", "add"),
            node("Sub", "centred", "x", "m"),
            node("RealDiv", "div", "centred", "sqrt"),
            node("Mul", "scaled", "div", "g"),
            node("AddV2", "out", "scaled", "b"),
        )
        == SURE_NORM
    )


def divided(*after: NodeDef, divisor: str) -> list[NodeDef]:
    return [
        X,
        *consts("v", "g", "m", "b"),
        const("eps"),
        node("Sqrt", "sqrt", "v"),
        node("AddV2", "deviation", "sqrt", "eps"),
        node("Sub", "centred", "x", "m"),
        node("RealDiv", "div", "centred", divisor),
        *after,
    ]


AFFINE = [node("Mul", "scaled", "div", "g"), node("AddV2", "out", "scaled", "b")]


def test_batch_norm_with_an_epsilon_outside_the_root() -> None:
    nodes = divided(*AFFINE, divisor="deviation")
    assert parts(*nodes) == SURE_NORM
    assert reason("v", *nodes) == "the variance in the normalisation with Sqrt 'sqrt'"


def test_batch_norm_without_an_epsilon() -> None:
    assert parts(*divided(*AFFINE, divisor="sqrt")) == SURE_NORM


def test_a_root_that_nothing_is_divided_by_is_of_no_variance() -> None:
    nodes = [*consts("v"), node("Sqrt", "sqrt", "v"), node("Mul", "m", "x", "sqrt")]
    assert parts(*nodes) == {}
    nodes[-1] = node("RealDiv", "d", "sqrt", "x")
    assert parts(*nodes) == {}


LAYER_NORM = [
    *consts("g", "b"),
    const("eps"),
    node("Mean", "mean", "x", "axes"),
    node("Mean", "variance", "squares", "axes"),
    node("AddV2", "add", "variance", "eps"),
    node("Rsqrt", "rsqrt", "add"),
]


def test_layer_norm() -> None:
    assert parts(
        *LAYER_NORM,
        node("Sub", "centred", "x", "mean"),
        node("Mul", "normal", "centred", "rsqrt"),
        node("Mul", "scaled", "normal", "g"),
        node("AddV2", "out", "scaled", "b"),
    ) == {"g": ("gamma", True), "b": ("beta", True)}


def test_layer_norm_as_batch_norm_is_written() -> None:
    assert parts(
        *LAYER_NORM,
        node("Mul", "mul", "rsqrt", "g"),
        node("Mul", "mul_1", "x", "mul"),
        node("Mul", "mul_2", "mean", "mul"),
        node("Sub", "sub", "b", "mul_2"),
        node("AddV2", "out", "mul_1", "sub"),
    ) == {"g": ("gamma", True), "b": ("beta", True)}


def test_layer_norm_without_a_scale_may_be_something_else() -> None:
    assert parts(
        *LAYER_NORM,
        node("Sub", "centred", "x", "mean"),
        node("Mul", "normal", "centred", "rsqrt"),
        node("AddV2", "out", "normal", "b"),
    ) == {"b": ("beta", False)}


def test_layer_norm_behind_a_fused_one() -> None:
    nodes = [
        *consts("g", "b"),
        node("FusedBatchNormV3", "norm", "x", "ones", "zeros", "empty", "empty"),
        node("Reshape", "back", "norm", "shape"),
        node("Mul", "mul", "back", "g"),
        node("AddV2", "add", "mul", "b"),
    ]
    assert parts(*nodes) == {"g": ("gamma", True), "b": ("beta", True)}
    assert reason("b", *nodes) == "the offset behind a normalisation"


def test_a_root_without_an_epsilon_is_no_normalisation() -> None:
    assert (
        parts(
            *consts("v", "e", "g"),
            node("AddV2", "add", "v", "e"),
            node("Rsqrt", "rsqrt", "add"),
            node("Mul", "mul", "rsqrt", "g"),
        )
        == {}
    )


def test_a_bias_is_added_to_a_matrix_multiplication() -> None:
    for op in ("Add", "AddV2"):
        for inputs in (("m", "b"), ("b", "m")):
            nodes = [const("b", 4), node("MatMul", "m", "x", "w"), node(op, "add", *inputs)]
            assert parts(*nodes) == {"b": ("bias", True)}
            assert reason("b", *nodes) == "added to the output of MatMul 'm'"


def test_a_bias_is_added_to_a_sum_of_products() -> None:
    assert parts(
        const("b", 4),
        node("MatMul", "m", "x", "w"),
        node("MatMul", "n", "h", "u"),
        node("AddV2", "sum", "m", "n"),
        node("Reshape", "r", "sum", "shape"),
        node("AddV2", "add", "r", "b"),
    ) == {"b": ("bias", True)}


def test_a_bias_in_heads_has_an_element_for_each_output() -> None:
    product = [const("w", 8, 8), node("MatMul", "m", "x", "w"), node("Reshape", "r", "m", "shape")]
    added = node("AddV2", "add", "r", "b")
    assert parts(const("b", 2, 4), *product, added)["b"] == ("bias", True)
    assert parts(const("b", 1, 1, 8), *product, added)["b"] == ("bias", True)
    assert parts(const("b", 1, 1, 8), *product[1:], added)["b"] == ("bias", True)
    # A table of positions is added so as well.
    assert parts(const("b", 10, 8), *product, added)["b"] == ("bias", False)
    einsum = node("Einsum", "m", "x", "w")
    assert parts(const("b", 10, 8), product[0], einsum, product[2], added)["b"] == ("bias", True)


def test_what_is_added_to_something_else_is_no_bias() -> None:
    assert parts(const("b", 4), node("Relu", "m", "x"), node("AddV2", "add", "m", "b")) == {}
    assert parts(const("b"), node("MatMul", "m", "x", "w"), node("AddV2", "add", "m", "b")) == {}
    integers = const("b", 4, dtype=3)
    assert parts(integers, node("MatMul", "m", "x", "w"), node("AddV2", "add", "m", "b")) == {}


def test_the_slope_of_a_prelu() -> None:
    keras = [
        const("alpha", 4),
        node("Neg", "neg", "alpha"),
        node("Neg", "negative", "x"),
        node("Relu", "half", "negative"),
        node("Mul", "mul", "neg", "half"),
    ]
    assert parts(*keras) == {"alpha": ("alpha", True)}
    assert reason("alpha", *keras) == "multiplied with the negative half of a signal in Mul 'mul'"
    minimum = [
        const("a", 4),
        const("zero"),
        node("Minimum", "half", "x", "zero"),
        node("Mul", "mul", "a", "half"),
    ]
    assert parts(*minimum) == {"a": ("alpha", True)}
    # The smaller of two signals is no half of one.
    assert parts(minimum[0], *minimum[2:]) == {}
    absolute = [
        const("a", 4),
        node("Abs", "abs", "x"),
        node("Sub", "half", "x", "abs"),
        node("Mul", "mul", "half", "a"),
    ]
    assert parts(*absolute) == {"a": ("alpha", True)}


def test_the_slope_of_a_prelu_by_two_relus() -> None:
    nodes = [
        const("a", 4),
        node("Relu", "positive", "x"),
        node("Neg", "negative", "x"),
        node("Relu", "half", "negative"),
        node("Neg", "minus", "half"),
        node("Mul", "mul", "a", "minus"),
        node("AddV2", "out", "positive", "mul"),
    ]
    assert parts(*nodes) == {"a": ("alpha", True)}
    # Without the first Neg it is the positive half.
    nodes[3] = node("Relu", "half", "x")
    assert parts(*nodes) == {}


def test_the_slope_of_a_prelu_by_the_rest_of_a_relu() -> None:
    nodes = [const("a", 4), node("Relu", "r", "x"), node("Sub", "half", "x", "r")]
    assert parts(*nodes, node("Mul", "mul", "half", "a")) == {"a": ("alpha", True)}


def test_a_slope_that_is_one_number_may_be_that_of_a_leaky_relu() -> None:
    nodes = [const("a"), node("Neg", "n", "x"), node("Relu", "half", "n")]
    assert parts(*nodes, node("Mul", "mul", "a", "half")) == {"a": ("alpha", False)}


def test_the_scale_of_an_output_may_be_something_else() -> None:
    nodes = [const("s", 4), node("Conv2D", "c", "x", "w"), node("Mul", "mul", "c", "s")]
    assert parts(*nodes) == {"s": ("gamma", False)}
    assert parts(const("s", 4), node("Relu", "r", "x"), node("Mul", "mul", "r", "s")) == {}


def test_sure_parts_come_first() -> None:
    sure = Part(Role.BETA, "", is_sure=True, user=1)
    other = Part(Role.ALPHA, "", is_sure=False, user=2)
    assert list(strongest([other, sure, other])) == [sure, other, other]
    matrix = Part(Role.MATRIX, "", is_sure=True, user=3)
    assert list(strongest([other, matrix, sure])) == [sure, matrix, other]
