"""Arguments: inputs that take a parameter of an operation and never a weight.

Shapes, axes, permutations, paddings, sizes, strides, bounds, seeds, predicates,
positions, hyperparameters: a constant that feeds only such inputs was never a
variable. Words are TensorFlow's own names of the inputs.

The tables have all ops of TensorFlow 1.15 and 2.21 with an input of such a name, less
often used kinds in `argument_tables`. Inputs that take data of any kind are no
arguments: the indices of a look-up, boxes, labels, the operands of arithmetic.

Left out: the arguments of datasets, queues, readers, parsers, summaries and
checkpoints, none of whose inputs is a weight; `is_control_or_bookkeeping` knows
those ops. Boosted trees, TPU embeddings and tests of TensorFlow's own.

The trap: a value that is assigned to a variable is its initial value, and the
variable itself is still there.

Reference: the op definitions of TensorFlow.
"""

from __future__ import annotations

from pbckpt.operators.argument_tables import RANDOM, SPARSE, TEXT, TRAINING, XLA
from pbckpt.operators.signatures import Signatures

_TENSORS = {
    "- reduction_indices": "All Any EuclideanNorm Max Mean Min Prod Sum",
    "- dimension": "ArgMax ArgMin",
    "- num_lower num_upper": "BatchMatrixBandPart MatrixBandPart",
    "- - l2_regularizer": "BatchMatrixSolveLs MatrixSolveLs",
    "- crops": "BatchToSpace",
    "- block_shape crops": "BatchToSpaceND",
    "- size weights": "Bincount",
    "s0 s1": "BroadcastArgs BroadcastGradientArgs",
    "- shape": "BroadcastTo Reshape RiscBroadcast RiscReshape",
    "- clip_value_min clip_value_max": "ClipByValue",
    "- threshold": "CompareAndBitpack",
    "concat_dim -*": "Concat",
    "concat_dim shape*": "ConcatOffset",
    "-* axis": "ConcatV2 RiscConcat",
    "- perm": "ConjugateTranspose RiscTranspose Transpose",
    "- axis": """
        Cumprod Cumsum CumulativeLogsumexp ReverseV2 RiscReduce RiscReverse RiscSort UniqueV2
        UniqueWithCountsV2
        """,
    "x": "DataFormatDimMap DataFormatVecPermute InvertPermutation",
    "indices* -*": "DynamicStitch ParallelDynamicStitch",
    "shape": "Empty",
    "- dim": "ExpandDims",
    "dims value": "Fill",
    "- - axis": "GatherV2 RiscGather",
    "- index": "GetElementAtIndex",
    "- value_range nbins": "HistogramFixedWidth",
    "- - k": "InTopKV2 MatrixSetDiagV2 MatrixSetDiagV3 NearestNeighbors",
    "start stop num": "LinSpace",
    "- k padding_value": "MatrixDiagPartV2 MatrixDiagPartV3",
    "- k num_rows num_cols padding_value": "MatrixDiagV2 MatrixDiagV3",
    "- paddings": "MirrorPad MirrorPadGrad Pad SpaceToBatch",
    "- n": "NthElement",
    "- depth on_value off_value": "OneHot",
    "- paddings constant_values": "PadV2 RiscPad",
    "- - - num_bits": "QuantizeAndDequantizeV3",
    "start limit delta": "Range",
    "- dims": "Reverse UnravelIndex",
    "- seq_lengths": "ReverseSequence",
    "- shift axis": "Roll",
    "indices - shape": "RiscScatter ScatterNd",
    "- indices": """
        ScatterNdNonAliasingAdd TensorScatterAdd TensorScatterMax TensorScatterMin
        TensorScatterSub TensorScatterUpdate
        """,
    "- segment_ids": "SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum",
    "- segment_ids num_segments": """
        SegmentMaxV2 SegmentMinV2 SegmentProdV2 SegmentSumV2 UnsortedSegmentJoin
        UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
        """,
    "- begin size": "RiscSlice Slice",
    "- block_shape paddings": "SpaceToBatchND",
    "split_dim": "Split",
    "- size_splits split_dim": "SplitV",
    "- begin end strides": "StridedSlice TensorStridedSliceUpdate",
    "shape begin end strides": "StridedSliceGrad",
    "- multiples": "Tile TileGrad",
    "- k": "TopKV2",
}

_CONTROL = {
    "condition -*": "Assert",
    "branch_index -*": "Case StatelessCase",
    "start limit delta -*": "For",
    "cond -*": "If StatelessIf",
    "index -*": "RefSelect",
    "- pred": "RefSwitch Switch",
    "target -*": "RemoteCall",
    "condition": "Select SelectV2",
    "sleep_seconds": "SleepIdentityOp SleepOp",
}

_IMAGES = {
    "- contrast_factor min_value max_value": "AdjustContrast",
    "- contrast_factor": "AdjustContrastv2",
    "- delta": "AdjustHue",
    "- scale": "AdjustSaturation",
    "orig_input_shape": "AvgPool3DGrad AvgPoolGrad",
    "seq_len_max": "BlockLSTM BlockLSTMGrad BlockLSTMGradV2 BlockLSTMV2",
    "- - max_output_size_per_class max_total_size iou_threshold score_threshold": """
        CombinedNonMaxSuppression
        """,
    "- filter_sizes": """
        Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter
        """,
    "input_sizes": "Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput",
    "indices_or_row_splits": "ConvertToCooTensor",
    "- - box_ind crop_size": "CropAndResize",
    "- - - box_ind": "CropAndResizeGradBoxes",
    "- - box_ind image_size": "CropAndResizeGradImage",
    "- sequence_length": "CTCBeamSearchDecoder CTCGreedyDecoder",
    "- - - sequence_length": "CTCLoss CTCLossV2",
    "- - colors": "DrawBoundingBoxesV2",
    "- size offsets": "ExtractGlimpse ExtractGlimpseV2",
    "- fft_length axes": "FFTND IFFTND IRFFTND RFFTND",
    "orig_input_tensor_shape": "FractionalAvgPoolGrad",
    "- paddings": "FusedPadConv2D",
    "- size paddings": "FusedResizeAndPadConv2D",
    "- - - anchors nms_threshold pre_nms_topn min_size": "GenerateBoundingBoxProposals",
    "- - output_shape": "ImageProjectiveTransformV2",
    "- - output_shape fill_value": "ImageProjectiveTransformV3",
    "- fft_length": "IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D",
    "- - - ksize strides": "MaxPoolGradGradV2 MaxPoolGradV2",
    "- ksize strides": "MaxPoolV2",
    "- sample_rate": "Mfcc",
    "- - max_output_size": "NonMaxSuppression",
    "- - max_output_size iou_threshold": "NonMaxSuppressionV2",
    "- - max_output_size iou_threshold score_threshold": "NonMaxSuppressionV3 NonMaxSuppressionV4",
    "- - max_output_size iou_threshold score_threshold soft_nms_sigma": "NonMaxSuppressionV5",
    "- - max_output_size overlap_threshold score_threshold": "NonMaxSuppressionWithOverlaps",
    "- size": """
        ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
        ResizeNearestNeighborGrad
        """,
    "- size scale translation": "ScaleAndTranslate",
    "- - scale translation": "ScaleAndTranslateGrad",
}

# Ops of tf.contrib and TensorFlow Addons, which load libraries of their own.
_ELSEWHERE = {
    "- delta_h scale_s scale_v": "AdjustHsvInYiq",
    "- boundaries": "BucketizeWithInputBoundaries",
    "- - - - conv_input_scale side_input_scale": "FusedConv2DBiasActivation",
    "- - max_sequence_lengths end_token": "Addons>GatherTree GatherTree",
    "- - mask_indices transpose_a transpose_b": "MaskedMatmul",
    "- - axis": "ReduceSliceMax ReduceSliceMin ReduceSliceProd ReduceSliceSum",
    "- min_skips max_skips start limit emit_self_as_target": """
        Addons>SkipGramGenerateCandidates SkipGramGenerateCandidates
        """,
}

_LISTS = {
    "- keys": "BarrierInsertMany LookupTableRemoveV2",
    "- num_elements": "BarrierTakeMany",
    "element_shape max_num_elements": "EmptyTensorList",
    "- keys values": """
        InitializeTable InitializeTableV2 LookupTableImport LookupTableImportV2
        LookupTableInsert LookupTableInsertV2
        """,
    "- filename": "InitializeTableFromTextFile InitializeTableFromTextFileV2",
    "- keys default_value": "LookupTableFind LookupTableFindV2",
    "empty_key": "MutableDenseHashTable",
    "empty_key deleted_key": "MutableDenseHashTableV2",
    "max_size": "StackV2",
    "size": "TensorArray TensorArrayV2 TensorArrayV3",
    "- indices": """
        TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayScatter
        TensorArrayScatterV2 TensorArrayScatterV3
        """,
    "- - shape_to_prepend": "TensorArrayGradWithShape",
    "- index": """
        TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorArrayWrite
        TensorArrayWriteV2 TensorArrayWriteV3 TensorListSetItem
        """,
    "- - lengths": "TensorArraySplit TensorArraySplitV2 TensorArraySplitV3",
    "- element_shape leading_dims": "TensorListConcatV2",
    "- element_shape": "TensorListFromTensor TensorListPopBack TensorListStack",
    "- indices element_shape": "TensorListGather TensorListScatter",
    "- index element_shape": "TensorListGetItem",
    "element_shape num_elements": "TensorListReserve",
    "- size": "TensorListResize",
    "- - indices": "TensorListScatterIntoExistingList",
    "- indices element_shape num_elements": "TensorListScatterV2",
    "- element_shape lengths": "TensorListSplit",
}

ARGUMENTS = Signatures(
    _TENSORS, _CONTROL, _IMAGES, _LISTS, RANDOM, SPARSE, TEXT, XLA, TRAINING, _ELSEWHERE
)

# Ops with any of these in their names belong to input pipelines, logs or files.
_BOOKKEEPING_KINDS = (
    "Barrier",
    "BoostedTrees",
    "Dataset",
    "Dequeue",
    "Enqueue",
    "Iterator",
    "Queue",
    "Reader",
    "Summary",
)
_BOOKKEEPING_OPS = """
    Abort Assert CalibrationStatisticsSaver ConsumeMutexLock ControlTrigger DTensorRestoreV2
    DebugNanCount DestroyResourceOp DumpTensor GenerateVocabRemapping ImportEvent
    InitializeTable InitializeTableFromTextFile InitializeTableFromTextFileV2 InitializeTableV2
    LoadAndRemapMatrix LookupTableImport LookupTableImportV2 LookupTableInsert
    LookupTableInsertV2 MapStage MatchingFiles MergeV2Checkpoints NoOp OrderedMapStage
    ParseExample ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2 ParseSingleExample
    ParseSingleSequenceExample PrintV2 RaggedCross ReadFile Restore RestoreSlice RestoreV2 Save
    SaveSlices SaveV2 ShardedFilename ShardedFilespec SleepOp SparseCross SparseCrossHashed
    SparseCrossV2 SparseFeatureCross SparseFeatureCrossV2 Stage Timestamp WriteFile
    """
_BOOKKEEPING = frozenset(_BOOKKEEPING_OPS.split())


def argument_name(op: str, slot: int, num_inputs: int) -> str | None:
    """Return TensorFlow's name of an input that takes a parameter, or None for data."""
    return ARGUMENTS.word(op, slot, num_inputs)


def is_control_or_bookkeeping(op: str) -> bool:
    """Return whether all that an op says of a constant is that it is no weight."""
    return op in _BOOKKEEPING or any(kind in op for kind in _BOOKKEEPING_KINDS)
