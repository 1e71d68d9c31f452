"""Passing: ops that hand an input on, so that a weight is seen through them.

    nothing        the same values: Identity, Enter, Switch, Merge
    type           as another type: Cast
    quantization   rounded to a grid, or back from one: Dequantize, FakeQuant
    layout         the same elements in other places, or many times: Reshape, Tile
    part           a part of the elements, or they become a part: Split, ConcatV2

A word in the tables is the output that a slot goes to: `0`, `all` or `same`, the
output of the slot's own number.

Left out: arithmetic, also where it only scales weights; look-ups (Gather), which
are uses; what is stored and taken out again (TensorArray, lists, queues); functions,
for which see `calls`.

The trap: the pred of a Switch and the axis of ConcatV2 are inputs too, and end there.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from pbckpt.operators.signatures import Signatures, without_mkl


class Change(Enum):
    """What becomes of a value that is handed on."""

    NOTHING = "nothing"
    TYPE = "type"
    QUANTIZATION = "quantization"
    LAYOUT = "layout"
    PART = "part"


class Pass(NamedTuple):
    """What becomes of an input's value, and at which outputs; None: at all of them."""

    change: Change
    outputs: tuple[int, ...] | None


_NOTHING = {
    "0": """
        CheckNumerics CheckNumericsV2 CheckPinned Copy CopyHost CopyToMesh CustomAggregator
        DebugGradientIdentity DebugGradientRefIdentity DebugIdentity DebugIdentityV2
        DebugIdentityV3 DeepCopy EnsureShape Enter Exit GuaranteeConst Identity NcclBroadcast
        NextIteration PlaceholderWithDefault PreventGradient Print ReadVariableOp RefEnter RefExit
        RefIdentity RefNextIteration Relayout RelayoutLike Snapshot StopGradient XlaClusterOutput
        XlaSharding _EagerConst
        """,
    "- 0": "SleepIdentityOp",
    "0*": "Merge RefMerge TPUReplicatedInput",
    "- 0*": "RefSelect",
    "all": "RefSwitch Switch TPUReplicatedOutput _SwitchN",
    "same*": "IdentityN XlaOptimizationBarrier _ArrayToList _ListToArray _ReadVariablesOp",
}

_TYPE = {"0": "Bitcast Cast RiscBitcast RiscCast XlaReducePrecision _HostCast"}

_QUANTIZATION = {
    "0": """
        Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
        QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
        QuantizeAndDequantizeV4 QuantizeDownAndShrinkRange QuantizeV2 Requantize
        RequantizePerChannel UniformDequantize UniformQuantize UniformRequantize XlaDequantize
        """,
}

_LAYOUT = {
    "0": """
        BatchToSpace BatchToSpaceND BroadcastTo Conj ConjugateTranspose DepthToSpace ExpandDims
        QuantizedReshape Reshape Reverse ReverseV2 RiscBroadcast RiscReshape RiscReverse RiscSqueeze
        RiscTranspose Roll SpaceToBatch SpaceToBatchND SpaceToDepth Squeeze Tile Transpose _MklToTf
        """,
}

_PART = {
    "0": """
        MirrorPad Pad PadV2 RiscPad RiscSlice Slice StridedSlice XlaDynamicSlice XlaPad
        XlaSpmdFullToShardShape XlaSpmdShardToFullShape
        """,
    "all": "ReadVariableXlaSplitND SplitV TPUPartitionedOutput TPUPartitionedOutputV2 Unpack "
    "XlaSplitND",
    "- all": "Split",
    "0*": """
        Pack ParallelConcat TPUPartitionedInput TPUPartitionedInputV2 XlaConcatND
        """,
    "0* -": "ConcatV2 RiscConcat",
    "- 0*": "Concat",
    "0* - -* -": "_MklConcatV2",
    "- 0* - -*": "_MklConcat",
    "0* - -* -*": "QuantizedConcatV2",
    "- 0* -* -*": "QuantizedConcat",
    "0 0": "_ParallelConcatUpdate",
    # Of the weights of its layers cuDNN's one vector is made.
    "- - - 0* 0*": "CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2",
    "- - - all": "CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2",
}

PASSING = {
    Change.NOTHING: Signatures(_NOTHING),
    Change.TYPE: Signatures(_TYPE),
    Change.QUANTIZATION: Signatures(_QUANTIZATION),
    Change.LAYOUT: Signatures(_LAYOUT),
    Change.PART: Signatures(_PART),
}


_CHANGES = {op: change for change, signatures in PASSING.items() for op, _ in signatures}


def passing(op: str, slot: int, num_inputs: int) -> Pass | None:
    """Return where an op hands the value of an input slot on to, or None."""
    change = _CHANGES.get(op) or _CHANGES.get(without_mkl(op))
    if change is None:
        return None
    word = PASSING[change].word(op, slot, num_inputs)
    return None if word is None else Pass(change, _outputs(word, slot))


def _outputs(word: str, slot: int) -> tuple[int, ...] | None:
    if word == "all":
        return None
    return (slot,) if word == "same" else (int(word),)
