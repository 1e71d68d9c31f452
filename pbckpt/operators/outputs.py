"""Outputs: where in an op's list of outputs a named one stands.

In the body of a function a tensor is `node:output:number`, with the name of the
output and a place in it; elsewhere it is `node:3`, a place in the list of all.

    Switch     output_false:0 -> 0    output_true:0 -> 1
    Unpack     output:3 -> 3          one output that is a list
    TopKV2     values:0 -> 0          indices:0 -> 1

The table has the ops of TensorFlow 1.15 and 2.21 with several outputs. A star marks
a list, which can only come last: behind one, the place of an output would depend on
the attributes of the node. Those ops are left out (ParseExample, SparseSplit and the
like), for which the number is returned as it stands.

Reference: NodeDef.input in a FunctionDef, tensorflow/core/framework/function.proto.
"""

from __future__ import annotations

_OUTPUTS = {
    "output mkl_output": "_MklConcat _MklConcatV2",
    "sampled_candidates true_expected_count sampled_expected_count": """
        AllCandidateSampler FixedUnigramCandidateSampler LearnedUnigramCandidateSampler
        LogUniformCandidateSampler ThreadUnsafeUnigramCandidateSampler
        UniformCandidateSampler
        """,
    "handle deleter": """
        AnonymousIteratorV2 AnonymousMemoryCache AnonymousMultiDeviceIterator
        AnonymousRandomSeedGenerator AnonymousSeedGenerator
        """,
    "values indices": "ApproxTopK TopK TopKV2",
    "indices keys values*": "BarrierTakeMany",
    "dx dm dv db dg": "BatchNormWithGlobalNormalizationGrad",
    "e v": "BatchSelfAdjointEigV2 Eig SelfAdjointEigV2",
    "s u v": "BatchSvd Svd XlaSvd",
    "i cs f o ci co h": "BlockLSTM BlockLSTMV2 LSTMBlockCell",
    "x_grad cs_prev_grad h_prev_grad w_grad wci_grad wcf_grad wco_grad b_grad": """
        BlockLSTMGrad BlockLSTMGradV2
        """,
    "r0 r1": "BroadcastGradientArgs",
    "group_size group_key": "CollectiveAssignGroupV2",
    "nmsed_boxes nmsed_scores nmsed_classes valid_detections": "CombinedNonMaxSuppression",
    "indices ids weights": "ComputeAccidentalHits",
    "row_ids col_ids gains": "ConvertToCooTensor",
    "row_ptrs col_inds values": "CSRSparseMatrixComponents",
    "indices values dense_shape": "CSRSparseMatrixToSparseTensor",
    "decoded_indices decoded_values decoded_shape log_probability": "CTCGreedyDecoder",
    "loss gradient": "CTCLoss CTCLossV2",
    "output output_h output_c reserve_space": "CudnnRNN",
    "input_backprop input_h_backprop input_c_backprop params_backprop": """
        CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3
        """,
    "output output_h output_c reserve_space host_reserved": "CudnnRNNV2 CudnnRNNV3",
    "output min max histogram": "CustomAggregator",
    "sizes values*": "DecodeProtoV2",
    "audio sample_rate": "DecodeWav",
    "output_indices output_values output_dense_shape": """
        DenseCountSparseOutput RaggedCountSparseOutput SparseCountSparseOutput
        """,
    "result_indices result_values result_shape": """
        DenseToDenseSetOperation DenseToSparseSetOperation SparseToSparseSetOperation
        """,
    "sparse_indices sparse_values sparse_shape": """
        DeserializeManySparse DeserializeSparse TakeManySparseFromTensorsMap
        """,
    "backprops_wrt_input backprop_wrt_min backprop_wrt_max": """
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient
        """,
    "output row_pooling_sequence col_pooling_sequence": "FractionalAvgPool FractionalMaxPool",
    "y batch_mean batch_variance reserve_space_1 reserve_space_2": """
        FusedBatchNorm FusedBatchNormV2
        """,
    "x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4": """
        FusedBatchNormGrad FusedBatchNormGradV2
        """,
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5 "
    "side_input_backprop*": "_FusedBatchNormGradEx",
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5": """
        FusedBatchNormGradV3
        """,
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3": """
        FusedBatchNormV3 _FusedBatchNormEx
        """,
    "rois roi_probabilities": "GenerateBoundingBoxProposals",
    "remapping num_present": "GenerateVocabRemapping",
    "r u c h": "GRUBlockCell",
    "d_x d_h_prev d_c_bar d_r_bar_u_bar": "GRUBlockCellGrad",
    "output segments": "IsotonicRegression",
    "out idx": "ListDiff",
    "sign log_abs_determinant": "LogMatrixDeterminant",
    "keys values": "LookupTableExport LookupTableExportV2 ReaderReadUpTo ReaderReadUpToV2",
    "cs_prev_grad dicfo wci_grad wcf_grad wco_grad": "LSTMBlockCellGrad",
    "lu p": "Lu",
    "key values*": "MapUnstageNoKey OrderedMapUnstageNoKey",
    "output argmax": "MaxPoolWithArgmax",
    "output value_index": "Merge RefMerge",
    "output bias_grad": "__MklDummyConv2DBackpropFilterWithBias",
    "output filter_output mkl_output mkl_filter_output": "__MklDummyPadWithFusedConv2D",
    "nearest_center_indices nearest_center_distances": "NearestNeighbors",
    "selected_indices valid_outputs": "NonMaxSuppressionV4",
    "selected_indices selected_scores valid_outputs": "NonMaxSuppressionV5",
    "q r": "Qr",
    "input_backprop input_min_backprop input_max_backprop": "QuantizeAndDequantizeV4Grad",
    "z min_z max_z": "QuantizedAdd QuantizedMul",
    "output min_output max_output": """
        QuantizedAvgPool QuantizedConv2D QuantizedConv2DAndRelu
        QuantizedConv2DAndReluAndRequantize QuantizedConv2DAndRequantize
        QuantizedConv2DPerChannel QuantizedConv2DWithBias QuantizedConv2DWithBiasAndRelu
        QuantizedConv2DWithBiasAndReluAndRequantize QuantizedConv2DWithBiasAndRequantize
        QuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        QuantizedConv2DWithBiasSumAndRelu QuantizedConv2DWithBiasSumAndReluAndRequantize
        QuantizedDepthwiseConv2D QuantizedDepthwiseConv2DWithBias
        QuantizedDepthwiseConv2DWithBiasAndRelu
        QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize QuantizedMaxPool
        _QuantizedMaxPool3D
        """,
    "result result_min result_max": "QuantizedBatchNormWithGlobalNormalization",
    "output min_out max_out": "QuantizedBiasAdd",
    "y y_min y_max": "QuantizedInstanceNorm",
    "out min_out max_out": """
        QuantizedMatMul QuantizedMatMulWithBias QuantizedMatMulWithBiasAndRelu
        QuantizedMatMulWithBiasAndReluAndRequantize QuantizedMatMulWithBiasAndRequantize
        """,
    "output output_min output_max": """
        QuantizeDownAndShrinkRange QuantizeV2 QuantizedConcat QuantizedConcatV2
        QuantizedReshape Requantize RequantizePerChannel
        """,
    "activations min_activations max_activations": "QuantizedRelu QuantizedRelu6 QuantizedReluX",
    "resized_images out_min out_max": "QuantizedResizeBilinear",
    "output_values output_row_splits": "RaggedCross",
    "output_value_rowids output_values empty_row_indicator reverse_index_map": """
        RaggedFillEmptyRows
        """,
    "d_values d_default_value": "RaggedFillEmptyRowsGrad SparseFillEmptyRowsGrad",
    "rt_nested_splits rt_dense_values": "RaggedRange",
    "sparse_indices sparse_values sparse_dense_shape": "RaggedTensorToSparse",
    "key value": "ReaderRead ReaderReadV2",
    "output_false output_true": "RefSwitch Switch",
    "output_min output_max": "RequantizationRange RequantizationRangePerChannel",
    "future deleter": "RpcCall",
    "error_code error": "RpcCheckStatus",
    "client method_specs": "RpcClient",
    "begin size bboxes": """
        SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
        StatelessSampleDistortedBoundingBox
        """,
    "vocab_word vocab_freq words_per_epoch current_epoch total_words_processed "
    "examples labels": "Skipgram",
    "loss backprop": "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits",
    "indices values shape": "SparseAccumulatorTakeGradient StringSplit StringSplitV2",
    "sum_indices sum_values sum_shape": "SparseAdd",
    "a_val_grad b_val_grad": "SparseAddGrad",
    "output_indices output_values output_shape": """
        SparseConcat SparseCross SparseCrossHashed SparseCrossV2 SparseReduceMaxSparse
        SparseReduceSumSparse SparseSlice
        """,
    "output_indices output_values empty_row_indicator reverse_index_map": "SparseFillEmptyRows",
    "output_indices output_values": "SparseReorder SparseSparseMaximum SparseSparseMinimum",
    "output_indices output_shape": "SparseReshape",
    "output sorted_unique_indices": """
        SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2
        """,
    "integer_tensor float_tensor": "SplitDedupData",
    "key counter": "StatelessRandomGetKeyCounter",
    "key counter alg": "StatelessRandomGetKeyCounterAlg",
    "ngrams ngrams_splits": "StringNGrams",
    "value lengths": "TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3",
    "grad_handle flow_out": "TensorArrayGradV3 TensorArrayGradWithShape",
    "handle flow": "TensorArrayV3",
    "tensor lengths": "TensorListConcat TensorListConcatV2",
    "output_handle tensor": "TensorListPopBack",
    "topk topk_indices": "TopKUnique TopKWithUnique",
    "compilation_status program*": "_TPUCompileMlir",
    "response status_code status_message": "TryRpc",
    "row_splits char_values": "UnicodeDecode",
    "row_splits char_values char_to_byte_starts": "UnicodeDecodeWithOffsets",
    "y idx": "Unique UniqueV2",
    "y idx count": "UniqueWithCounts UniqueWithCountsV2",
    "lhs_output rhs_output": "XlaBroadcastHelper",
    "key compilation_successful": "_XlaCompile",
    "sorted_keys sorted_values": "XlaKeyValueSort",
    "output_key output": "XlaRngBitGenerator",
    "w v": "XlaSelfAdjointEig",
}

OUTPUTS = {
    op: tuple(name.rstrip("*") for name in text.split())
    for text, ops in _OUTPUTS.items()
    for op in ops.split()
}


def output_index(op: str, output: str, number: int) -> int:
    """Return the place of an output among all of an op's, from its name and place in that."""
    names = OUTPUTS.get(op, ())
    return number + (names.index(output) if output in names else 0)
