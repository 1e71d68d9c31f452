"""Types of several outputs.

See `output_types` for what is in.
"""

from __future__ import annotations

BY_TYPES = {
    "*T int64 int64": "Batch",
    "*Tdevice_outputs *Thost_outputs": """
        _FusedQuantizedConv2D _FusedQuantizedDepthwiseConv2D _QuantizedMatMul
        """,
    "dtype int64": "TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3",
    "element_dtype int64": "TensorListConcat TensorListConcatV2",
    "float float": """
        CTCLossV2 GenerateBoundingBoxProposals RefOutputFloatOutput RequantizationRange
        RequantizationRangePerChannel RetrieveTPUEmbeddingAdagradParameters
        RetrieveTPUEmbeddingFrequencyEstimatorParameters
        RetrieveTPUEmbeddingMomentumParameters
        RetrieveTPUEmbeddingProximalAdagradParameters TwoFloatOutputs XlaSparseCoreAdagrad
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithSgdAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradAndStaticBufferSize
        """,
    "float float float": """
        FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient
        RetrieveTPUEmbeddingAdadeltaParameters
        RetrieveTPUEmbeddingAdagradMomentumParameters
        RetrieveTPUEmbeddingAdagradParametersGradAccumDebug
        RetrieveTPUEmbeddingADAMParameters RetrieveTPUEmbeddingFTRLParameters
        RetrieveTPUEmbeddingMomentumParametersGradAccumDebug
        RetrieveTPUEmbeddingProximalAdagradParametersGradAccumDebug
        RetrieveTPUEmbeddingProximalYogiParameters RetrieveTPUEmbeddingRMSPropParameters
        SdcaOptimizer SdcaOptimizerV2 XlaSparseCoreAdagradMomentum XlaSparseCoreAdam
        XlaSparseCoreFtrl XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradMomentumAndCsrInput
        XlaSparseDenseMatmulGradWithAdagradMomentumAndStaticBufferSize
        XlaSparseDenseMatmulGradWithAdamAndCsrInput
        XlaSparseDenseMatmulGradWithAdamAndStaticBufferSize
        XlaSparseDenseMatmulGradWithFtrlAndCsrInput
        XlaSparseDenseMatmulGradWithFtrlAndStaticBufferSize
        """,
    "float float float float": """
        RetrieveTPUEmbeddingAdadeltaParametersGradAccumDebug
        RetrieveTPUEmbeddingADAMParametersGradAccumDebug
        RetrieveTPUEmbeddingCenteredRMSPropParameters
        RetrieveTPUEmbeddingFTRLParametersGradAccumDebug
        RetrieveTPUEmbeddingMDLAdagradLightParameters
        RetrieveTPUEmbeddingRMSPropParametersGradAccumDebug
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdagradMomentumAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithAdamAndCsrInput
        XlaSparseDenseMatmulCustomCombinerOnTcGradWithFtrlAndCsrInput
        """,
    "float float float float float": "FiveFloatOutputs",
    "float float float float float float float float": "RetrieveAllTPUEmbeddingParameters",
    "float float float int32": "CombinedNonMaxSuppression",
    "float float float int64": "CustomAggregator",
    "float int32": "DecodeWav Foo1 Foo2 Foo3 TopKUnique TopKWithUnique",
    "float int32 float": "XlaSparseDenseMatmulCustomCombinerOnTcWithCsrInput",
    "float int32 int32": "BoostedTreesTrainingPredict",
    "float int32 int32 int32 float": "XlaSparseDenseMatmul",
    "float string": "FloatOutputStringOutput Namespace>TestStringOutput TestStringOutput",
    "int32 *output_types": "DecodeProtoV2",
    "int32 float": "IntOutputFloatOutput MixedStruct",
    "int32 float int32": "BoostedTreesSparseAggregateStats",
    "int32 float int32 float float": "BoostedTreesCalculateBestGainsPerFeature",
    "int32 float int32 int32 float float string": """
        BoostedTreesCalculateBestFeatureSplit BoostedTreesSparseCalculateBestFeatureSplit
        """,
    "int32 float int32 int32 int32 float float string": "BoostedTreesCalculateBestFeatureSplitV2",
    "int32 int32": """
        CollectiveAssignGroupV2 GetStatsFromListOfSparseCoreCooTensors NonMaxSuppressionV4
        TwoIntOutputs
        """,
    "int32 int32 float": "ConvertToCooTensor ConvertToListOfSparseCoreCooTensors",
    "int32 int32 float int32": "SortListOfSparseCoreCooTensors",
    "int32 int32 float int64 int32 int32 int32": "GetMinibatchSplitsWithPhysicalReplica",
    "int32 int32 int32 float int32 int32 int32": """
        ConvertToSparseCoreCsrWrappedCooTensor GetMinibatchesInCsrWithPhysicalReplica
        """,
    "int32 int32 type": "CSRSparseMatrixComponents",
    "int32 int64 *t_c": "ComplexStruct",
    "int32 int64 float": "ComputeAccidentalHits",
    "int32 T=float int32": "NonMaxSuppressionV5",
    (
        "int64 *context_sparse_types int64 *Tcontext_dense *context_ragged_value_types "
        "*context_ragged_split_types int64 *feature_list_sparse_types int64 "
        "*feature_list_dense_types int64 *feature_list_ragged_value_types "
        "*feature_list_ragged_split_types *feature_list_ragged_split_types"
    ): "ParseSequenceExampleV2",
    (
        "int64 *context_sparse_types int64 *Tcontext_dense int64 "
        "*feature_list_sparse_types int64 *feature_list_dense_types"
    ): "ParseSingleSequenceExample",
    (
        "int64 *context_sparse_types int64 *Tcontext_dense int64 "
        "*feature_list_sparse_types int64 *feature_list_dense_types int64"
    ): "ParseSequenceExample",
    "int64 *dtypes": "MapUnstageNoKey OrderedMapUnstageNoKey",
    "int64 *sparse_types int64 *Tdense": "ParseExample ParseSingleExample",
    "int64 *sparse_types int64 *Tdense *ragged_value_types *ragged_split_types": "ParseExampleV2",
    "int64 dtype int64": """
        DeserializeManySparse DeserializeSparse SparseAccumulatorTakeGradient
        TakeManySparseFromTensorsMap
        """,
    "int64 float": "NearestNeighbors",
    "int64 float float": """
        AllCandidateSampler FixedUnigramCandidateSampler LearnedUnigramCandidateSampler
        LogUniformCandidateSampler ThreadUnsafeUnigramCandidateSampler
        UniformCandidateSampler
        """,
    "int64 int32": "GenerateVocabRemapping",
    "int64 int32 int32 int32 int32": "BoostedTreesGetEnsembleStates",
    "int64 int64": "SparseReshape",
    "int64 int64 int64": "SparseCrossHashed",
    "int64 int64 int64 T=float": "CTCBeamSearchDecoder CTCGreedyDecoder",
    "int64 out_type int64": "SparseCross",
    "int64 output_type int64": """
        DenseCountSparseOutput RaggedCountSparseOutput SparseCountSparseOutput
        """,
    "int64 string": "BoostedTreesSerializeEnsemble RpcCheckStatus",
    "int64 string *component_types": "BarrierTakeMany",
    "int64 string int64": "SparseCrossV2 StringSplit StringSplitV2",
    "int64 T": "SparseReorder SparseSparseMaximum SparseSparseMinimum",
    "int64 T bool int64": "RaggedFillEmptyRows SparseFillEmptyRows",
    "int64 T int64": """
        DenseToDenseSetOperation DenseToSparseSetOperation RaggedTensorToSparse SparseAdd
        SparseConcat SparseReduceMaxSparse SparseReduceSumSparse SparseSlice SparseSplit
        SparseToSparseSetOperation
        """,
    "int64 type int64": "CSRSparseMatrixToSparseTensor",
    "integer_type float_type": "SplitDedupData",
    "K V": "XlaKeyValueSort",
    "out_type float float": """
        QuantizedBatchNormWithGlobalNormalization QuantizedBiasAdd
        QuantizeDownAndShrinkRange Requantize
        """,
    "out_type=qint32 float float": """
        _MklQuantizedConv2D _MklQuantizedConv2DAndRelu _MklQuantizedConv2DPerChannel
        _MklQuantizedConv2DWithBias _MklQuantizedConv2DWithBiasAndRelu
        _MklQuantizedConv2DWithBiasSumAndRelu _MklQuantizedDepthwiseConv2D
        _MklQuantizedDepthwiseConv2DWithBias _MklQuantizedDepthwiseConv2DWithBiasAndRelu
        QuantizedConv2D QuantizedConv2DAndRelu QuantizedConv2DPerChannel
        QuantizedConv2DWithBias QuantizedConv2DWithBiasAndRelu
        QuantizedConv2DWithBiasSumAndRelu QuantizedDepthwiseConv2D
        QuantizedDepthwiseConv2DWithBias QuantizedDepthwiseConv2DWithBiasAndRelu
        """,
    "out_type=qint8 float float": """
        _MklQuantizedConv2DAndRequantize _MklQuantizedConv2DWithBiasAndRequantize
        QuantizedConv2DAndRequantize QuantizedConv2DWithBiasAndRequantize
        """,
    "out_type=quint8 float float": """
        _MklQuantizedConv2DAndReluAndRequantize
        _MklQuantizedConv2DWithBiasAndReluAndRequantize
        _MklQuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        _MklQuantizedConv2DWithBiasSumAndReluAndRequantize
        _MklQuantizedDepthwiseConv2DWithBiasAndReluAndRequantize
        QuantizedConv2DAndReluAndRequantize QuantizedConv2DWithBiasAndReluAndRequantize
        QuantizedConv2DWithBiasSignedSumAndReluAndRequantize
        QuantizedConv2DWithBiasSumAndReluAndRequantize
        QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize QuantizedRelu QuantizedRelu6
        QuantizedReluX RequantizePerChannel
        """,
    "out_values_type out_row_splits_type": "RaggedCross",
    "output_dtype=float int32": "IsotonicRegression",
    "resource float": "TensorArrayGradV3 TensorArrayGradWithShape TensorArrayV3",
    "resource string": "RpcClient",
    "resource variant": """
        AnonymousIteratorV2 AnonymousMemoryCache AnonymousMultiDeviceIterator
        AnonymousRandomSeedGenerator AnonymousSeedGenerator RpcCall
        """,
    "string bool": "_XlaCompile",
    "string int32 int64 int32 int64 int32 int32": "Skipgram",
    "string int32 string": "TryRpc",
    "string string": """
        _TPUCompileMlir FinalizeTPUEmbeddingV2 ReaderRead ReaderReadUpTo ReaderReadUpToV2
        ReaderReadV2
        """,
    "string string bool": "TPUCompile",
    "string Tsplits=int64": "StringNGrams",
    "T float float": """
        _MklQuantizedAvgPool _MklQuantizedConcatV2 _MklQuantizedMaxPool _MklQuantizeV2
        _QuantizedMaxPool3D QuantizedAvgPool QuantizedConcat QuantizedConcatV2
        QuantizedInstanceNorm QuantizedMaxPool QuantizedReshape QuantizedResizeBilinear
        QuantizeV2
        """,
    "T index_type=int32": "TopKV2",
    "T int32": "ApproxTopK Merge RefMerge TopK",
    "T int64 int64": "FractionalAvgPool FractionalMaxPool",
    "T out_idx=int32": "ListDiff Unique UniqueV2",
    "T out_idx=int32 out_idx=int32": "UniqueWithCounts UniqueWithCountsV2",
    "T output_idx_type=int32": "Lu",
    "T T": """
        __MklDummyConv2DBackpropFilterWithBias _MklNativeConv2DBackpropFilterWithBias
        BatchSelfAdjointEigV2 CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2
        LogMatrixDeterminant Qr RaggedFillEmptyRowsGrad RefSwitch SelfAdjointEigV2
        SoftmaxCrossEntropyWithLogits SparseAddGrad SparseFillEmptyRowsGrad
        SparseSoftmaxCrossEntropyWithLogits Switch XlaBroadcastHelper XlaSelfAdjointEig
        """,
    "T T float": """
        SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
        StatelessSampleDistortedBoundingBox
        """,
    "T T T": "BatchSvd QuantizeAndDequantizeV4Grad Svd XlaSvd",
    "T T T T": """
        CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 GRUBlockCell
        GRUBlockCellGrad
        """,
    "T T T T int8": "CudnnRNNV2 CudnnRNNV3",
    "T T T T T": """
        _MklNativeFusedBatchNorm _MklNativeFusedBatchNormGrad
        BatchNormWithGlobalNormalizationGrad FusedBatchNorm FusedBatchNormGrad
        LSTMBlockCellGrad
        """,
    "T T T T T T T": "BlockLSTM BlockLSTMV2 LSTMBlockCell",
    "T T T T T T T T": "BlockLSTMGrad BlockLSTMGradV2",
    "T T T T T uint8 uint8 uint8 uint8 uint8": "_MklFusedBatchNorm _MklFusedBatchNormGrad",
    "T T uint8 uint8": """
        __MklDummyPadWithFusedConv2D _MklConv2D _MklConv2DBackpropFilterWithBias
        _MklConv2DWithBias _MklConv3D _MklDepthwiseConv2dNative _MklFusedConv2D
        _MklFusedDepthwiseConv2dNative _MklPadWithConv2D _MklPadWithFusedConv2D
        """,
    "T Targmax=int64": "MaxPoolWithArgmax",
    "T Tidx=int32": "SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2",
    "T U U U U": """
        _MklNativeFusedBatchNormGradV2 _MklNativeFusedBatchNormGradV3
        _MklNativeFusedBatchNormV2 FusedBatchNormGradV2 FusedBatchNormGradV3
        FusedBatchNormV2
        """,
    "T U U U U T": "_FusedBatchNormGradEx",
    "T U U U U U": """
        _FusedBatchNormEx _MklNativeFusedBatchNormEx _MklNativeFusedBatchNormV3
        FusedBatchNormV3
        """,
    "T U U U U U uint8 uint8 uint8 uint8 uint8 uint8": "_MklFusedBatchNormEx _MklFusedBatchNormV3",
    "T U U U U uint8 uint8 uint8 uint8 uint8": """
        _MklFusedBatchNormGradV2 _MklFusedBatchNormGradV3 _MklFusedBatchNormV2
        """,
    "T uint8": """
        _MklAvgPool _MklAvgPool3D _MklAvgPool3DGrad _MklAvgPoolGrad _MklConcat _MklConcatV2
        _MklConv2DBackpropFilter _MklConv2DBackpropInput _MklConv3DBackpropFilterV2
        _MklConv3DBackpropInputV2 _MklDepthwiseConv2dNativeBackpropFilter
        _MklDepthwiseConv2dNativeBackpropInput _MklFusedMatMul _MklMaximum _MklMul
        _MklNativeMaxPool3D _MklSquaredDifference _MklSub _MklTanh _MklTanhGrad
        """,
    "T uint8 uint8 uint8": "_MklMaxPool3D",
    "T=float T=float": "CTCLoss",
    "T=float uint8": """
        _MklElu _MklEluGrad _MklLeakyRelu _MklLeakyReluGrad _MklMaxPool3DGrad
        _MklMaxPoolGrad _MklNativeMaxPool _MklRelu _MklRelu6 _MklRelu6Grad _MklReluGrad
        """,
    "T=float uint8 uint8 uint8": "_MklMaxPool",
    "T=int32 T=int32": "BroadcastGradientArgs",
    "Tkeys Tvalues": "LookupTableExport LookupTableExportV2",
    "Tout Tout": "Eig",
    "Toutput=qint32 float float": """
        _MklQuantizedMatMulWithBias _MklQuantizedMatMulWithBiasAndRelu QuantizedAdd
        QuantizedMatMul QuantizedMatMulWithBias QuantizedMatMulWithBiasAndRelu QuantizedMul
        """,
    "Toutput=quint8 float float": """
        _MklQuantizedMatMulWithBiasAndReluAndRequantize
        _MklQuantizedMatMulWithBiasAndRequantize
        QuantizedMatMulWithBiasAndReluAndRequantize QuantizedMatMulWithBiasAndRequantize
        """,
    "Tsplits=int64 int32": "UnicodeDecode",
    "Tsplits=int64 int32 int64": "UnicodeDecodeWithOffsets",
    "Tsplits=int64 T=int32": "RaggedRange",
    "Tsplits=int64 Tvalues": "RaggedGather RaggedTensorFromVariant",
    "uint64 dtype=uint64": "XlaRngBitGenerator",
    "uint64 uint64": "StatelessRandomGetKeyCounter",
    "uint64 uint64 int32": "StatelessRandomGetKeyCounterAlg",
    "variant element_dtype": "TensorListPopBack",
}
