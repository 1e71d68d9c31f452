"""Single outputs: ops that have one output, which is no list, by its name.

See `outputs` for what is in.
"""

from __future__ import annotations

BY_NAME = {
    "a": "FloatOutput IntOutput OpWithDefaultAttr OutT RefOut RefOutput",
    "activations": """
        _MklFusedMish _MklSwish Elu LeakyRelu Relu Relu6 Selu Softplus Softsign
        XlaSparseDenseMatmulWithCsrInput XlaSparseDenseMatmulWithStaticBufferSize
        """,
    "average": "AccumulatorTakeGradient ResourceAccumulatorTakeGradient",
    "b": "CopyOp IntInputIntOutput Unary",
    "backprops": """
        EluGrad FakeQuantWithMinMaxArgsGradient LeakyReluGrad Relu6Grad ReluGrad SeluGrad
        SoftplusGrad SoftsignGrad
        """,
    "band": "BatchMatrixBandPart MatrixBandPart",
    "c": """
        RefInputFloatInputIntOutput SparseMatrixAdd SparseMatrixSparseMatMul
        TwoFloatInputsFloatOutput TwoFloatInputsIntOutput
        """,
    "cardinality": "DatasetCardinality ExperimentalDatasetCardinality",
    "contents": "EncodeJpeg EncodeJpegVariableQuality EncodePng EncodeWav ReadFile",
    "data": """
        _NcclReduceRecv CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveBcastRecv
        CollectiveBcastRecvV2 CollectiveBcastSend CollectiveBcastSendV2 CollectiveGather
        CollectiveGatherV2 CollectiveReduce CollectiveReduceScatterV2 CollectiveReduceV2
        CollectiveReduceV3 NcclAllReduce NcclReduce
        """,
    "dataset_id": "RegisterDataset RegisterDatasetV2",
    "device": "DevicePlacementOp ExperimentalIteratorGetDevice IteratorGetDevice",
    "diagonal": "BatchMatrixDiagPart DiagPart MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3",
    "elem": "StackPop StackPopV2",
    "filename": "ShardedFilename ShardedFilespec",
    "fingerprint": "DatasetFingerprint Fingerprint",
    "flow_out": """
        TensorArrayScatter TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySplit
        TensorArraySplitV2 TensorArraySplitV3 TensorArrayUnpack TensorArrayWrite
        TensorArrayWriteV2 TensorArrayWriteV3
        """,
    "glimpse": "ExtractGlimpse ExtractGlimpseV2",
    "grad_handle": "TensorArrayGrad TensorArrayGradV2",
    "graph": "DatasetToGraph DatasetToGraphV2",
    "handle": """
        AnonymousIterator AnonymousIteratorV3 AnonymousMultiDeviceIteratorV3
        AssertCardinalityDataset AssertNextDataset AssertPrevDataset AutoShardDataset
        Barrier BatchDataset BatchDatasetV2 BytesProducedStatsDataset CacheDataset
        CacheDatasetV2 ChooseFastestBranchDataset ChooseFastestDataset ConcatenateDataset
        ConditionalAccumulator CSVDataset CSVDatasetV2 DataServiceDataset
        DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 DatasetFromGraph
        DenseToSparseBatchDataset DirectedInterleaveDataset DummyIterationCounter
        DummyMemoryCache DummySeedGenerator EmptyTensorList EmptyTensorMap
        ExperimentalAssertNextDataset ExperimentalAutoShardDataset
        ExperimentalBytesProducedStatsDataset ExperimentalChooseFastestDataset
        ExperimentalCSVDataset ExperimentalDenseToSparseBatchDataset
        ExperimentalDirectedInterleaveDataset ExperimentalGroupByReducerDataset
        ExperimentalGroupByWindowDataset ExperimentalIgnoreErrorsDataset
        ExperimentalLatencyStatsDataset ExperimentalLMDBDataset
        ExperimentalMapAndBatchDataset ExperimentalMapDataset
        ExperimentalMatchingFilesDataset ExperimentalMaxIntraOpParallelismDataset
        ExperimentalNonSerializableDataset ExperimentalParallelInterleaveDataset
        ExperimentalParseExampleDataset ExperimentalPrivateThreadPoolDataset
        ExperimentalRandomDataset ExperimentalRebatchDataset ExperimentalScanDataset
        ExperimentalSetStatsAggregatorDataset ExperimentalSleepDataset
        ExperimentalSlidingWindowDataset ExperimentalSqlDataset
        ExperimentalStatsAggregatorHandle ExperimentalTakeWhileDataset
        ExperimentalThreadPoolDataset ExperimentalThreadPoolHandle
        ExperimentalUnbatchDataset ExperimentalUniqueDataset FakeQueue FIFOQueue FIFOQueueV2
        FilterDataset FinalizeDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2
        FlatMapDataset GeneratorDataset GetSessionHandle GetSessionHandleV2
        GlobalShuffleDataset GroupByReducerDataset GroupByWindowDataset IgnoreErrorsDataset
        IndexFlatMapDataset InterleaveDataset Iterator IteratorV2 LatencyStatsDataset
        LegacyParallelInterleaveDatasetV2 ListDataset ListSnapshotChunksDataset LMDBDataset
        LoadDataset MapAndBatchDataset MapDataset MatchingFilesDataset
        MaxIntraOpParallelismDataset ModelDataset MultiDeviceIterator NonSerializableDataset
        OneShotIterator OptimizeDataset OptimizeDatasetV2 OptionsDataset PaddedBatchDataset
        PaddedBatchDatasetV2 PaddingFIFOQueue PaddingFIFOQueueV2 ParallelBatchDataset
        ParallelFilterDataset ParallelInterleaveDataset ParallelInterleaveDatasetV2
        ParallelInterleaveDatasetV3 ParallelInterleaveDatasetV4 ParallelMapDataset
        ParallelMapDatasetV2 ParseExampleDataset ParseExampleDatasetV2 PrefetchDataset
        PriorityQueue PriorityQueueV2 PrivateThreadPoolDataset RandomDataset RandomDatasetV2
        RandomShuffleQueue RandomShuffleQueueV2 RangeDataset RebatchDataset RebatchDatasetV2
        RepeatDataset ResourceConditionalAccumulator RewriteDataset SamplingDataset
        SaveDatasetV2 ScanDataset SetStatsAggregatorDataset ShardDataset
        ShuffleAndRepeatDataset ShuffleAndRepeatDatasetV2 ShuffleDataset ShuffleDatasetV2
        ShuffleDatasetV3 SkipDataset SleepDataset SlidingWindowDataset SnapshotChunkDataset
        SnapshotDataset SnapshotDatasetReader SnapshotDatasetV2 SnapshotNestedDatasetReader
        SparseConditionalAccumulator SparseTensorSliceDataset SqlDataset Stack StackV2
        StatsAggregatorHandle StatsAggregatorHandleV2 TakeDataset TakeWhileDataset
        TensorArray TensorArrayV2 TensorDataset TensorListReserve TensorSliceDataset
        TextLineDataset TFRecordDataset TFRecordDatasetV2 ThreadPoolDataset ThreadPoolHandle
        UnbatchDataset UniqueDataset WeightedFlatMapDataset WindowDataset WindowOp
        ZipDataset
        """,
    "image": """
        DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodeJxl DecodePng
        DecodeWebP
        """,
    "index": "DeviceIndex KMC2ChainInitialization Where",
    "is_closed": "QueueIsClosed QueueIsClosedV2",
    "is_initialized": """
        IsBoostedTreesEnsembleInitialized IsBoostedTreesQuantileStreamResourceInitialized
        IsVariableInitialized TensorForestTreeIsInitializedOp VarIsInitializedOp
        """,
    "logits": "BoostedTreesPredict TensorForestTreePredict",
    "merged": "DynamicStitch ParallelDynamicStitch",
    "num_accumulated": "AccumulatorNumAccumulated ResourceAccumulatorNumAccumulated",
    "num_elements": "ComputeDedupDataSize ComputeDedupDataSizeV2",
    "optional": "IteratorGetNextAsOptional OptionalFromValue OptionalNone",
    "out": """
        _MklQuantizedMatMulWithBiasAndDequantize A ApplyAdadelta ApplyAdagrad ApplyAdagradDA
        ApplyAdagradV2 ApplyAdam ApplyAdaMax ApplyAddSign ApplyCenteredRMSProp ApplyFtrl
        ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign ApplyProximalAdagrad
        ApplyProximalGradientDescent ApplyRMSProp B Binary Complex Cumprod Cumsum
        CumulativeLogsumexp HistogramFixedWidth Int64Output IntAttr Polymorphic
        PolymorphicDefaultOut PolymorphicOut QuantizedMatMulWithBiasAndDequantize Restrict
        Simple SparseApplyAdadelta SparseApplyAdagrad SparseApplyAdagradDA
        SparseApplyAdagradV2 SparseApplyCenteredRMSProp SparseApplyFtrl SparseApplyFtrlV2
        SparseApplyMomentum SparseApplyProximalAdagrad SparseApplyProximalGradientDescent
        SparseApplyRMSProp TestAttr
        """,
    "output": """
        __MklDummyConv2DWithBias __MklDummyPadWithConv2D _Arg _ConfigureDistributedTPU
        _DeviceArg _EagerConst _FusedConv2D _FusedConv3D _FusedDepthwiseConv2dNative
        _MklBatchMatMul _MklBatchMatMulV2 _MklDequantize _MklEinsum _MklFusedBatchMatMulV2
        _MklNativeAvgPool _MklNativeAvgPool3D _MklNativeAvgPool3DGrad _MklNativeAvgPoolGrad
        _MklNativeConv2D _MklNativeConv2DBackpropFilter _MklNativeConv2DBackpropInput
        _MklNativeConv2DWithBias _MklNativeConv3D _MklNativeConv3DBackpropFilterV2
        _MklNativeConv3DBackpropInputV2 _MklNativeDepthwiseConv2dNative
        _MklNativeDepthwiseConv2dNativeBackpropFilter
        _MklNativeDepthwiseConv2dNativeBackpropInput _MklNativeFusedConv2D
        _MklNativeFusedConv3D _MklNativeFusedDepthwiseConv2dNative _MklNativeMaxPool3DGrad
        _MklNativeMaxPoolGrad _MklNativePadWithConv2D _MklNativePadWithFusedConv2D
        _MklNativeSparseMatrixMatMul _NcclBroadcastRecv _ParallelConcatStart
        _ParallelConcatUpdate _ScopedAllocator _ScopedAllocatorConcat
        _TensorToHashBucketFast _XlaMerge AdjustContrast AdjustContrastv2 AdjustHue
        AdjustSaturation All AllToAll Angle Any ArgMax ArgMin AsString AvgPool AvgPool3D
        AvgPool3DGrad AvgPoolGrad BandedTriangularSolve BatchCholesky BatchCholeskyGrad
        BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D BatchMatMul
        BatchMatMulV2 BatchMatMulV3 BatchMatrixDeterminant BatchMatrixDiag
        BatchMatrixInverse BatchMatrixSetDiag BatchMatrixSolve BatchMatrixSolveLs
        BatchMatrixTriangularSolve BatchSelfAdjointEig BatchToSpace BatchToSpaceND BiasAdd
        BiasAddGrad BiasAddV1 Bitcast BroadcastTo Bucketize CheckNumerics CheckNumericsV2
        CheckPinned Cholesky CholeskyGrad ClipByValue CollectivePermute CompareAndBitpack
        Concat ConcatV2 ConfigureAndInitializeGlobalTPU Conj Const Conv Conv2D
        Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput
        Conv2DBackpropInputV2 Conv3D Conv3DBackpropFilter Conv3DBackpropFilterV2
        Conv3DBackpropInput Conv3DBackpropInputV2 Copy CopyHost CopyToMesh CopyToMeshGrad
        CountUpTo CropAndResizeGradBoxes CropAndResizeGradImage CrossReplicaSum
        DebugGradientIdentity DebugGradientRefIdentity DebugIdentity DebugIdentityV2
        DebugIdentityV3 DebugNanCount DebugNumericSummary DebugNumericSummaryV2 DecodeBase64
        DecodeCompressed DecodePaddedRaw DecodeRaw DenseBincount DepthToSpace
        DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
        DepthwiseConv2dNativeBackpropInput Dequantize Diag Dilation2D DrawBoundingBoxes
        DrawBoundingBoxesV2 DTensorAllGather DTensorAllReduce DTensorAllScatter
        DTensorAllToAll DTensorReduceScatter EditDistance Einsum Empty EncodeBase64
        EnsureShape Enter EuclideanNorm Exit ExpandDims FakeParam FFT FFT2D FFT3D FFTND Fill
        FilterByLastComponentDataset FractionalAvgPoolGrad FractionalMaxPoolGrad
        FusedPadConv2D FusedResizeAndPadConv2D Gather GatherNd GatherV2 GuaranteeConst
        HostConst HSVToRGB Identity IFFT IFFT2D IFFT3D IFFTND Imag InfeedDequeue IRFFT
        IRFFT2D IRFFT3D IRFFTND KthOrderStatistic L2Loss LinSpace LoopCond LowerBound LRN
        LRNGrad MakeUnique MatrixDeterminant MatrixDiag MatrixDiagV2 MatrixDiagV3
        MatrixExponential MatrixInverse MatrixLogarithm MatrixSetDiag MatrixSetDiagV2
        MatrixSetDiagV3 MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Max
        MaxPool MaxPool3D MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad
        MaxPoolGradGradV2 MaxPoolGradGradWithArgmax MaxPoolGradV2 MaxPoolGradWithArgmax
        MaxPoolV2 Mean MergeDedupData Mfcc Min MirrorPad MirrorPadGrad Multinomial
        NcclBroadcast NextAfter NextIteration NonDeterministicInts OneHot OutfeedDequeue
        OutfeedDequeueV2 Pack Pad PadV2 ParallelConcat ParameterizedTruncatedNormal
        ParseTensor Placeholder PlaceholderV2 PlaceholderWithDefault Prelinearize
        PrelinearizeTuple PreventGradient Print Prod QuantizeAndDequantize
        QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
        RaggedBincount RandomCrop RandomGamma RandomGammaGrad RandomIndexShuffle
        RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform
        RandomUniformInt Range Rank Real ReduceJoin RefEnter RefExit RefIdentity
        RefNextIteration RefSelect RegexFullMatch RegexReplace Relayout RelayoutLike Reshape
        ResizeBicubicGrad ResizeBilinearGrad ResizeNearestNeighborGrad ResourceCountUpTo
        ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2 RFFT RFFT2D RFFT3D
        RFFTND RGBToHSV RiscBroadcast RiscCholesky RiscConcat RiscCondition RiscConv RiscFft
        RiscGather RiscImag RiscPad RiscPool RiscRandomUniform RiscReal RiscReduce
        RiscReshape RiscReverse RiscScatter RiscShape RiscSlice RiscSort RiscSqueeze
        RiscTriangularSolve Roll ScaleAndTranslateGrad ScatterNd ScatterNdNonAliasingAdd
        SdcaFprint SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd
        SegmentProdV2 SegmentSum SegmentSumV2 Select SelectV2 SelfAdjointEig Shape Size
        SleepIdentityOp Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth
        SparseBincount SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul
        SparseMatrixMatMul SparseMatrixMul SparseMatrixOrderingAMD
        SparseMatrixSparseCholesky SparseMatrixTranspose SparseReduceMax SparseReduceSum
        SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanWithNumSegments
        SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNWithNumSegments
        SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumWithNumSegments SparseSoftmax
        SparseTensorDenseAdd Squeeze StackPush StackPushV2 StatefulRandomBinomial
        StatefulStandardNormal StatefulStandardNormalV2 StatefulTruncatedNormal
        StatefulUniform StatefulUniformFullInt StatefulUniformInt StatelessMultinomial
        StatelessParameterizedTruncatedNormal StatelessRandomBinomial StatelessRandomGammaV2
        StatelessRandomGammaV3 StatelessRandomNormal StatelessRandomNormalV2
        StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt
        StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
        StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle
        StatelessTruncatedNormal StatelessTruncatedNormalV2 StaticRegexFullMatch
        StaticRegexReplace StochasticCastToInt StopGradient StridedSlice StridedSliceGrad
        StringFormat StringJoin StringLength StringLower StringStrip StringToHashBucket
        StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr
        Sum TensorListConcatLists TensorScatterAdd TensorScatterMax TensorScatterMin
        TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TileGrad ToBool
        TPUCompilationResult TPUDummyInput TPUEmbeddingActivations TPUPartitionedInput
        TPUPartitionedInputV2 TPUReplicatedInput TridiagonalMatMul TridiagonalSolve
        TruncatedNormal UnicodeEncode UnicodeScript UnicodeTranscode UniformDequantize
        UniformQuantize UniformQuantizedAdd UniformQuantizedClipByValue
        UniformQuantizedConvolution UniformQuantizedConvolutionHybrid UniformQuantizedDot
        UniformQuantizedDotHybrid UniformRequantize UnravelIndex UnsortedSegmentJoin
        UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
        UpperBound VariableShape XlaAllReduce XlaConcatND XlaConv XlaConvV2 XlaCustomCall
        XlaDequantize XlaDot XlaDotV2 XlaDynamicSlice XlaDynamicUpdateSlice XlaGather XlaPad
        XlaRecvFromHost XlaRecvTPUEmbeddingDeduplicationData
        XlaRecvTPUEmbeddingDeduplicationDataV2 XlaReduce XlaReducePrecision XlaReduceScatter
        XlaReduceWindow XlaRemoveDynamicDimensionSize XlaScatter XlaSelectAndScatter
        XlaSetBound XlaSetDynamicDimensionSize XlaSharding XlaSort XlaSpmdFullToShardShape
        XlaSpmdShardToFullShape
        """,
    "output_handle": """
        TensorListFromTensor TensorListPushBack TensorListResize TensorListScatter
        TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
        TensorListSplit TensorMapErase TensorMapInsert UnwrapDatasetVariant
        WrapDatasetVariant
        """,
    "output_ref": """
        Assign AssignAdd AssignSub ScatterAdd ScatterDiv ScatterMax ScatterMin ScatterMul
        ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdSub ScatterNdUpdate ScatterSub
        ScatterUpdate StridedSliceAssign
        """,
    "output_shape": "ComputeDedupDataTupleMask ComputeDedupDataTupleMaskV2",
    "outputs": """
        FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
        XlaClusterOutput
        """,
    "params": "CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2",
    "patches": "ExtractImagePatches ExtractVolumePatches",
    "precision": "InTopK InTopKV2",
    "product": """
        _FusedMatMul _MklMatMul _MklNativeFusedMatMul Cross MatMul RiscDot SparseMatMul
        SparseTensorDenseMatMul XlaEinsum
        """,
    "reader_handle": """
        BigQueryReader FixedLengthRecordReader FixedLengthRecordReaderV2 IdentityReader
        IdentityReaderV2 LMDBReader TextLineReader TextLineReaderV2 TFRecordReader
        TFRecordReaderV2 WholeFileReader WholeFileReaderV2
        """,
    "records_produced": "ReaderNumRecordsProduced ReaderNumRecordsProducedV2",
    "ref": "TemporaryVariable Variable VariableV2",
    "resized_images": """
        ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
        """,
    "resource": """
        _XlaAotOnlyVarHandleOp BoostedTreesEnsembleResourceHandleOp
        BoostedTreesQuantileStreamResourceHandleOp MutexV2 StubResourceHandleOp
        TensorForestTreeResourceHandleOp VarHandleOp
        """,
    "resource_handle": "IteratorFromStringHandle IteratorFromStringHandleV2",
    "response": "Rpc WorkerHeartbeat",
    "result": """
        BatchNormWithGlobalNormalization IsResourceHandleRefCounting KernelLabel
        KernelLabelRequired RaggedTensorToTensor
        """,
    "samples": "KmeansPlusPlusInitialization SobolSample",
    "selected_indices": """
        NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
        NonMaxSuppressionWithOverlaps
        """,
    "serialized": "SerializeIterator SerializeTensor",
    "serialized_sparse": "SerializeManySparse SerializeSparse",
    "size": """
        BarrierIncompleteSize BarrierReadySize LookupTableSize LookupTableSizeV2
        MapIncompleteSize MapSize OrderedMapIncompleteSize OrderedMapSize QueueSize
        QueueSizeV2 SetSize StageSize TensorArraySize TensorArraySizeV2 TensorArraySizeV3
        TensorMapSize
        """,
    "softmax": "_MklSoftmax Softmax SparseMatrixSoftmax",
    "sparse_matrix": "SparseMatrixZeros SparseTensorToCSRSparseMatrix",
    "state": "ReaderSerializeState ReaderSerializeStateV2",
    "stats_summary": "BoostedTreesAggregateStats BoostedTreesMakeStatsSummary",
    "string_handle": "IteratorToStringHandle MultiDeviceIteratorToStringHandle",
    "sum": "AccumulateNV2 AddN",
    "summary": """
        AudioSummary AudioSummaryV2 ExperimentalStatsAggregatorSummary HistogramSummary
        ImageSummary MergeSummary ScalarSummary StatsAggregatorSummary TensorSummary
        TensorSummaryV2
        """,
    "table_handle": """
        AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
        AnonymousMutableHashTableOfTensors HashTable HashTableV2 MutableDenseHashTable
        MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
        MutableHashTableOfTensorsV2 MutableHashTableV2
        """,
    "tensor": "_HostRecv _Recv ImmutableConst Recv Restore RestoreSlice TensorListStack XlaRecv",
    "topology": "_WaitForDistributedTPU ConfigureDistributedTPU",
    "transformed_images": "ImageProjectiveTransformV2 ImageProjectiveTransformV3",
    "units_completed": "ReaderNumWorkUnitsCompleted ReaderNumWorkUnitsCompletedV2",
    "updated_embedding_table": """
        XlaSparseCoreSgd XlaSparseDenseMatmulGradWithSgdAndCsrInput
        XlaSparseDenseMatmulGradWithSgdAndStaticBufferSize
        """,
    "value": """
        DestroyTemporaryVariable GetSessionTensor ReadVariableOp RngReadAndSkip
        TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayPack
        TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorMapLookup
        """,
    "values": "LookupTableFind LookupTableFindV2 NthElement TensorListGather",
    "version": "GraphDefVersion RequiresOlderGraphVersion",
    "y": """
        _HostCast _MklConjugateTranspose _MklFusedInstanceNorm _MklLayerNorm _MklTranspose
        _UnaryOpsComposition Abs Acos Acosh Asin Asinh Atan Atanh BesselI0 BesselI0e
        BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0
        BesselY1 Cast Ceil ComplexAbs ConjugateTranspose Cos Cosh DataFormatDimMap
        DataFormatVecPermute Dawsn DeepCopy Digamma Erf Erfc Erfinv Exp Expint Expm1 Floor
        FresnelCos FresnelSin InplaceAdd InplaceSub InplaceUpdate Inv Invert
        InvertPermutation IsFinite IsInf IsNan Lgamma Log Log1p LogicalNot Ndtri Neg
        OnesLike PopulationCount Reciprocal Rint RiscAbs RiscBitcast RiscCast RiscCeil
        RiscCos RiscExp RiscFloor RiscIsFinite RiscLog RiscNeg RiscSign RiscTranspose
        RiscUnary Round Rsqrt Sigmoid Sign Sin Sinh Spence Sqrt Square Tan Tanh Transpose
        ZerosLike
        """,
    "z": """
        Add AddV2 ApproximateEqual Atan2 Betainc BitwiseAnd BitwiseOr BitwiseXor Div
        DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Igamma Igammac IgammaGradA
        InvGrad LeftShift Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul
        MulNoNan NotEqual Polygamma Pow RealDiv ReciprocalGrad RightShift RiscAdd
        RiscBinaryArithmetic RiscBinaryComparison RiscDiv RiscLogicalAnd RiscLogicalNot
        RiscLogicalOr RiscMin RiscMul RiscPow RiscRem RiscSub RsqrtGrad SigmoidGrad SqrtGrad
        SquaredDifference Sub TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta
        """,
}

# An op and its output: those that have a name for themselves.
ALONE = """
    _DisconnectHostFromDistributedTPUSystem number_of_tpu_chips,
    _InitializeHostForDistributedTPU tpu_ids, _XlaCompileMlirPlaceholderProgramKey program,
    AddManySparseToTensorsMap sparse_handles, AddSparseToTensorsMap sparse_handle,
    AudioMicrofrontend filterbanks, AudioSpectrogram spectrogram, Bincount bins,
    BoostedTreesCenterBias continue_centering,
    BoostedTreesExampleDebugOutputs examples_debug_outputs_serialized, BroadcastArgs r0,
    CollateTPUEmbeddingMemory merged_memory_config, CollectiveInitializeCommunicator communicator,
    CompositeTensorVariantFromComponents encoded, CompressElement compressed,
    ComputeBatchSize batch_size, ConfigureTPUEmbeddingHost network_config,
    ConfigureTPUEmbeddingMemory memory_config, CropAndResize crops,
    CSRSparseMatrixToDense dense_output, CudnnRNNParamsSize params_size,
    DecodeJSONExample binary_examples, DenseToCSRSparseMatrix sparse_output,
    Dilation2DBackpropFilter filter_backprop, Dilation2DBackpropInput in_backprop,
    DtypeWithDefaultOp dtype, EncodeProto bytes, ExecuteTPUEmbeddingPartitioner common_config,
    ExtractJpegShape image_shape, Fact fact, GenerateBigQueryReaderPartitions partitions,
    GetDeadline deadline_from_epoch_micros, GetOptions serialized_options,
    GetTpuTaskId tpu_task_id, GlobalIterId iter_id, IsTensorFloat32Enabled enabled,
    IsTPUEmbeddingInitialized is_tpu_embedding_initialized, IteratorGetModelProto model_proto,
    LoadAndRemapMatrix output_matrix, LogSoftmax logsoftmax, MakeWeakResourceHandle dup,
    MatchingFiles filenames, MultiDeviceIteratorFromStringHandle multi_device_iterator,
    MultiDeviceIteratorInit incarnation_id, MutexLock mutex_lock, OptionalHasValue has_value,
    RaggedTensorToVariant encoded_ragged, RaggedTensorToVariantGradient dense_values_grad,
    RecordInput records, ResourceInitializedOp initialized,
    RetrieveTPUEmbeddingStochasticGradientDescentParameters parameters, RiscMax max,
    RpcServer server, ShutdownTPUSystem success, SparseMatrixNNZ nnz,
    SparseMatrixSoftmaxGrad gradient, SparseSliceGrad val_grad, SparseToDense dense,
    StatelessRandomGetAlg alg, SummaryWriter writer, TensorForestTreeSerialize tree_config,
    TensorForestTreeSize tree_size, TensorListElementShape element_shape, TensorListGetItem item,
    TensorListLength length, TensorListPushBackBatch output_handles, TensorMapHasKey has_key,
    TensorMapStackKeys keys, Timestamp ts, TpuHandleToProtoKey proto_keys,
    TPUOrdinalSelector device_ordinals, TPURoundRobin device_ordinal, Unbatch unbatched_tensor,
    UnbatchGrad batched_grad, XlaReplicaId id, XlaSparseGradientsStack stacked_gradients
    """
