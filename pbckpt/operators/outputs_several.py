"""Several outputs: ops that have more than one, none of which is a list, by their names.

See `outputs` for what is in.
"""

from __future__ import annotations

BY_NAMES = {
    "a b": """
        FloatOutputStringOutput IntOutputFloatOutput RefOutputFloatOutput TwoFloatOutputs
        TwoIntOutputs
        """,
    "a b c d e": "FiveFloatOutputs",
    "a_val_grad b_val_grad": "SparseAddGrad",
    "activations min_activations max_activations": "QuantizedRelu QuantizedRelu6 QuantizedReluX",
    "activations mkl_activations": "_MklElu _MklLeakyRelu _MklRelu _MklRelu6 _MklTanh",
    "activations preserved_valencies preserved_vectors": """
        XlaSparseDenseMatmulCustomCombinerOnTcWithCsrInput
        """,
    "activations row_pointers sorted_embedding_ids sorted_sample_ids sorted_gains": """
        XlaSparseDenseMatmul
        """,
    "audio sample_rate": "DecodeWav",
    "backprops mkl_backprops": """
        _MklEluGrad _MklLeakyReluGrad _MklRelu6Grad _MklReluGrad _MklTanhGrad
        """,
    "backprops_wrt_input backprop_wrt_min backprop_wrt_max": """
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient
        """,
    "begin size bboxes": """
        SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
        StatelessSampleDistortedBoundingBox
        """,
    "client method_specs": "RpcClient",
    "cs_prev_grad dicfo wci_grad wcf_grad wco_grad": "LSTMBlockCellGrad",
    "d e": "Foo1 Foo2 Foo3",
    "d_values d_default_value": "RaggedFillEmptyRowsGrad SparseFillEmptyRowsGrad",
    "d_x d_h_prev d_c_bar d_r_bar_u_bar": "GRUBlockCellGrad",
    "decoded_indices decoded_values decoded_shape log_probability": "CTCGreedyDecoder",
    "dx dm dv db dg": "BatchNormWithGlobalNormalizationGrad",
    "e v": "BatchSelfAdjointEigV2 Eig SelfAdjointEigV2",
    "embedding_partitions hbm_buffers_config": "FinalizeTPUEmbeddingV2",
    "error_code error": "RpcCheckStatus",
    "future deleter": "RpcCall",
    "grad_handle flow_out": "TensorArrayGradV3 TensorArrayGradWithShape",
    "group_size group_key": "CollectiveAssignGroupV2",
    "handle deleter": """
        AnonymousIteratorV2 AnonymousMemoryCache AnonymousMultiDeviceIterator
        AnonymousRandomSeedGenerator AnonymousSeedGenerator
        """,
    "handle flow": "TensorArrayV3",
    "i cs f o ci co h": "BlockLSTM BlockLSTMV2 LSTMBlockCell",
    "indices ids weights": "ComputeAccidentalHits",
    "indices values dense_shape": "CSRSparseMatrixToSparseTensor",
    "indices values shape": "SparseAccumulatorTakeGradient StringSplit StringSplitV2",
    "input_backprop input_h_backprop input_c_backprop params_backprop": """
        CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3
        """,
    "input_backprop input_min_backprop input_max_backprop": "QuantizeAndDequantizeV4Grad",
    "integer_tensor float_tensor": "SplitDedupData",
    "key compilation_successful": "_XlaCompile",
    "key counter": "StatelessRandomGetKeyCounter",
    "key counter alg": "StatelessRandomGetKeyCounterAlg",
    "key value": "ReaderRead ReaderReadV2",
    "keys values": "LookupTableExport LookupTableExportV2 ReaderReadUpTo ReaderReadUpToV2",
    "lhs_output rhs_output": "XlaBroadcastHelper",
    "loss backprop": "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits",
    "loss gradient": "CTCLoss CTCLossV2",
    "lu p": "Lu",
    "max_ids_per_sparse_core max_unique_ids_per_sparse_core": """
        GetStatsFromListOfSparseCoreCooTensors
        """,
    "nearest_center_indices nearest_center_distances": "NearestNeighbors",
    "ngrams ngrams_splits": "StringNGrams",
    "nmsed_boxes nmsed_scores nmsed_classes valid_detections": "CombinedNonMaxSuppression",
    "node_ids gains feature_dimensions thresholds left_node_contribs right_node_contribs "
    "split_with_default_directions": """
        BoostedTreesCalculateBestFeatureSplit BoostedTreesSparseCalculateBestFeatureSplit
        """,
    "node_ids gains feature_ids feature_dimensions thresholds left_node_contribs "
    "right_node_contribs split_with_default_directions": "BoostedTreesCalculateBestFeatureSplitV2",
    "out idx": "ListDiff",
    "out min_out max_out": """
        _MklQuantizedMatMulWithBias _MklQuantizedMatMulWithBiasAndRelu
        _MklQuantizedMatMulWithBiasAndReluAndRequantize
        _MklQuantizedMatMulWithBiasAndRequantize QuantizedMatMul QuantizedMatMulWithBias
        QuantizedMatMulWithBiasAndRelu QuantizedMatMulWithBiasAndReluAndRequantize
        QuantizedMatMulWithBiasAndRequantize
        """,
    "output argmax": "MaxPoolWithArgmax",
    "output bias_grad": """
        __MklDummyConv2DBackpropFilterWithBias _MklNativeConv2DBackpropFilterWithBias
        """,
    "output bias_grad mkl_output mkl_bias_grad": "_MklConv2DBackpropFilterWithBias",
    "output filter_output mkl_output mkl_filter_output": """
        __MklDummyPadWithFusedConv2D _MklConv2D _MklConv2DWithBias _MklConv3D
        _MklDepthwiseConv2dNative _MklFusedConv2D _MklFusedDepthwiseConv2dNative
        _MklPadWithConv2D _MklPadWithFusedConv2D
        """,
    "output min max histogram": "CustomAggregator",
    "output min_out max_out": "QuantizedBiasAdd",
    "output min_output max_output": """
        _MklQuantizedAvgPool _MklQuantizedConv2D _MklQuantizedConv2DAndRelu
        _MklQuantizedConv2DAndReluAndRequantize _MklQuantizedConv2DAndRequantize
        _MklQuantizedConv2DPerChannel _MklQuantizedConv2DWithBias
        _MklQuantizedConv2DWithBiasAndRelu _MklQuantizedConv2DWithBiasAndReluAndRequantize
        _MklQuantizedConv2DWithBiasAndRequantize
        _MklQuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        _MklQuantizedConv2DWithBiasSumAndRelu
        _MklQuantizedConv2DWithBiasSumAndReluAndRequantize _MklQuantizedDepthwiseConv2D
        _MklQuantizedDepthwiseConv2DWithBias _MklQuantizedDepthwiseConv2DWithBiasAndRelu
        _MklQuantizedDepthwiseConv2DWithBiasAndReluAndRequantize _MklQuantizedMaxPool
        _QuantizedMaxPool3D QuantizedAvgPool QuantizedConv2D QuantizedConv2DAndRelu
        QuantizedConv2DAndReluAndRequantize QuantizedConv2DAndRequantize
        QuantizedConv2DPerChannel QuantizedConv2DWithBias QuantizedConv2DWithBiasAndRelu
        QuantizedConv2DWithBiasAndReluAndRequantize QuantizedConv2DWithBiasAndRequantize
        QuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        QuantizedConv2DWithBiasSumAndRelu QuantizedConv2DWithBiasSumAndReluAndRequantize
        QuantizedDepthwiseConv2D QuantizedDepthwiseConv2DWithBias
        QuantizedDepthwiseConv2DWithBiasAndRelu
        QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize QuantizedMaxPool
        """,
    "output mkl_output": """
        _MklAvgPool _MklAvgPool3D _MklAvgPool3DGrad _MklAvgPoolGrad _MklConcat _MklConcatV2
        _MklConv2DBackpropFilter _MklConv2DBackpropInput _MklConv3DBackpropFilterV2
        _MklConv3DBackpropInputV2 _MklDepthwiseConv2dNativeBackpropFilter
        _MklDepthwiseConv2dNativeBackpropInput _MklMaxPool3DGrad _MklMaxPoolGrad
        """,
    "output output_h output_c reserve_space": "CudnnRNN",
    "output output_h output_c reserve_space host_reserved": "CudnnRNNV2 CudnnRNNV3",
    "output output_min output_max": """
        _MklQuantizedConcatV2 _MklQuantizeV2 QuantizedConcat QuantizedConcatV2
        QuantizeDownAndShrinkRange QuantizedReshape QuantizeV2 Requantize
        RequantizePerChannel
        """,
    "output row_pooling_sequence col_pooling_sequence": "FractionalAvgPool FractionalMaxPool",
    "output segments": "IsotonicRegression",
    "output sorted_unique_indices": """
        SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2
        """,
    "output value_index": "Merge RefMerge",
    "output workspace": "_MklNativeMaxPool _MklNativeMaxPool3D",
    "output workspace mkl_output mkl_workspace": "_MklMaxPool _MklMaxPool3D",
    "output1 output2": "Namespace>TestStringOutput TestStringOutput",
    "output_false output_true": "RefSwitch Switch",
    "output_handle tensor": "TensorListPopBack",
    "output_indices output_shape": "SparseReshape",
    "output_indices output_values": "SparseReorder SparseSparseMaximum SparseSparseMinimum",
    "output_indices output_values empty_row_indicator reverse_index_map": "SparseFillEmptyRows",
    "output_indices output_values output_dense_shape": """
        DenseCountSparseOutput RaggedCountSparseOutput SparseCountSparseOutput
        """,
    "output_indices output_values output_shape": """
        SparseConcat SparseCross SparseCrossHashed SparseCrossV2 SparseReduceMaxSparse
        SparseReduceSumSparse SparseSlice
        """,
    "output_key output": "XlaRngBitGenerator",
    "output_min output_max": "RequantizationRange RequantizationRangePerChannel",
    "output_value_rowids output_values empty_row_indicator reverse_index_map": """
        RaggedFillEmptyRows
        """,
    "output_values output_row_splits": "RaggedCross",
    "parameters accumulators": """
        RetrieveTPUEmbeddingAdagradParameters RetrieveTPUEmbeddingProximalAdagradParameters
        """,
    "parameters accumulators gradient_accumulators": """
        RetrieveTPUEmbeddingAdagradParametersGradAccumDebug
        RetrieveTPUEmbeddingProximalAdagradParametersGradAccumDebug
        """,
    "parameters accumulators linears": "RetrieveTPUEmbeddingFTRLParameters",
    "parameters accumulators linears gradient_accumulators": """
        RetrieveTPUEmbeddingFTRLParametersGradAccumDebug
        """,
    "parameters accumulators momenta": "RetrieveTPUEmbeddingAdagradMomentumParameters",
    "parameters accumulators updates": "RetrieveTPUEmbeddingAdadeltaParameters",
    "parameters accumulators updates gradient_accumulators": """
        RetrieveTPUEmbeddingAdadeltaParametersGradAccumDebug
        """,
    "parameters accumulators weights benefits": "RetrieveTPUEmbeddingMDLAdagradLightParameters",
    "parameters last_hit_step": "RetrieveTPUEmbeddingFrequencyEstimatorParameters",
    "parameters momenta": "RetrieveTPUEmbeddingMomentumParameters",
    "parameters momenta gradient_accumulators": """
        RetrieveTPUEmbeddingMomentumParametersGradAccumDebug
        """,
    "parameters momenta velocities": "RetrieveTPUEmbeddingADAMParameters",
    "parameters momenta velocities gradient_accumulators": """
        RetrieveTPUEmbeddingADAMParametersGradAccumDebug
        """,
    "parameters ms mom": "RetrieveTPUEmbeddingRMSPropParameters",
    "parameters ms mom gradient_accumulators": """
        RetrieveTPUEmbeddingRMSPropParametersGradAccumDebug
        """,
    "parameters ms mom mg": "RetrieveTPUEmbeddingCenteredRMSPropParameters",
    "parameters v m": "RetrieveTPUEmbeddingProximalYogiParameters",
    "partial_logits tree_ids node_ids": "BoostedTreesTrainingPredict",
    "product mkl_product": "_MklFusedMatMul",
    "q r": "Qr",
    "r u c h": "GRUBlockCell",
    "r0 r1": "BroadcastGradientArgs",
    "remapping num_present": "GenerateVocabRemapping",
    "resized_images out_min out_max": "QuantizedResizeBilinear",
    "response status_code status_message": "TryRpc",
    "result result_min result_max": "QuantizedBatchNormWithGlobalNormalization",
    "result_indices result_values result_shape": """
        DenseToDenseSetOperation DenseToSparseSetOperation SparseToSparseSetOperation
        """,
    "rois roi_probabilities": "GenerateBoundingBoxProposals",
    "row_ids col_ids gains": "ConvertToCooTensor",
    "row_pointers sorted_sample_ids sorted_token_ids sorted_gains "
    "row_pointers_unpadded_size ids_unpadded_size num_minibatches_per_physical_sparse_core": """
        GetMinibatchesInCsrWithPhysicalReplica
        """,
    "row_pointers sorted_sample_ids sorted_token_ids sorted_gains "
    "row_pointers_unpadded_size ids_unpadded_size num_minibatches_per_sc": """
        ConvertToSparseCoreCsrWrappedCooTensor
        """,
    "row_ptrs col_inds values": "CSRSparseMatrixComponents",
    "row_splits char_values": "UnicodeDecode",
    "row_splits char_values char_to_byte_starts": "UnicodeDecodeWithOffsets",
    "rt_nested_splits rt_dense_values": "RaggedRange",
    "s u v": "BatchSvd Svd XlaSvd",
    "sampled_candidates true_expected_count sampled_expected_count": """
        AllCandidateSampler FixedUnigramCandidateSampler LearnedUnigramCandidateSampler
        LogUniformCandidateSampler ThreadUnsafeUnigramCandidateSampler
        UniformCandidateSampler
        """,
    "selected_indices selected_scores valid_outputs": "NonMaxSuppressionV5",
    "selected_indices valid_outputs": "NonMaxSuppressionV4",
    "sign log_abs_determinant": "LogMatrixDeterminant",
    "sorted_keys sorted_values": "XlaKeyValueSort",
    "sorted_row_ids sorted_col_ids sorted_gains id_counts": "SortListOfSparseCoreCooTensors",
    "sorted_row_ids sorted_col_ids sorted_gains splits id_counts max_ids max_uniques": """
        GetMinibatchSplitsWithPhysicalReplica
        """,
    "sparse_indices sparse_values sparse_dense_shape": "RaggedTensorToSparse",
    "sparse_indices sparse_values sparse_shape": """
        DeserializeManySparse DeserializeSparse TakeManySparseFromTensorsMap
        """,
    "stamp_token num_trees num_finalized_trees num_attempted_layers last_layer_nodes_range": """
        BoostedTreesGetEnsembleStates
        """,
    "stamp_token tree_ensemble_serialized": "BoostedTreesSerializeEnsemble",
    "stats_summary_indices stats_summary_values stats_summary_shape": """
        BoostedTreesSparseAggregateStats
        """,
    "sum_indices sum_values sum_shape": "SparseAdd",
    "tensor lengths": "TensorListConcat TensorListConcatV2",
    "topk topk_indices": "TopKUnique TopKWithUnique",
    "updated_embedding_table updated_accumulator": """
        XlaSparseCoreAdagrad XlaSparseDenseMatmulGradWithAdagradAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradAndStaticBufferSize
        """,
    "updated_embedding_table updated_accumulator updated_linear": """
        XlaSparseCoreFtrl XlaSparseDenseMatmulGradWithFtrlAndCsrInput
        XlaSparseDenseMatmulGradWithFtrlAndStaticBufferSize
        """,
    "updated_embedding_table updated_accumulator updated_linear updated_weights": """
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithFtrlAndCsrInput
        """,
    "updated_embedding_table updated_accumulator updated_momenta": """
        XlaSparseDenseMatmulGradWithAdagradMomentumAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradMomentumAndStaticBufferSize
        """,
    "updated_embedding_table updated_accumulator updated_momenta updated_weights": """
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradMomentumAndCsrInput
        """,
    "updated_embedding_table updated_accumulator updated_momentum": "XlaSparseCoreAdagradMomentum",
    "updated_embedding_table updated_accumulator updated_weights": """
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradAndCsrInput
        """,
    "updated_embedding_table updated_momenta updated_velocity": """
        XlaSparseDenseMatmulGradWithAdamAndCsrInput
        XlaSparseDenseMatmulGradWithAdamAndStaticBufferSize
        """,
    "updated_embedding_table updated_momenta updated_velocity updated_weights": """
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdamAndCsrInput
        """,
    "updated_embedding_table updated_velocity updated_momentum": "XlaSparseCoreAdam",
    "updated_embedding_table updated_weights": """
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithSgdAndCsrInput
        """,
    "value lengths": "TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3",
    "values indices": "ApproxTopK TopK TopKV2",
    "vocab_word vocab_freq words_per_epoch current_epoch total_words_processed examples "
    "labels": "Skipgram",
    "w v": "XlaSelfAdjointEig",
    "x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4": """
        _MklNativeFusedBatchNormGrad _MklNativeFusedBatchNormGradV2 FusedBatchNormGrad
        FusedBatchNormGradV2
        """,
    "x_backprop scale_backprop offset_backprop reserve_space_3 reserve_space_4 "
    "mkl_x_backprop mkl_scale_backprop mkl_offset_backprop mkl_reserve_space_3 "
    "mkl_reserve_space_4": "_MklFusedBatchNormGrad _MklFusedBatchNormGradV2",
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5": """
        _MklNativeFusedBatchNormGradV3 FusedBatchNormGradV3
        """,
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5 "
    "mkl_x_backprop mkl_scale_backprop mkl_offset_backprop mkl_reserve_space_4 "
    "mkl_reserve_space_5": "_MklFusedBatchNormGradV3",
    "x_grad cs_prev_grad h_prev_grad w_grad wci_grad wcf_grad wco_grad b_grad": """
        BlockLSTMGrad BlockLSTMGradV2
        """,
    "y batch_mean batch_variance reserve_space_1 reserve_space_2": """
        _MklNativeFusedBatchNorm _MklNativeFusedBatchNormV2 FusedBatchNorm FusedBatchNormV2
        """,
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 mkl_y mkl_batch_mean "
    "mkl_batch_variance mkl_reserve_space_1 mkl_reserve_space_2": """
        _MklFusedBatchNorm _MklFusedBatchNormV2
        """,
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3": """
        _FusedBatchNormEx _MklNativeFusedBatchNormEx _MklNativeFusedBatchNormV3
        FusedBatchNormV3
        """,
    "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3 mkl_y "
    "mkl_batch_mean mkl_batch_variance mkl_reserve_space_1 mkl_reserve_space_2 "
    "mkl_reserve_space_3": "_MklFusedBatchNormEx _MklFusedBatchNormV3",
    "y idx": "Unique UniqueV2",
    "y idx count": "UniqueWithCounts UniqueWithCountsV2",
    "y y_min y_max": "QuantizedInstanceNorm",
    "z min_z max_z": "QuantizedAdd QuantizedMul",
    "z mkl_z": "_MklMaximum _MklMul _MklSquaredDifference _MklSub",
}
