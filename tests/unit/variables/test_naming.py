from __future__ import annotations

import pytest

from pbckpt.operators.roles import Role
from pbckpt.variables.naming import Nameless, derive_names, is_reader, without_import


def read(reader: str, role: Role | None = None, *shape: int, node: str = "unknown") -> Nameless:
    return Nameless(node, reader, role, shape)


def looped(reader: str, role: Role | None, *shape: int) -> Nameless:
    """Return a variable that a loop takes."""
    return Nameless("unknown", reader, role, shape, in_loop=True)


def names(
    *variables: Nameless, nodes: tuple[str, ...] = (), taken: tuple[str, ...] = ()
) -> list[str]:
    return derive_names(variables, nodes, taken)


@pytest.mark.parametrize(
    ("role", "word"),
    [
        (Role.KERNEL, "kernel"),
        (Role.MATRIX, "kernel"),
        (Role.DEPTHWISE_KERNEL, "depthwise_kernel"),
        (Role.RECURRENT_BIAS, "bias"),
        (Role.GAMMA, "gamma"),
        (Role.MOVING_MEAN, "moving_mean"),
        (Role.EMBEDDINGS, "embeddings"),
        (Role.RANGE_MIN, "min"),
        (Role.RANGE_MAX, "max"),
        (Role.WEIGHT, "weight"),
    ],
)
def test_the_role_gives_the_word(role: Role, word: str) -> None:
    assert names(read("a/ReadVariableOp", role), read("b/ReadVariableOp", role)) == [
        f"a/{word}",
        f"b/{word}",
    ]


def test_without_a_role_the_node_gives_the_word_if_it_has_one() -> None:
    assert names(
        read("a/x/ReadVariableOp", node="model/a/centre"),
        read("b/y/ReadVariableOp", node="unknown_7"),
    ) == ["a/x/centre", "b/y/variable"]


def test_keras_2() -> None:
    assert names(
        read("net/conv1/Conv2D/ReadVariableOp", Role.KERNEL, 3, 3, 1, 8),
        read("net/conv1/BiasAdd/ReadVariableOp", Role.BIAS, 8),
        read("net/bn/ReadVariableOp", Role.GAMMA, 8),
        read("net/bn/ReadVariableOp_1", Role.BETA, 8),
        read("net/bn/FusedBatchNormV3/ReadVariableOp", Role.MOVING_MEAN, 8),
        read("net/bn/FusedBatchNormV3/ReadVariableOp_1", Role.MOVING_VARIANCE, 8),
        read("net/dense/MatMul/ReadVariableOp", Role.MATRIX, 8, 2),
    ) == [
        "conv1/kernel",
        "conv1/bias",
        "bn/gamma",
        "bn/beta",
        "bn/moving_mean",
        "bn/moving_variance",
        "dense/kernel",
    ]


def test_keras_3_gives_scopes_of_a_second_trace_a_suffix() -> None:
    assert names(
        read("net_1/hidden_1/Cast/ReadVariableOp", Role.MATRIX, 4, 8),
        read("net_1/hidden_1/BiasAdd/ReadVariableOp", Role.BIAS, 8),
        read("net_1/conv_1/convolution/ReadVariableOp", Role.KERNEL, 3, 3, 1, 8),
    ) == ["hidden/kernel", "hidden/bias", "conv/kernel"]


def test_suffixes_stay_unless_every_scope_has_one() -> None:
    assert names(
        read("net_1/hidden_1/Cast/ReadVariableOp", Role.MATRIX),
        read("net_1/out/Cast/ReadVariableOp", Role.MATRIX),
    ) == ["hidden_1/kernel", "out/kernel"]


def test_suffixes_stay_where_two_names_would_become_one() -> None:
    assert names(
        read("net_1/dense_1/Cast/ReadVariableOp", Role.MATRIX),
        read("net_1/dense_2/Cast/ReadVariableOp", Role.MATRIX),
    ) == ["dense_1/kernel", "dense_2/kernel"]


def test_suffixes_of_keras_2_are_the_layers() -> None:
    assert names(
        read("net_1/dense_1/MatMul/ReadVariableOp", Role.MATRIX),
        read("net_1/conv_1/Conv2D/ReadVariableOp", Role.KERNEL),
    ) == ["dense_1/kernel", "conv_1/kernel"]


# --- prefixes


def test_the_scope_that_all_have_is_the_models() -> None:
    assert names(read("m/a/ReadVariableOp"), read("m/b/ReadVariableOp")) == [
        "a/variable",
        "b/variable",
    ]
    assert names(read("m/ReadVariableOp"), read("m/b/ReadVariableOp")) == [
        "m/variable",
        "m/b/variable",
    ]


def test_the_scopes_of_calls_and_imports_are_taken_off() -> None:
    assert names(
        read("StatefulPartitionedCall/net/bn/ReadVariableOp_1", Role.BETA),
        read("StatefulPartitionedCall/net/a/MatMul/ReadVariableOp", Role.MATRIX),
    ) == ["bn/beta", "a/kernel"]
    assert names(
        read("import/StatefulPartitionedCall_1/x/a/ReadVariableOp", Role.BETA),
        read("import/PartitionedCall/y/b/ReadVariableOp", Role.BETA),
    ) == ["x/a/beta", "y/b/beta"]


@pytest.mark.parametrize("model", ["model", "model_1", "sequential_12", "functional"])
def test_the_name_that_keras_gives_a_model_is_taken_off_of_some(model: str) -> None:
    assert names(
        read(f"{model}/a/ReadVariableOp", Role.BETA), read("other/b/ReadVariableOp", Role.BETA)
    ) == ["a/beta", "other/b/beta"]


def test_no_prefix_is_taken_off_where_two_layers_would_become_one() -> None:
    assert names(
        read("model/a/ReadVariableOp", Role.BETA), read("model_1/a/ReadVariableOp", Role.BETA)
    ) == ["model/a/beta", "model_1/a/beta"]


def test_scopes_of_control_flow_and_operations_are_no_layers() -> None:
    assert names(
        read("net/while/body/_12/lstm/MatMul/ReadVariableOp", Role.MATRIX),
        read("net/cond_1/then/dense/Tensordot/Reshape/ReadVariableOp", Role.MATRIX),
    ) == ["lstm/kernel", "dense/kernel"]


def test_a_scope_that_is_a_nodes_name_is_an_operations() -> None:
    variables = [
        read("net/a/mine/ReadVariableOp", Role.BETA),
        read("net/b/ReadVariableOp", Role.BETA),
    ]
    assert names(*variables) == ["a/mine/beta", "b/beta"]
    assert names(*variables, nodes=("net/a/mine",)) == ["a/beta", "b/beta"]


@pytest.mark.parametrize(
    "name", ["Conv2D", "MatMul_1", "BiasAdd", "Cast", "FusedBatchNormV3", "Read"]
)
def test_operations_that_read(name: str) -> None:
    assert is_reader(name)


@pytest.mark.parametrize("name", ["", "conv2d", "dense", "MatMulX", "kernel", "MatMul_a"])
def test_no_operations_that_read(name: str) -> None:
    assert not is_reader(name)


# --- cells, separable convolutions


def cell(scope: str, first: tuple[int, ...], second: tuple[int, ...]) -> list[Nameless]:
    return [
        read(f"net/{scope}/MatMul/ReadVariableOp", Role.MATRIX, *first),
        read(f"net/{scope}/MatMul_1/ReadVariableOp", Role.MATRIX, *second),
        read(f"net/{scope}/BiasAdd/ReadVariableOp", Role.BIAS, second[-1]),
        read("net/out/MatMul/ReadVariableOp", Role.MATRIX, second[0], 2),
    ]


@pytest.mark.parametrize(
    ("scope", "second", "layer"),
    [
        ("lstm", (8, 32), "lstm/lstm_cell"),
        ("lstm/lstm_cell_3", (8, 32), "lstm/lstm_cell_3"),
        ("gru", (8, 24), "gru/gru_cell"),
        ("simple_rnn", (8, 8), "simple_rnn/simple_rnn_cell"),
    ],
)
def test_cells_have_two_kernels(scope: str, second: tuple[int, ...], layer: str) -> None:
    assert names(*cell(scope, (5, second[1]), second)) == [
        f"{layer}/kernel",
        f"{layer}/recurrent_kernel",
        f"{layer}/bias",
        "out/kernel",
    ]


@pytest.mark.parametrize(
    ("scope", "first", "second"),
    [
        ("two", (5, 8), (8, 8)),
        ("lstm", (5, 32), (7, 32)),
        ("lstm", (5, 32), (8, 16)),
        ("rnn", (5, 16), (8, 16)),
        ("rnn", (5, 0), (0, 0)),
    ],
)
def test_two_matrices_that_are_no_cells(
    scope: str, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    assert names(*cell(scope, first, second)) == [
        f"{scope}/kernel",
        f"{scope}/kernel_1",
        f"{scope}/bias",
        "out/kernel",
    ]


def test_the_recurrent_kernel_is_read_second_whatever_the_order() -> None:
    variables = cell("lstm", (5, 32), (8, 32))
    assert names(variables[1], variables[0], variables[3]) == [
        "lstm/lstm_cell/recurrent_kernel",
        "lstm/lstm_cell/kernel",
        "out/kernel",
    ]


LOOP = "net/memory/while"


def loop_cell(*second: int, bias: tuple[int, ...] = (32,)) -> list[Nameless]:
    """Return what a loop over a sequence reads, in a layer whose name tells nothing."""
    return [
        looped(f"{LOOP}/MatMul/ReadVariableOp", Role.MATRIX, 5, second[-1]),
        looped(f"{LOOP}/MatMul_1/ReadVariableOp", Role.MATRIX, *second),
        looped(f"{LOOP}/BiasAdd/ReadVariableOp", Role.BIAS, *bias),
        read("net/out/MatMul/ReadVariableOp", Role.MATRIX, second[0], 2),
    ]


@pytest.mark.parametrize(
    ("second", "cell_name"),
    [((8, 32), "lstm_cell"), ((8, 24), "gru_cell"), ((8, 8), "simple_rnn_cell")],
)
def test_what_a_loop_takes_is_a_cell_by_its_shapes(second: tuple[int, int], cell_name: str) -> None:
    for bias in ((second[1],), (2, second[1])):
        assert names(*loop_cell(*second, bias=bias)) == [
            f"memory/{cell_name}/kernel",
            f"memory/{cell_name}/recurrent_kernel",
            f"memory/{cell_name}/bias",
            "out/kernel",
        ]


def test_the_bias_of_a_cell_by_another_word() -> None:
    for shape in ((24,), (2, 24)):
        first, second, _, out = loop_cell(8, 24)
        bias = Nameless("net/offsets", f"{LOOP}/unstack/ReadVariableOp", None, shape, in_loop=True)
        assert names(first, second, bias, out)[2] == "memory/gru_cell/bias"


def test_two_matrices_of_which_a_loop_takes_one_are_no_cell() -> None:
    first, second, bias, out = loop_cell(8, 32)
    found = names(first, second._replace(in_loop=False), bias, out)
    assert found == ["memory/kernel", "memory/kernel_1", "memory/bias", "out/kernel"]


def test_a_pair_of_matrices_outside_loops_is_no_cell() -> None:
    # A gate and what it lets through, each of as many columns.
    assert names(
        read("net/ffn/MatMul/ReadVariableOp", Role.MATRIX, 8, 32),
        read("net/ffn/MatMul_1/ReadVariableOp", Role.MATRIX, 8, 32),
        read("net/out/MatMul/ReadVariableOp", Role.MATRIX, 32, 8),
    ) == ["ffn/kernel", "ffn/kernel_1", "out/kernel"]


def test_the_kernels_of_a_convolutional_cell_have_a_window() -> None:
    def cell_of(window: int) -> list[Nameless]:
        return [
            looped("net/frames/while/convolution/ReadVariableOp", Role.KERNEL, 3, 3, 2, 16),
            looped("net/frames/while/convolution_1/ReadVariableOp", Role.KERNEL, 3, window, 4, 16),
            looped("net/frames/while/BiasAdd/ReadVariableOp", Role.BIAS, 16),
            read("net/out/MatMul/ReadVariableOp", Role.MATRIX, 4, 2),
        ]

    assert names(*cell_of(3)) == [
        "frames/kernel",
        "frames/recurrent_kernel",
        "frames/bias",
        "out/kernel",
    ]
    assert names(*cell_of(1))[:2] == ["frames/kernel", "frames/kernel_1"]


def test_what_else_is_read_in_a_cell_keeps_its_word() -> None:
    variables = [*loop_cell(8, 32), looped(f"{LOOP}/mul/ReadVariableOp", Role.GAMMA, 8)]
    assert names(*variables)[-1] == "memory/lstm_cell/gamma"
    variables[-1] = variables[-1]._replace(role=None, shape=())
    assert names(*variables)[-1] == "memory/lstm_cell/variable"


@pytest.mark.parametrize(
    ("reader", "layer"),
    [
        ("net/lstm/while/body/_12/net/lstm/cell/mul", "lstm/cell"),
        ("net/lstm/while/body/_12/lstm/cell/mul", "lstm/lstm/cell"),
        ("net/lstm/while/lstm_cell/mul", "lstm/lstm_cell"),
        ("net/a/cond/then/_0/net/a/while_1/body/_9/net/a/b/mul", "a/b"),
        ("net/net/a/mul", "net/a"),
    ],
)
def test_bodies_say_the_outer_scope_again(reader: str, layer: str) -> None:
    variables = [read(f"{reader}/ReadVariableOp", Role.BETA), read("net/o/ReadVariableOp")]
    assert names(*variables) == [f"{layer}/beta", "o/variable"]


def test_a_separable_convolution() -> None:
    assert names(
        read("net/s/separable_conv2d/ReadVariableOp", Role.DEPTHWISE_KERNEL),
        read("net/s/separable_conv2d/ReadVariableOp_1", Role.KERNEL),
        read("net/c/Conv2D/ReadVariableOp", Role.KERNEL),
    ) == ["s/depthwise_kernel", "s/pointwise_kernel", "c/kernel"]


def test_keras_3_calls_a_depthwise_kernel_that_is_alone_a_kernel() -> None:
    assert names(
        read("net_1/d_1/depthwise/ReadVariableOp", Role.DEPTHWISE_KERNEL),
        read("net_1/h_1/Cast/ReadVariableOp", Role.MATRIX),
    ) == ["d/kernel", "h/kernel"]
    assert names(
        read("net/d/depthwise/ReadVariableOp", Role.DEPTHWISE_KERNEL),
        read("net/h/MatMul/ReadVariableOp", Role.MATRIX),
    ) == ["d/depthwise_kernel", "h/kernel"]


# --- numbers


def test_equal_names_get_numbers() -> None:
    variables = [read("m/a/ReadVariableOp", Role.BETA) for _ in range(3)]
    assert names(*variables) == ["a/beta", "a/beta_1", "a/beta_2"]


def test_names_that_are_in_use_are_not_given() -> None:
    variables = [read("m/a/ReadVariableOp", Role.BETA) for _ in range(2)]
    assert names(*variables, taken=("a/beta", "a/beta_2")) == ["a/beta_1", "a/beta_3"]


def test_a_number_is_not_another_variables_name() -> None:
    assert names(
        read("m/a/ReadVariableOp", None, node="x"),
        read("m/a/ReadVariableOp", None, node="x"),
        read("m/a/ReadVariableOp", None, node="x_1"),
    ) == ["a/x", "a/x_2", "a/x_1"]


def test_a_reader_without_a_scope() -> None:
    assert names(read("ReadVariableOp", Role.BETA), read("", Role.GAMMA)) == ["beta", "gamma"]
    assert names(read("/ReadVariableOp", Role.BETA)) == ["beta"]
    assert names() == []


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], []),
        (["import/a", "import/b/c"], ["a", "b/c"]),
        (["import/a", "b"], ["import/a", "b"]),
        (["import/a", "import/"], ["import/a", "import/"]),
        (["import_1/a"], ["import_1/a"]),
    ],
)
def test_own_names_lose_the_scope_of_an_import(own: list[str], expected: list[str]) -> None:
    assert without_import(own) == expected


def test_numbers_of_any_length_sort_by_their_size() -> None:
    long = "1" * 5000
    readers = [f"lstm/MatMul/ReadVariableOp_{digits}" for digits in (f"2{long}", f"0{long}")]
    matrices = [Nameless("unknown", reader, Role.MATRIX, (8, 32)) for reader in readers]
    assert names(*matrices) == ["lstm_cell/recurrent_kernel", "lstm_cell/kernel"]


@pytest.mark.parametrize(("depth", "left"), [(63, 64), (64, 130)])
def test_loops_are_told_in_names_that_somebody_may_have_given(depth: int, left: int) -> None:
    """To compare all scopes behind each loop with those before takes long."""
    scope = "/".join(["a"] * depth)
    (name,) = names(read(f"m/{scope}/while/m/{scope}/ReadVariableOp"), read("b/ReadVariableOp"))[:1]
    assert name.count("/") == left


@pytest.mark.parametrize(("depth", "name"), [(64, "variable"), (65, "a/variable")])
def test_so_many_scopes_may_be_operations(depth: int, name: str) -> None:
    scopes = ["/".join(["a"] * count) for count in range(1, depth + 1)]
    reader = f"{scopes[-1]}/ReadVariableOp"
    assert names(read(reader), read("c/d/ReadVariableOp"), nodes=tuple(scopes))[0] == name


def test_scopes_of_calls_are_taken_off_however_many() -> None:
    calls = "/".join(["import"] * 1000)
    assert names(read(f"{calls}/a/ReadVariableOp"), read("b/c/ReadVariableOp")) == [
        "a/variable",
        "b/c/variable",
    ]
