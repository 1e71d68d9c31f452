"""The table: which ops are computed, with what signature, in which file of operations.

Kept apart from what computes them, so that whether a tensor can be evaluated
is answered without numpy. The signatures are those of TensorFlow's own ops.
"""

from __future__ import annotations

from typing import NamedTuple

from pbckpt.evaluation.signature import Signature, parse_signature

_BINARY = "T T -> T"
_UNARY = "T -> T"
_COMPARISON = "T T -> bool"
_REDUCTION = "T Tidx=int32 -> T"

_OPERATIONS = {
    "passing": {
        "CheckNumerics DeepCopy EnsureShape Enter GuaranteeConst Identity": _UNARY,
        "PreventGradient Snapshot StopGradient": _UNARY,
        "CheckNumericsV2": _UNARY,
        "IdentityN": "T[] -> output:T[]",
        "Print": "T U[] -> T",
        "PlaceholderWithDefault": "dtype -> dtype",
        "Switch": "T bool -> output_false:T output_true:T",
        "Merge": "N*T -> output:T value_index:int32",
    },
    "shaping": {
        "Reshape": "T Tshape=int32 -> T",
        "Transpose ConjugateTranspose": "T Tperm=int32 -> T",
        "ExpandDims": "T Tdim=int32 -> T",
        "Squeeze": "T -> T",
        "Shape": "T -> out_type=int32",
        "ShapeN": "N*T -> output:N*out_type=int32",
        "Size": "T -> out_type=int32",
        "Rank": "T -> int32",
        "BroadcastTo": "T Tidx=int32 -> T",
        "BroadcastArgs": _BINARY,
    },
    "joining": {
        "Concat": "int32 N*T -> T",
        "ConcatV2": "N*T Tidx=int32 -> T",
        "Pack": "N*T -> T",
        "Unpack": "T -> output:num*T",
        "Split": "int32 T -> output:num_split*T",
        "SplitV": "T Tlen=int64 int32 -> output:num_split*T",
    },
    "slicing": {
        "Slice": "T Index Index -> T",
        "StridedSlice": "T Index Index Index -> T",
        "Reverse": "T bool -> T",
        "ReverseV2": "T Tidx=int32 -> T",
        "Roll": "T Tshift Taxis -> T",
        "InvertPermutation": "T=int32 -> T",
    },
    "gathering": {
        "Gather": "Tparams Tindices -> Tparams",
        "GatherV2": "Tparams Tindices Taxis -> Tparams",
        "GatherNd": "Tparams Tindices -> Tparams",
        "Select": "bool T T -> T",
        "SelectV2": "bool T T -> T",
    },
    "padding": {
        "Pad": "T Tpaddings=int32 -> T",
        "PadV2": "T Tpaddings=int32 T -> T",
        "MirrorPad": "T Tpaddings=int32 -> T",
        "Tile": "T Tmultiples=int32 -> T",
    },
    "blocks": {
        "SpaceToBatchND": "T Tblock_shape=int32 Tpaddings=int32 -> T",
        "BatchToSpaceND": "T Tblock_shape=int32 Tcrops=int32 -> T",
        "SpaceToBatch": "T Tpaddings=int32 -> T",
        "BatchToSpace": "T Tidx=int32 -> T",
        "SpaceToDepth DepthToSpace": "T -> T",
    },
    "creation": {
        "Fill": "index_type=int32 T -> T",
        "ZerosLike OnesLike": "T -> T",
        "Range": "Tidx=int32 Tidx=int32 Tidx=int32 -> Tidx=int32",
        "LinSpace": "T T Tidx=int32 -> T",
        "OneHot": "TI=int64 int32 T T -> T",
    },
    "arithmetic": {
        "Add AddV2 Sub Mul Div RealDiv FloorDiv TruncateDiv DivNoNan": _BINARY,
        "Mod FloorMod TruncateMod Maximum Minimum SquaredDifference": _BINARY,
        "AddN": "N*T -> T",
        "BiasAdd BiasAddV1": _BINARY,
    },
    "functions": {
        "Square Sqrt Rsqrt Neg Abs Exp Log Sin Cos Relu Relu6 LeakyRelu Floor Ceil Conj": _UNARY,
    },
    "comparison": {
        "Equal NotEqual Less LessEqual Greater GreaterEqual": _COMPARISON,
        "LogicalAnd LogicalOr": "bool bool -> bool",
        "LogicalNot": "bool -> bool",
    },
    "reductions": {
        "Sum Prod Max Min": _REDUCTION,
        "All Any": "bool Tidx=int32 -> bool",
        "ArgMax ArgMin": "T Tidx=int32 -> output_type=int64",
        "Cumsum Cumprod": "T Tidx=int32 -> T",
    },
    "casting": {
        "Cast": "SrcT -> DstT",
        "Bitcast": "T -> type",
    },
    "quantized": {
        "Dequantize": "T float float -> dtype=float",
    },
    "fake_quant": {
        "FakeQuantWithMinMaxArgs": "float -> float",
        "FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel": "float float float -> float",
        "QuantizeAndDequantize": _UNARY,
        "QuantizeAndDequantizeV2 QuantizeAndDequantizeV4": "T T T -> T",
        "QuantizeAndDequantizeV3": "T T T int32 -> T",
    },
}


class Row(NamedTuple):
    """An op: its signature, and the file of operations that computes it."""

    signature: Signature
    file: str


CONSTANT = Row(parse_signature("-> output:dtype"), "")
_FILES = {
    op: (text, file)
    for file, rows in _OPERATIONS.items()
    for ops, text in rows.items()
    for op in ops.split()
}
OPS = frozenset(("Const", *_FILES))


def row_of(op: str) -> Row | None:
    """Return what is known of an op, or None for one that is not computed."""
    if op == "Const":
        return CONSTANT
    found = _FILES.get(op)
    return None if found is None else Row(parse_signature(found[0]), found[1])
