from __future__ import annotations

import pytest

from pbckpt.operators import (
    Change,
    Pass,
    argument_name,
    fused_role,
    is_control_or_bookkeeping,
    output_index,
    passing,
    range_slots,
    takes_fused_arguments,
    weight_role,
)
from pbckpt.operators.calls import CALLS, DIRECT_CALL, Call
from pbckpt.operators.roles import Role
from pbckpt.operators.signatures import Signature, Signatures, without_mkl

CONV_AND_NORM = ("FusedBatchNorm", "Relu")


@pytest.mark.parametrize(
    ("op", "roles"),
    [
        ("BatchMatMulV2", [Role.MATRIX, Role.MATRIX]),
        ("BatchNormWithGlobalNormalization", [None, Role.MOVING_MEAN, Role.MOVING_VARIANCE]),
        ("BiasAdd", [None, Role.BIAS, None]),
        ("BlockLSTM", [None, None, Role.STATE, Role.STATE, Role.KERNEL, Role.PEEPHOLE]),
        ("Conv2D", [None, Role.KERNEL, None]),
        ("Conv2DBackpropInput", [None, Role.KERNEL, None]),
        ("CudnnRNNV3", [None, Role.STATE, Role.STATE, Role.WEIGHT, None]),
        ("DepthwiseConv2dNative", [None, Role.DEPTHWISE_KERNEL]),
        ("FakeQuantWithMinMaxVars", [None, Role.RANGE_MIN, Role.RANGE_MAX]),
        ("FusedBatchNormV3", [None, Role.GAMMA, Role.BETA, Role.MOVING_MEAN, Role.MOVING_VARIANCE]),
        ("FusedResizeAndPadConv2D", [None, None, None, Role.KERNEL]),
        ("GRUBlockCell", [None, Role.STATE, Role.KERNEL, Role.KERNEL, Role.BIAS, Role.BIAS, None]),
        ("GatherV2", [Role.EMBEDDINGS, None, None]),
        ("LSTMBlockCell", [None, Role.STATE, Role.STATE, Role.KERNEL, Role.PEEPHOLE]),
        ("QuantizedBiasAdd", [None, Role.BIAS, Role.RANGE_MIN, Role.RANGE_MAX, Role.RANGE_MIN]),
        ("SparseTensorDenseMatMul", [None, None, None, Role.MATRIX]),
        ("UniformQuantize", [None, Role.SCALE, None]),
        ("XlaConv", [None, Role.KERNEL]),
        ("_MklConv2D", [None, Role.KERNEL, None]),
        ("_MklNativeFusedConv2D", [None, Role.KERNEL, None]),
        ("Add", [None, None]),
        ("Conv2DBackpropFilter", [None, None, None]),
        ("Identity", [None]),
        ("NoSuchOp", [None]),
    ],
)
def test_what_sits_in_the_slots_of_an_op(op: str, roles: list[Role | None]) -> None:
    assert [weight_role(op, slot) for slot in range(len(roles))] == roles


def test_all_inputs_of_einsum_are_operands() -> None:
    assert [weight_role("Einsum", slot, 3) for slot in range(3)] == [Role.MATRIX] * 3
    assert weight_role("Einsum", 1) is Role.MATRIX


def test_weights_and_biases_of_cudnn_are_lists_of_the_same_length() -> None:
    roles = [weight_role("CudnnRNNCanonicalToParams", slot, 7) for slot in range(7)]
    assert roles == [None, None, None, Role.KERNEL, Role.KERNEL, Role.BIAS, Role.BIAS]


def test_ranges_of_a_quantized_concat_are_lists_of_the_same_length() -> None:
    roles = [weight_role("QuantizedConcatV2", slot, 7) for slot in range(7)]
    low, high = Role.RANGE_MIN, Role.RANGE_MAX
    assert roles == [None, None, None, low, low, high, high]


@pytest.mark.parametrize(
    ("op", "fused_ops", "roles"),
    [
        ("_FusedConv2D", ("BiasAdd", "Relu"), [None, Role.KERNEL, Role.BIAS, None]),
        ("_FusedConv2D", ("BiasAdd", "Add"), [None, Role.KERNEL, Role.BIAS, None]),
        (
            "_FusedConv2D",
            CONV_AND_NORM,
            [
                None,
                Role.KERNEL,
                Role.GAMMA,
                Role.BETA,
                Role.MOVING_MEAN,
                Role.MOVING_VARIANCE,
                None,
            ],
        ),
        ("_FusedConv2D", (), [None, Role.KERNEL, None]),
        ("_FusedConv2D", ("Elu",), [None, Role.KERNEL, None]),
        ("_FusedMatMul", ("BiasAdd",), [Role.MATRIX, Role.MATRIX, Role.BIAS, None]),
        ("_MklNativeFusedConv2D", ("BiasAdd",), [None, Role.KERNEL, Role.BIAS]),
        ("FusedBatchNorm", ("BiasAdd",), [None, Role.GAMMA, Role.BETA]),
        ("Conv2D", ("BiasAdd",), [None, Role.KERNEL, None]),
    ],
)
def test_what_is_fused_says_what_comes_behind_the_filter(
    op: str, fused_ops: tuple[str, ...], roles: list[Role | None]
) -> None:
    assert [fused_role(op, slot, fused_ops) for slot in range(len(roles))] == roles


def test_which_ops_have_fused_arguments() -> None:
    assert takes_fused_arguments("_FusedConv2D")
    assert takes_fused_arguments("_MklFusedMatMul")
    assert not takes_fused_arguments("Conv2D")
    assert not takes_fused_arguments("_MklNativeConv2D")


def test_no_gradient_reaches_statistics_states_and_ranges() -> None:
    assert {role.value for role in Role if not role.trainable} == {
        "moving_mean",
        "moving_variance",
        "range_max",
        "range_min",
        "scale",
        "state",
        "u",
    }


def test_every_role_has_its_own_phrase() -> None:
    assert len({role.phrase for role in Role}) == len(Role)
    assert Role.MOVING_MEAN.phrase == "the mean of a batch normalisation"


@pytest.mark.parametrize(
    ("op", "num_inputs", "names"),
    [
        ("Case", 2, ["branch_index", None]),
        ("Concat", 3, ["concat_dim", None, None]),
        ("ConcatV2", 4, [None, None, None, "axis"]),
        ("Conv2DBackpropInput", 3, ["input_sizes", None, None]),
        ("DynamicStitch", 4, ["indices", "indices", None, None]),
        ("Fill", 2, ["dims", "value"]),
        ("GatherV2", 3, [None, None, "axis"]),
        ("If", 3, ["cond", None, None]),
        ("InitializeTableV2", 3, [None, "keys", "values"]),
        ("Mean", 2, [None, "reduction_indices"]),
        ("OneHot", 4, [None, "depth", "on_value", "off_value"]),
        ("QuantizedConcatV2", 7, [None, None, "axis", None, None, None, None]),
        ("Range", 3, ["start", "limit", "delta"]),
        ("Reshape", 2, [None, "shape"]),
        ("Split", 2, ["split_dim", None]),
        ("SplitV", 3, [None, "size_splits", "split_dim"]),
        ("StridedSlice", 4, [None, "begin", "end", "strides"]),
        ("Switch", 2, [None, "pred"]),
        ("TPUPartitionedCall", 3, [None, None, "device_ordinal"]),
        ("Transpose", 2, [None, "perm"]),
        ("_MklNativePadWithFusedConv2D", 4, [None, None, None, "paddings"]),
        ("_MklTranspose", 2, [None, "perm"]),
        ("Add", 2, [None, None]),
        ("Merge", 2, [None, None]),
        ("NoSuchOp", 1, [None]),
    ],
)
def test_which_slots_take_a_parameter(op: str, num_inputs: int, names: list[str | None]) -> None:
    assert [argument_name(op, slot, num_inputs) for slot in range(num_inputs)] == names


@pytest.mark.parametrize("slot", [-1, 2, 1 << 40])
def test_a_slot_that_an_op_does_not_have(slot: int) -> None:
    assert argument_name("Reshape", slot, 2) is None
    assert weight_role("BiasAdd", slot) is None
    assert passing("Reshape", slot, 2) is None


def same(change: Change, *outputs: int) -> Pass:
    return Pass(change, outputs)


@pytest.mark.parametrize(
    ("op", "num_inputs", "expected"),
    [
        ("Cast", 1, [same(Change.TYPE, 0)]),
        ("Concat", 3, [None, same(Change.PART, 0), same(Change.PART, 0)]),
        ("ConcatV2", 3, [same(Change.PART, 0), same(Change.PART, 0), None]),
        ("Dequantize", 3, [same(Change.QUANTIZATION, 0), None, None]),
        ("Enter", 1, [same(Change.NOTHING, 0)]),
        ("IdentityN", 3, [same(Change.NOTHING, at) for at in range(3)]),
        ("Merge", 2, [same(Change.NOTHING, 0), same(Change.NOTHING, 0)]),
        ("Pack", 2, [same(Change.PART, 0), same(Change.PART, 0)]),
        ("Print", 2, [same(Change.NOTHING, 0), None]),
        ("QuantizeV2", 3, [same(Change.QUANTIZATION, 0), None, None]),
        ("Reshape", 2, [same(Change.LAYOUT, 0), None]),
        ("Split", 2, [None, Pass(Change.PART, None)]),
        ("SplitV", 3, [Pass(Change.PART, None), None, None]),
        ("Switch", 2, [Pass(Change.NOTHING, None), None]),
        ("_MklDequantize", 3, [same(Change.QUANTIZATION, 0), None, None]),
        ("Assert", 2, [None, None]),
        ("Conv2D", 2, [None, None]),
        ("GatherV2", 3, [None, None, None]),
        ("Mul", 2, [None, None]),
    ],
)
def test_where_an_op_hands_its_inputs_on_to(
    op: str, num_inputs: int, expected: list[Pass | None]
) -> None:
    assert [passing(op, slot, num_inputs) for slot in range(num_inputs)] == expected


@pytest.mark.parametrize(
    "op",
    [
        "Assert",
        "HistogramSummary",
        "MergeV2Checkpoints",
        "NoOp",
        "ParallelMapDatasetV2",
        "QueueEnqueueV2",
        "RestoreV2",
        "SaveV2",
        "ScalarSummary",
        "WriteScalarSummary",
    ],
)
def test_ops_that_take_no_weights_at_all(op: str) -> None:
    assert is_control_or_bookkeeping(op)


@pytest.mark.parametrize("op", ["Add", "Conv2D", "Identity", "Print", "Reshape", "While"])
def test_ops_that_may_take_weights(op: str) -> None:
    assert not is_control_or_bookkeeping(op)


@pytest.mark.parametrize(
    ("op", "output", "number", "index"),
    [
        ("FusedBatchNormV3", "batch_variance", 0, 2),
        ("IdentityN", "output", 2, 2),
        ("LSTMBlockCell", "h", 0, 6),
        ("Merge", "value_index", 0, 1),
        ("Split", "output", 3, 3),
        ("Switch", "output_false", 0, 0),
        ("Switch", "output_true", 0, 1),
        ("TopKV2", "indices", 0, 1),
        ("Switch", "no_such_output", 0, 0),
        ("NoSuchOp", "output", 4, 4),
    ],
)
def test_the_place_of_a_named_output(op: str, output: str, number: int, index: int) -> None:
    assert output_index(op, output, number) == index


@pytest.mark.parametrize(
    ("op", "num_inputs", "arguments"),
    [
        ("Case", 3, [None, 0, 1]),
        ("For", 5, [None, None, None, 1, 2]),
        ("PartitionedCall", 2, [0, 1]),
        ("StatelessIf", 3, [None, 0, 1]),
        ("TPUPartitionedCall", 3, [0, 1, None]),
        ("While", 2, [0, 1]),
    ],
)
def test_inputs_become_arguments(op: str, num_inputs: int, arguments: list[int | None]) -> None:
    call = CALLS[op]
    assert [call.argument_of(slot, num_inputs) for slot in range(num_inputs)] == arguments


def test_results_of_a_loop_come_round() -> None:
    assert [CALLS["While"].slot_of_result(at) for at in (0, 1)] == [0, 1]
    assert CALLS["For"].slot_of_result(0) == 3
    assert CALLS["If"].slot_of_result(0) is None


def test_functions_of_a_call() -> None:
    assert CALLS["While"] == Call(("cond", "body"), ("body",), loops=True)
    assert CALLS["If"].functions == ("then_branch", "else_branch")
    assert CALLS["Case"].functions == ("branches",)
    assert CALLS["StatefulPartitionedCall"].returns == ("f",)
    assert CALLS["SymbolicGradient"].returns == ()
    assert DIRECT_CALL.argument_of(1, 2) == 1


@pytest.mark.parametrize(
    ("text", "num_inputs", "found"),
    [
        ("- b", 2, [None, "b"]),
        ("a*", 0, []),
        ("a* b", 1, ["b"]),
        ("a* b", 3, ["a", "a", "b"]),
        ("a -* b c", 5, ["a", None, None, "b", "c"]),
        ("a* b c*", 5, ["a", "a", "b", "c", "c"]),
        ("a* b c*", 1, ["b"]),
        ("a* b", 0, []),
    ],
)
def test_words_of_a_signature(text: str, num_inputs: int, found: list[str | None]) -> None:
    signature = Signature.of(text)
    assert [signature.word(slot, num_inputs) for slot in range(num_inputs)] == found


def test_an_op_stands_in_the_tables_once() -> None:
    with pytest.raises(ValueError, match=r"^Add stands twice$"):
        Signatures({"- a": "Add"}, {"b": "Add"})


@pytest.mark.parametrize(
    ("op", "plain"),
    [
        ("_MklConv2D", "Conv2D"),
        ("_MklNativeConv2D", "Conv2D"),
        ("_MklNativeFusedMatMul", "_FusedMatMul"),
        ("_MklFusedBatchNormV3", "FusedBatchNormV3"),
        ("_MklFusedBatchNormEx", "_FusedBatchNormEx"),
    ],
)
def test_ops_of_onednn_stand_for_plain_ones(op: str, plain: str) -> None:
    assert without_mkl(op) == plain


@pytest.mark.parametrize(
    ("op", "slot", "num_inputs", "expected"),
    [
        ("QuantizedConv2D", 0, 6, (2, 3)),
        ("QuantizedConv2D", 1, 6, (4, 5)),
        ("QuantizedConv2DWithBias", 1, 7, (5, 6)),
        ("QuantizedConv2DWithBias", 2, 7, None),
        ("QuantizedMatMulWithBiasAndRequantize", 1, 9, (5, 6)),
        # The third range is that of the result.
        ("QuantizedMatMulWithBiasAndRequantize", 2, 9, None),
        ("QuantizedDepthwiseConv2DWithBiasAndRelu", 1, 7, (5, 6)),
        ("QuantizedBiasAdd", 1, 6, (4, 5)),
        ("QuantizedBatchNormWithGlobalNormalization", 3, 15, (4, 5)),
        ("QuantizedBatchNormWithGlobalNormalization", 4, 15, None),
        ("Dequantize", 0, 3, (1, 2)),
        ("QuantizedConv2D", 1, 4, None),
        ("Conv2D", 1, 2, None),
        ("NoSuchOp", 0, 1, None),
    ],
)
def test_the_ends_of_the_range_of_what_sits_in_a_slot(
    op: str, slot: int, num_inputs: int, expected: tuple[int, int] | None
) -> None:
    assert range_slots(op, slot, num_inputs) == expected
