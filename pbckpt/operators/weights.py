"""Weights: which input of which op takes a variable, and as what.

The table has the ops of TensorFlow 1.15 and 2.21 that were found by the names of
their arguments in both registries (filter, kernel, weights, w, b, bias, scale,
offset, mean, variance, gamma, beta, params, table, min and max of ranges), and
operands of products. oneDNN's names (`_MklConv2D`) stand for the plain ones.

Left out: elementwise ops, which take weights and anything else alike (a bias that
is added by Add, the slope of a PReLU, a normalisation taken apart); what only
training has (optimizers, embeddings of TPU pods, boosted trees), gradients apart;
operands of solvers.

The trap: an operand of a matrix multiplication may be a weight on either side, and
is as often an activation; only that it is constant makes it one.

Reference: the op definitions of TensorFlow; fused_ops of
tensorflow/core/grappler/optimizers/remapper.cc.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pbckpt.operators.roles import Role
from pbckpt.operators.signatures import Signatures, without_mkl

if TYPE_CHECKING:
    from collections.abc import Sequence

# A graph asks for the same few ops again and again.
_LOOKUPS = 4096

# What looks rows of a table up, in one go.
GATHERS = frozenset(("Gather", "GatherNd", "GatherV2", "ResourceGather", "ResourceGatherNd"))

_CONVOLUTIONS = {
    "- kernel": """
        Conv Conv2D Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D
        Conv3DBackpropFilter Conv3DBackpropInput Conv3DBackpropInputV2 Dilation2D
        Dilation2DBackpropFilter Dilation2DBackpropInput RiscConv XlaConv XlaConvV2
        _FusedConv2D _FusedConv3D _MklNativePadWithConv2D
        _MklNativePadWithFusedConv2D _MklPadWithConv2D _MklPadWithFusedConv2D
        __MklDummyPadWithConv2D __MklDummyPadWithFusedConv2D
        """,
    "- kernel bias": "_MklConv2DWithBias _MklNativeConv2DWithBias __MklDummyConv2DWithBias",
    "- - kernel": "FusedPadConv2D",
    "- - - kernel": "FusedResizeAndPadConv2D",
    "- depthwise_kernel": """
        DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput _FusedDepthwiseConv2dNative
        """,
}

_PRODUCTS = {
    "matrix matrix": """
        BatchMatMul BatchMatMulV2 BatchMatMulV3 MatMul RiscDot SparseMatMul SparseMatrixMatMul
        SparseMatrixMul SparseMatrixSparseMatMul XlaDot XlaDotV2 XlaEinsum _FusedMatMul
        _MklFusedBatchMatMulV2
        """,
    "matrix*": "Einsum",
    "- - - matrix": "SparseTensorDenseMatMul TridiagonalMatMul",
}

_BIASES = {
    "- bias": "BiasAdd BiasAddV1",
}

_NORMALISATIONS = {
    "- gamma beta moving_mean moving_variance": """
        FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 _FusedBatchNormEx
        """,
    "- moving_mean moving_variance beta gamma": "BatchNormWithGlobalNormalization",
    "- moving_mean moving_variance gamma": "BatchNormWithGlobalNormalizationGrad",
    "- - gamma": "FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3",
    "- - gamma - - - beta": "_FusedBatchNormGradEx",
    "- gamma beta": "_MklFusedInstanceNorm _MklLayerNorm",
}

_TABLES = {
    "embeddings": """
        Gather GatherNd GatherV2 ResourceGather ResourceGatherNd RiscGather SparseSegmentMean
        SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments
        SparseSegmentSum SparseSegmentSumWithNumSegments XlaGather
        """,
    "embeddings embeddings": "NegTrain",
    # The centres of a k-means.
    "- weight": "NearestNeighbors",
    "- - - - embeddings": """
        XlaSparseDenseMatmul XlaSparseDenseMatmulWithCsrInput
        XlaSparseDenseMatmulWithStaticBufferSize
        """,
    "- - - - - embeddings weight": "XlaSparseDenseMatmulCustomCombinerOnTcWithCsrInput",
}

_CELLS = {
    "- state state kernel peephole peephole peephole bias": "LSTMBlockCell LSTMBlockCellGrad",
    "- - state state kernel peephole peephole peephole bias": """
        BlockLSTM BlockLSTMGrad BlockLSTMGradV2 BlockLSTMV2
        """,
    "- state kernel kernel bias bias": "GRUBlockCell GRUBlockCellGrad",
    # All weights and biases of all layers in one vector.
    "- state state weight": """
        CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNV2 CudnnRNNV3
        """,
    "- - - weight": "CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2",
}

# Tensors first, then the two ends of the range of each.
_QUANTIZED = {
    "- kernel range_min range_max range_min range_max": """
        QuantizedConv2D QuantizedConv2DAndRelu QuantizedConv2DPerChannel
        """,
    "- kernel range_min range_max range_min range_max range_min range_max": """
        QuantizedConv2DAndReluAndRequantize QuantizedConv2DAndRequantize
        """,
    "- kernel bias range_min range_max range_min range_max": """
        QuantizedConv2DWithBias QuantizedConv2DWithBiasAndRelu QuantizedConv2DWithBiasSumAndRelu
        """,
    "- kernel bias range_min range_max range_min range_max range_min range_max": """
        QuantizedConv2DWithBiasAndReluAndRequantize QuantizedConv2DWithBiasAndRequantize
        """,
    "- kernel bias range_min range_max range_min range_max range_min range_max - "
    "range_min range_max": """
        QuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        QuantizedConv2DWithBiasSumAndReluAndRequantize
        """,
    "- depthwise_kernel range_min range_max range_min range_max": "QuantizedDepthwiseConv2D",
    "- depthwise_kernel bias range_min range_max range_min range_max": """
        QuantizedDepthwiseConv2DWithBias QuantizedDepthwiseConv2DWithBiasAndRelu
        """,
    "- depthwise_kernel bias range_min range_max range_min range_max range_min range_max": """
        QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize
        """,
    "- kernel": "_FusedQuantizedConv2D",
    "- depthwise_kernel": "_FusedQuantizedDepthwiseConv2D",
    "matrix matrix": "_QuantizedMatMul",
    "matrix matrix range_min range_max range_min range_max": "QuantizedMatMul",
    "matrix matrix bias range_min range_max range_min range_max": """
        QuantizedMatMulWithBias QuantizedMatMulWithBiasAndRelu
        """,
    "matrix matrix bias range_min range_max range_min range_max range_min range_max": """
        QuantizedMatMulWithBiasAndDequantize QuantizedMatMulWithBiasAndReluAndRequantize
        QuantizedMatMulWithBiasAndRequantize
        """,
    "- bias range_min range_max range_min range_max": "QuantizedBiasAdd",
    "- range_min range_max moving_mean range_min range_max moving_variance range_min range_max "
    "beta range_min range_max gamma range_min range_max": """
        QuantizedBatchNormWithGlobalNormalization
        """,
    "- kernel scale - scale - scale": "UniformQuantizedConvolution",
    "- kernel scale": "UniformQuantizedConvolutionHybrid",
    "matrix matrix scale - scale - scale": "UniformQuantizedDot",
    "matrix matrix scale": "UniformQuantizedDotHybrid",
}

_RANGES = {
    "- range_min range_max": """
        Dequantize FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantizeV2
        QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeDownAndShrinkRange QuantizeV2
        QuantizedAvgPool QuantizedInstanceNorm QuantizedMaxPool QuantizedRelu QuantizedRelu6
        RequantizationRange RequantizationRangePerChannel _QuantizedMaxPool3D
        """,
    "- - range_min range_max": """
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient
        QuantizeAndDequantizeV4Grad QuantizedReluX QuantizedReshape QuantizedResizeBilinear
        """,
    "- range_min range_max range_min range_max": "Requantize RequantizePerChannel",
    "- - range_min range_max range_min range_max": "QuantizedAdd QuantizedMul",
    "- -* range_min* range_max*": "QuantizedConcat",
    "-* - range_min* range_max*": "QuantizedConcatV2",
    "- scale": "UniformDequantize UniformQuantize",
    "- - - scale": "UniformQuantizedClipByValue",
    "- scale - scale": "UniformRequantize",
    "- - scale - scale - scale": "UniformQuantizedAdd",
}

# Ops of tf.contrib and TensorFlow Addons, which load libraries of their own.
_ELSEWHERE = {
    "- kernel bias": "FusedConv2DBiasActivation",
    "matrix matrix": "MaskedMatmul",
    "- embeddings": "Addons>EmbeddingBag",
}

# Their weights, and then their biases, as tensors of their own.
_CANONICAL = {
    "- - - kernel* bias*": "CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2",
}

WEIGHTS = Signatures(
    _CONVOLUTIONS,
    _PRODUCTS,
    _BIASES,
    _NORMALISATIONS,
    _TABLES,
    _CELLS,
    _QUANTIZED,
    _RANGES,
    _CANONICAL,
    _ELSEWHERE,
)

# What the first op that is fused takes, behind the input and the filter.
_FUSED_ARGUMENTS = {
    "BiasAdd": (Role.BIAS,),
    "FusedBatchNorm": (Role.GAMMA, Role.BETA, Role.MOVING_MEAN, Role.MOVING_VARIANCE),
}
_FIRST_FUSED_ARGUMENT = 2
_TAKES_FUSED_ARGUMENTS = frozenset(
    (
        "_FusedConv2D",
        "_FusedConv3D",
        "_FusedDepthwiseConv2dNative",
        "_FusedMatMul",
        "_FusedQuantizedConv2D",
        "_FusedQuantizedDepthwiseConv2D",
        "_MklNativePadWithFusedConv2D",
        "_MklPadWithFusedConv2D",
        "_QuantizedMatMul",
    )
)


@lru_cache(maxsize=_LOOKUPS)
def weight_role(op: str, slot: int, num_inputs: int = 0) -> Role | None:
    """Return what a variable in an input slot of an op is, or None.

    The number of inputs matters to ops with lists of tensors alone.
    """
    word = WEIGHTS.word(op, slot, max(num_inputs, slot + 1))
    return None if word is None else Role(word)


def fused_role(op: str, slot: int, fused_ops: Sequence[str]) -> Role | None:
    """Return what a variable in a slot is, of an op with the attribute ``fused_ops``."""
    if slot < _FIRST_FUSED_ARGUMENT or not fused_ops or not takes_fused_arguments(op):
        return weight_role(op, slot)
    roles = _FUSED_ARGUMENTS.get(fused_ops[0], ())
    place = slot - _FIRST_FUSED_ARGUMENT
    return roles[place] if place < len(roles) else None


@lru_cache(maxsize=_LOOKUPS)
def takes_fused_arguments(op: str) -> bool:
    """Return whether an op's inputs from the third on depend on its ``fused_ops``."""
    return op in _TAKES_FUSED_ARGUMENTS or without_mkl(op) in _TAKES_FUSED_ARGUMENTS


@lru_cache(maxsize=_LOOKUPS)
def range_slots(op: str, slot: int, num_inputs: int) -> tuple[int, int] | None:
    """Return which slots say what numbers the integers in a slot of an op stand for, or None.

    Most ops take their tensors first, and after them the two ends of the range of
    each; a bias between them has none, and what follows is the range of the result.
    Some take each tensor with its range.
    """
    words = [WEIGHTS.word(op, place, num_inputs) for place in range(num_inputs)]
    lows = [place for place, word in enumerate(words) if word == Role.RANGE_MIN.value]
    if not lows or words[slot] in _ENDS:
        return None
    if lows[0] == 1:
        at = slot + 1
    elif slot < min(lows[0], _OPERANDS) and slot < len(lows):
        at = lows[slot]
    else:
        return None
    return (at, at + 1) if words[at : at + 2] == list(_ENDS) else None


_ENDS = (Role.RANGE_MIN.value, Role.RANGE_MAX.value)
_OPERANDS = 2
