"""Types of single outputs, and of single lists of outputs.

See `output_types` for what is in. Ops that have one output of type ``T`` are left out.
"""

from __future__ import annotations

BY_TYPES = {
    "*component_types": """
        QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo
        QueueDequeueUpToV2 QueueDequeueV2
        """,
    "*dtypes": """
        _ReadVariablesOp DTensorRestoreV2 InfeedDequeueTuple MapPeek MapUnstage
        OrderedMapPeek OrderedMapUnstage OutfeedDequeueTuple OutfeedDequeueTupleV2
        RestoreV2 StagePeek Unstage
        """,
    "*OUT_TYPE": "DecodeCSV",
    "*out_types": "_ArrayToList",
    "*output_types": """
        _TPUReplicate DatasetToSingleElement GetElementAtIndex IteratorGetNext
        IteratorGetNextSync MapDefun MultiDeviceIteratorGetNextFromShard OptionalGetValue
        ReduceDataset UncompressElement
        """,
    "*result_dtypes": "XlaCustomCallV2",
    "*T": """
        _While For IdentityN ListOutput OutTypeList RiscWhile StatelessWhile
        TPUAnnotateTensorsWithDynamicShape TPUCopyWithDynamicShape While
        XlaOptimizationBarrier XlaVariadicReduceV2 XlaVariadicSort XlaWhile
        """,
    "*t": "OutTypeListRestrict",
    "*Tcomponents": "CompositeTensorVariantToComponents",
    "*Tout": """
        _If BatchFunction Case EagerPyFunc If PartitionedCall PyFunc PyFuncStateless
        RemoteCall RpcGetValue StatefulPartitionedCall StatelessCase StatelessIf
        SymbolicGradient TPUPartitionedCall XlaCallModule XlaIf
        """,
    "*Toutputs": """
        _XlaHostComputeMlir _XlaRecvAtHost _XlaRecvAtHostV2 MlirPassthroughOp
        RemoteFusedGraphExecute XlaHostCompute
        """,
    "*Tresults": "_XlaRun TPUExecute TPUExecuteAndUpdateVariables XlaLaunch XlaLaunchV2",
    "bfloat16": "XlaDequantize",
    "bool": """
        All Any ApproximateEqual BoostedTreesCenterBias Equal Greater GreaterEqual InTopK
        InTopKV2 IsBoostedTreesEnsembleInitialized
        IsBoostedTreesQuantileStreamResourceInitialized IsFinite IsInf IsNan
        IsResourceHandleRefCounting IsTensorFloat32Enabled IsTPUEmbeddingInitialized
        IsVariableInitialized Less LessEqual LogicalAnd LogicalNot LogicalOr LoopCond
        NotEqual OptionalHasValue QueueIsClosed QueueIsClosedV2 RegexFullMatch
        ResourceInitializedOp RiscBinaryComparison RiscIsFinite RiscLogicalAnd
        RiscLogicalNot RiscLogicalOr ShutdownTPUSystem StaticRegexFullMatch
        TensorForestTreeIsInitializedOp TensorMapHasKey ToBool VarIsInitializedOp
        """,
    "complex64": "BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D",
    "double": "DebugNumericSummary Timestamp",
    "DstT": "_HostCast Cast RiscBitcast RiscCast RiscCondition",
    "dt": "Restore RestoreSlice",
    "dtype": """
        _ParallelConcatStart AccumulatorTakeGradient Const Empty FakeParam GetSessionTensor
        HostConst ImageProjectiveTransformV2 ImageProjectiveTransformV3 ImmutableConst
        InfeedDequeue OutfeedDequeue OutfeedDequeueV2 ParameterizedTruncatedNormal
        Placeholder PlaceholderV2 PlaceholderWithDefault RandomIndexShuffle RandomPoisson
        RandomStandardNormal RandomUniform ReadVariableOp ResourceAccumulatorTakeGradient
        ResourceGather ResourceGatherNd StatelessParameterizedTruncatedNormal
        StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomPoisson
        StatelessRandomUniformInt StatelessRandomUniformIntV2 TemporaryVariable
        TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayPack
        TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TPUDummyInput TruncatedNormal
        Variable VariableV2 XlaCustomCall XlaRecv XlaSparseActivationsUnstack
        XlaSparseGradientsStack
        """,
    "dtype=float": """
        _MklDequantize Dequantize SobolSample StatefulStandardNormal
        StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform
        StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
        StatelessRandomUniformV2 StatelessTruncatedNormal StatelessTruncatedNormalV2
        """,
    "dtype=int32": "HistogramFixedWidth",
    "dtype=int64": """
        NonDeterministicInts RandomPoissonV2 StatefulRandomBinomial StatefulUniformInt
        StatelessRandomBinomial
        """,
    "dtype=uint64": """
        StatefulUniformFullInt StatelessRandomUniformFullInt
        StatelessRandomUniformFullIntV2
        """,
    "dtype=uint8": "DecodeImage DecodeJxl DecodePng DecodeWebP",
    "elem_type": "StackPop StackPopV2",
    "element_dtype": "TensorListGather TensorListGetItem TensorListStack",
    "float": """
        A AdjustContrast AudioSpectrogram B BoostedTreesAggregateStats
        BoostedTreesFlushQuantileSummaries BoostedTreesMakeQuantileSummaries
        BoostedTreesMakeStatsSummary BoostedTreesPredict
        BoostedTreesQuantileStreamResourceGetBucketBoundaries CropAndResize
        CropAndResizeGradBoxes EditDistance ExtractGlimpse ExtractGlimpseV2
        FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVars
        FakeQuantWithMinMaxVarsPerChannel FloatOutput KmeansPlusPlusInitialization
        KthOrderStatistic LoadAndRemapMatrix MakeUnique Mfcc RecvTPUEmbeddingActivations
        ResizeArea ResizeBicubic ResizeBilinear
        RetrieveTPUEmbeddingStochasticGradientDescentParameters RiscRandomUniform
        ScaleAndTranslate Simple SparseMatMul TensorArrayScatter TensorArrayScatterV2
        TensorArrayScatterV3 TensorArraySplit TensorArraySplitV2 TensorArraySplitV3
        TensorArrayUnpack TensorArrayWrite TensorArrayWriteV2 TensorArrayWriteV3
        TensorForestTreePredict TPUEmbeddingActivations TwoFloatInputsFloatOutput
        XlaRecvTPUEmbeddingActivations XlaRecvTPUEmbeddingActivationsV2 XlaSparseCoreSgd
        XlaSparseDenseMatmulGradWithSgdAndCsrInput
        XlaSparseDenseMatmulGradWithSgdAndStaticBufferSize
        XlaSparseDenseMatmulWithStaticBufferSize
        """,
    "int32": """
        _DisconnectHostFromDistributedTPUSystem _InitializeHostForDistributedTPU
        AccumulatorNumAccumulated BarrierIncompleteSize BarrierReadySize
        BoostedTreesBucketize Bucketize ComputeDedupDataSize ComputeDedupDataSizeV2
        ComputeDedupDataTupleMask ComputeDedupDataTupleMaskV2
        ConfigureAndInitializeGlobalTPU DeviceIndex GetTpuTaskId GraphDefVersion
        IntInputIntOutput IntOutput MapIncompleteSize MapSize NIntsOut NIntsOutDefault
        NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
        NonMaxSuppressionWithOverlaps OpWithDefaultAttr OrderedMapIncompleteSize
        OrderedMapSize QueueSize QueueSizeV2 Rank RefInputFloatInputIntOutput RefOutput
        RequiresOlderGraphVersion ResourceAccumulatorNumAccumulated SetSize SimpleStruct
        SparseMatrixNNZ SparseMatrixOrderingAMD StageSize StatelessRandomGetAlg
        StringLength TensorArraySize TensorArraySizeV2 TensorArraySizeV3
        TensorForestTreeSize TensorListLength TensorMapSize TPUOrdinalSelector
        TPURoundRobin TwoFloatInputsIntOutput UnicodeScript XlaReplicaId XlaSetBound
        """,
    "int64": """
        _TensorToHashBucketFast AddManySparseToTensorsMap AddSparseToTensorsMap
        ComputeBatchSize DatasetCardinality DebugNanCount ExperimentalDatasetCardinality
        GetDeadline GlobalIterId Int64Output IntAttr KMC2ChainInitialization
        LookupTableSize LookupTableSizeV2 MultiDeviceIteratorInit ReaderNumRecordsProduced
        ReaderNumRecordsProducedV2 ReaderNumWorkUnitsCompleted
        ReaderNumWorkUnitsCompletedV2 RegisterDataset RngReadAndSkip SdcaFprint
        StringToHashBucket StringToHashBucketFast StringToHashBucketStrong Where
        """,
    "key_dtype": "TensorMapStackKeys",
    "out_type": "DecodePaddedRaw DecodeRaw ParseTensor",
    "out_type=float": "StringToNumber",
    "out_type=int32": "LowerBound RiscShape Shape ShapeN Size UpperBound VariableShape",
    "out_type=string": "SerializeManySparse SerializeSparse",
    "out_type=uint16": "AudioMicrofrontend",
    "output_dtype=float": "DebugNumericSummaryV2",
    "output_dtype=int64": "Multinomial StatelessMultinomial",
    "output_type=int32": "ExtractJpegShape",
    "output_type=int64": "ArgMax ArgMin",
    "preferred_element_type": "XlaConvV2 XlaDotV2",
    "resource": """
        _VarHandlesOp _XlaAotOnlyVarHandleOp AnonymousHashTable AnonymousIterator
        AnonymousIteratorV3 AnonymousMultiDeviceIteratorV3 AnonymousMutableDenseHashTable
        AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
        BoostedTreesEnsembleResourceHandleOp BoostedTreesQuantileStreamResourceHandleOp
        CollectiveInitializeCommunicator DummyIterationCounter DummyMemoryCache
        DummySeedGenerator ExperimentalStatsAggregatorHandle ExperimentalThreadPoolHandle
        FIFOQueueV2 FixedLengthRecordReaderV2 GetSessionHandleV2 HashTableV2
        IdentityReaderV2 Iterator IteratorFromStringHandle IteratorFromStringHandleV2
        IteratorV2 MakeWeakResourceHandle MultiDeviceIterator
        MultiDeviceIteratorFromStringHandle MutableDenseHashTableV2
        MutableHashTableOfTensorsV2 MutableHashTableV2 MutexV2 OneShotIterator
        PaddingFIFOQueueV2 PriorityQueueV2 RandomShuffleQueueV2
        ResourceConditionalAccumulator RpcServer StackV2 StatsAggregatorHandle
        StatsAggregatorHandleV2 StubResourceHandleOp SummaryWriter
        TensorForestTreeResourceHandleOp TextLineReaderV2 TFRecordReaderV2 ThreadPoolHandle
        VarHandleOp WholeFileReaderV2
        """,
    "S": "CudnnRNNParamsSize",
    "shape_type": "TensorListElementShape",
    "shape_type=int32": "ConcatOffset",
    "string": """
        _ConfigureDistributedTPU _WaitForDistributedTPU
        _XlaCompileMlirPlaceholderProgramKey AsString AudioSummary AudioSummaryV2 Barrier
        BigQueryReader BoostedTreesExampleDebugOutputs CollateTPUEmbeddingMemory
        ConditionalAccumulator ConfigureDistributedTPU ConfigureTPUEmbeddingHost
        ConfigureTPUEmbeddingMemory DatasetToGraph DatasetToGraphV2 DecodeBase64
        DecodeCompressed DecodeJSONExample DevicePlacementOp DtypeWithDefaultOp
        EncodeBase64 EncodeJpeg EncodeJpegVariableQuality EncodePng EncodeProto EncodeWav
        ExecuteTPUEmbeddingPartitioner ExperimentalIteratorGetDevice
        ExperimentalStatsAggregatorSummary Fact FakeQueue FIFOQueue FixedLengthRecordReader
        GenerateBigQueryReaderPartitions GetOptions GetSessionHandle HashTable
        HistogramSummary IdentityReader ImageSummary IteratorGetDevice
        IteratorGetModelProto IteratorToStringHandle KernelLabel KernelLabelRequired
        LMDBReader MatchingFiles MergeSummary MultiDeviceIteratorToStringHandle
        MutableDenseHashTable MutableHashTable MutableHashTableOfTensors PaddingFIFOQueue
        PriorityQueue RandomShuffleQueue ReaderSerializeState ReaderSerializeStateV2
        ReadFile RecordInput ReduceJoin RegexReplace RegisterDatasetV2 Rpc ScalarSummary
        SerializeTensor ShardedFilename ShardedFilespec SparseConditionalAccumulator Stack
        StaticRegexReplace StatsAggregatorSummary StringFormat StringJoin StringLower
        StringStrip StringUpper Substr TensorArray TensorArrayGrad TensorArrayGradV2
        TensorArrayV2 TensorForestTreeSerialize TensorSummary TensorSummaryV2
        TextLineReader TFRecordReader TPUCompilationResult TpuHandleToProtoKey
        UnicodeEncode UnicodeTranscode UnsortedSegmentJoin WholeFileReader WorkerHeartbeat
        """,
    "T=bool": "NPolymorphicOutDefault",
    "T=complex64": "Conj",
    "T=float": """
        _MklNativeMaxPool3DGrad _MklNativeMaxPoolGrad _MklSoftmax _MklSwish
        AdjustContrastv2 AdjustHue AdjustSaturation DrawBoundingBoxes DrawBoundingBoxesV2
        HSVToRGB LeakyRelu LeakyReluGrad LRN LRNGrad MaxPool MaxPool3DGrad MaxPoolGrad
        MaxPoolGradV2 MaxPoolV2 NextAfter RGBToHSV XlaSparseDenseMatmulGradWithCsrInput
        XlaSparseDenseMatmulWithCsrInput
        """,
    "T=int32": "BroadcastArgs DataFormatDimMap DataFormatVecPermute InvertPermutation",
    "T=string": "PolymorphicDefaultOut",
    "Tcomplex=complex64": """
        FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND RFFT RFFT2D RFFT3D RFFTND RiscFft
        """,
    "tensor_type": "_HostRecv _Recv Recv",
    "Tidx=int32": "Range UnravelIndex",
    "Tout": """
        BatchMatMulV3 LookupTableFind LookupTableFindV2 RandomUniformInt
        StochasticCastToInt UniformDequantize UniformQuantize UniformQuantizedConvolution
        UniformQuantizedConvolutionHybrid UniformQuantizedDot UniformQuantizedDotHybrid
        UniformRequantize
        """,
    "Tout=complex64": "Complex",
    "Tout=float": "Angle ComplexAbs Imag Real RiscImag RiscReal",
    "Toutput": """
        _MklQuantizedMatMulWithBiasAndDequantize QuantizedMatMulWithBiasAndDequantize
        XlaRecvFromHost
        """,
    "Tparams": "Gather GatherNd GatherV2 RiscGather",
    "Treal=float": "IRFFT IRFFT2D IRFFT3D IRFFTND",
    "Tvalues": "RaggedTensorToVariantGradient",
    "type": "Bitcast CSRSparseMatrixToDense",
    "uint64": "DatasetFingerprint",
    "uint8": """
        CompareAndBitpack DecodeAndCropJpeg DecodeBmp DecodeGif DecodeJpeg Fingerprint
        PopulationCount
        """,
    "value_dtype": "TensorMapLookup",
    "variant": """
        AssertCardinalityDataset AssertNextDataset AssertPrevDataset AutoShardDataset
        BatchDataset BatchDatasetV2 BytesProducedStatsDataset CacheDataset CacheDatasetV2
        ChooseFastestBranchDataset ChooseFastestDataset
        CompositeTensorVariantFromComponents CompressElement ConcatenateDataset CSVDataset
        CSVDatasetV2 DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3
        DataServiceDatasetV4 DatasetFromGraph DenseToCSRSparseMatrix
        DenseToSparseBatchDataset DirectedInterleaveDataset EmptyTensorList EmptyTensorMap
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
        ExperimentalTakeWhileDataset ExperimentalThreadPoolDataset
        ExperimentalUnbatchDataset ExperimentalUniqueDataset FilterByLastComponentDataset
        FilterDataset FinalizeDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2
        FlatMapDataset GeneratorDataset GlobalShuffleDataset GroupByReducerDataset
        GroupByWindowDataset IgnoreErrorsDataset IndexFlatMapDataset InterleaveDataset
        IteratorGetNextAsOptional LatencyStatsDataset LegacyParallelInterleaveDatasetV2
        ListDataset ListSnapshotChunksDataset LMDBDataset LoadDataset MapAndBatchDataset
        MapDataset MatchingFilesDataset MaxIntraOpParallelismDataset MergeDedupData
        ModelDataset MutexLock NonSerializableDataset OptimizeDataset OptimizeDatasetV2
        OptionalFromValue OptionalNone OptionsDataset PaddedBatchDataset
        PaddedBatchDatasetV2 ParallelBatchDataset ParallelFilterDataset
        ParallelInterleaveDataset ParallelInterleaveDatasetV2 ParallelInterleaveDatasetV3
        ParallelInterleaveDatasetV4 ParallelMapDataset ParallelMapDatasetV2
        ParseExampleDataset ParseExampleDatasetV2 PrefetchDataset Prelinearize
        PrelinearizeTuple PrivateThreadPoolDataset RaggedTensorToVariant RandomDataset
        RandomDatasetV2 RangeDataset RebatchDataset RebatchDatasetV2 RepeatDataset
        RewriteDataset SamplingDataset SaveDatasetV2 ScanDataset SerializeIterator
        SetStatsAggregatorDataset ShardDataset ShuffleAndRepeatDataset
        ShuffleAndRepeatDatasetV2 ShuffleDataset ShuffleDatasetV2 ShuffleDatasetV3
        SkipDataset SleepDataset SlidingWindowDataset SnapshotChunkDataset SnapshotDataset
        SnapshotDatasetReader SnapshotDatasetV2 SnapshotNestedDatasetReader SparseMatrixAdd
        SparseMatrixMul SparseMatrixSoftmax SparseMatrixSoftmaxGrad
        SparseMatrixSparseCholesky SparseMatrixSparseMatMul SparseMatrixTranspose
        SparseMatrixZeros SparseTensorSliceDataset SparseTensorToCSRSparseMatrix SqlDataset
        TakeDataset TakeWhileDataset TensorDataset TensorListConcatLists
        TensorListFromTensor TensorListPushBack TensorListPushBackBatch TensorListReserve
        TensorListResize TensorListScatter TensorListScatterIntoExistingList
        TensorListScatterV2 TensorListSetItem TensorListSplit TensorMapErase
        TensorMapInsert TensorSliceDataset TextLineDataset TFRecordDataset
        TFRecordDatasetV2 ThreadPoolDataset UnbatchDataset UniqueDataset
        UnwrapDatasetVariant WeightedFlatMapDataset WindowDataset WindowOp
        WrapDatasetVariant XlaRecvTPUEmbeddingDeduplicationData
        XlaRecvTPUEmbeddingDeduplicationDataV2 ZipDataset
        """,
}
