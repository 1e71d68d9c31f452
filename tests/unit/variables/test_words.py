from __future__ import annotations

import pytest

from pbckpt.variables.words import (
    is_computed,
    is_default_name,
    is_function_name,
    is_input_of,
    is_input_word,
    is_made_up,
    is_numbered,
    is_operation_name,
    is_setting,
    is_usual_name,
    loop_copy,
    quoted,
    result_name,
    shown,
    without_tool_suffix,
)


@pytest.mark.parametrize(
    ("last", "is_default", "made_up"),
    [
        ("Const", True, True),
        ("Const_12", True, True),
        ("_7", False, True),
        ("_7a", False, False),
        ("Const_", False, False),
        ("Constant", False, False),
        ("const", False, False),
        ("", False, False),
    ],
)
def test_names_for_want_of_one(last: str, is_default: bool, made_up: bool) -> None:  # noqa: FBT001
    assert (is_default_name(last), is_made_up(last)) == (is_default, made_up)


@pytest.mark.parametrize(
    "name",
    [
        *("kernel", "bias", "weights", "biases", "gamma", "beta", "moving_mean", "w", "W", "b"),
        *("depthwise_kernel", "kernel_1", "kernel:0", "w1", "embeddings", "embedding_matrix"),
        *("alpha", "query_kernel", "conv1_bias", "lstm_w_i_diag", "my_layer_gamma"),
        *("attention_w", "filter_2", "lookup_table", "moving_variance"),
    ],
)
def test_usual_names(name: str) -> None:
    assert is_usual_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "x", "axis", "kernel_size", "Const", "shape", "mean", "bkernel", "my_weight", "running"],
)
def test_unusual_names(name: str) -> None:
    assert not is_usual_name(name)


@pytest.mark.parametrize(
    "name",
    ["fc.weight", "blocks.0.attn.bias", "conv1-kernel", "layer-weight", "h.0.my_weight", "a.w-b"],
)
def test_other_tools_part_names_by_dots_and_dashes(name: str) -> None:
    assert is_usual_name(name)


@pytest.mark.parametrize("name", ["fc.running", "a.b.", ".", "-", "bias-shape", "weight.shape"])
def test_parted_names_of_something_else(name: str) -> None:
    assert not is_usual_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("epsilon", "eps", "eps_1", "threshold", "dropout_rate", "keep_prob", "momentum", "decay"),
        *("num_classes", "numbers", "size", "weight_decay", "learning_rate", "axis", "initial"),
        *("batch_size_2", "constant", "value", "step", "max"),
    ],
)
def test_settings(name: str) -> None:
    assert is_setting(name)


@pytest.mark.parametrize("name", ["", "alpha", "epsilons", "rates", "sizes", "kernel", "maximum"])
def test_no_settings(name: str) -> None:
    assert not is_setting(name)


def test_no_setting_has_a_name_that_nobody_types() -> None:
    assert is_setting("a" * 252 + "_eps")
    assert not is_setting("a" * 253 + "_eps")


@pytest.mark.parametrize(
    ("last", "numbered"),
    [("a_1", True), ("a_007", True), ("_3", True), ("a1", False), ("a_", False), ("a_1b", False)],
)
def test_numbers_that_tell_equal_names_apart(last: str, numbered: bool) -> None:  # noqa: FBT001
    assert is_numbered(last) is numbered


@pytest.mark.parametrize(
    "last",
    ["x", "y", "y_1", "filter", "mean", "rate", "keep_prob", "0", "12", "packed", "sub_x", "input"],
)
def test_what_ops_call_their_inputs(last: str) -> None:
    assert is_input_word(last)


@pytest.mark.parametrize("last", ["", "kernel", "bias", "z", "xy", "gamma", "0a", "Const"])
def test_what_no_op_calls_an_input(last: str) -> None:
    assert not is_input_word(last)


@pytest.mark.parametrize(
    ("op", "slot", "last"),
    [
        ("AddV2", 1, "y"),
        ("Mul", 0, "x"),
        ("Mul", 0, "x_3"),
        ("MatMul", 1, "b"),
        ("Conv2D", 1, "filter"),
        ("FusedBatchNormV3", 3, "mean"),
        ("BiasAdd", 1, "bias"),
        ("Pack", 2, "2"),
        ("Unheard", 7, "mean"),
    ],
)
def test_an_op_calls_its_input_so(op: str, slot: int, last: str) -> None:
    assert is_input_of(op, slot, last)


@pytest.mark.parametrize(
    ("op", "slot", "last"),
    [
        ("AddV2", 1, "x"),
        ("Mul", 1, "scale"),
        ("MatMul", 1, "w"),
        ("Conv2D", 1, "weights"),
        ("FusedBatchNormV3", 3, "offset"),
        ("FusedBatchNormV3", 5, "mean"),
        ("Unheard", 7, "kernel"),
    ],
)
def test_an_op_does_not_call_its_input_so(op: str, slot: int, last: str) -> None:
    assert not is_input_of(op, slot, last)


@pytest.mark.parametrize(
    "last", ["add", "mul_1", "zeros_like", "Rsqrt", "GatherV2_2", "SelectV2", "Tensordot", "eye"]
)
def test_operation_names(last: str) -> None:
    assert is_operation_name(last)
    assert is_function_name(last)


@pytest.mark.parametrize("last", ["", "added", "Adds", "conv", "Add", "Mul_a", "kernel"])
def test_no_operation_names(last: str) -> None:
    assert not is_operation_name(last)
    assert not is_function_name(last)


@pytest.mark.parametrize("last", ["Cast", "dropout_1", "random_uniform", "truncated_normal"])
def test_names_of_functions_that_make_several_operations(last: str) -> None:
    assert is_function_name(last)
    assert not is_operation_name(last)


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("a/w", "a/w"),
        ("a/w/_3__cf__3", "a/w"),
        ("a/w_quantized_const", "a/w"),
        ("a/w_quantized_const/_3__cf__12", "a/w"),
        ("a/w/_3__cf__12_quantized_const", "a/w"),
        ("a/_3__cf__3/w", "a/_3__cf__3/w"),
        ("a/w_3__cf__3", "a/w_3__cf__3"),
    ],
)
def test_the_name_before_tools_changed_it(name: str, before: str) -> None:
    assert without_tool_suffix(name) == before


@pytest.mark.parametrize(
    "name",
    [
        *("ConstantFolding/a/mul", "a/ConstantFolding", "ConstantFoldingCtrl/x_0"),
        *("ArithmeticOptimizer/x", "LayoutOptimizer/y", "RemapperOptimizer/z", "LoopOptimizer/a"),
        *("conv1_bn_offset", "conv1_bn_offset_quantized_const", "a/merged_input"),
        *("a/mul-folded", "a/mul-folded-0", "a/truediv_recip", "a/conv_eightbit/w"),
        *("bn/FusedBatchNormV3/Offset", "bn/FusedBatchNorm_1/Scaled", "a/mul/_3__cf__3"),
    ],
)
def test_computed(name: str) -> None:
    assert is_computed(name)


@pytest.mark.parametrize(
    "name",
    [
        # What an optimizer computed of a read is the variable.
        *("a/w/read/_3__cf__3", "m/ReadVariableOp_1/_3__cf__3", "a/Identity/_3__cf__3"),
        # A product over the last axis takes its matrix as it is.
        *("d/Tensordot/Reshape_1", "d/tensordot_2/Reshape_1/_3__cf__3"),
        *("Scaled", "a/Offset", "a/my_offset", "a/kernel", "a/kernel_quantized_const", ""),
    ],
)
def test_not_computed(name: str) -> None:
    assert not is_computed(name)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a/add", "add"),
        ("Rsqrt_1", "Rsqrt_1"),
        ("a/zeros_like/_3__cf__3", "zeros_like"),
        ("a/moments/mean", "mean"),
        ("a/moments_2/variance_1", "variance_1"),
        ("a/Reshape_1", "Reshape_1"),
        ("a/mean", None),
        ("mean", None),
        ("a/Tensordot/Reshape_1", None),
        ("a/Tensordot/Reshape", "Reshape"),
        ("a/kernel", None),
        ("a/add/y", None),
    ],
)
def test_the_operation_whose_result_it_is(name: str, result: str | None) -> None:
    assert result_name(name) == result


def test_the_copy_for_a_loop() -> None:
    assert loop_copy("a/w") == "ConstantFolding/a/w_enter"


def test_of_long_names_the_ends_are_shown() -> None:
    assert quoted("a" * 200) == repr("a" * 200)
    assert quoted("a" * 101 + "b" * 100) == repr("a" * 100 + "…" + "b" * 100)
    assert shown("\n") == "\n"
