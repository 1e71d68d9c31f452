"""Output counts: how many outputs a node has, of ops that do not have one each.

    NoOp                       none
    FusedBatchNormV3           six, see `outputs`
    Split                      as many as its attribute num_split says
    While                      one for each type of its attribute T
    CTCBeamSearchDecoder       one, and three times top_paths

A row says how many there are beside lists, and the attributes that say how long those
are. They come from the registries of TensorFlow 1.15 and 2.21; a test against both holds
them.
"""

from __future__ import annotations

from functools import cache

from pbckpt.operators.outputs import OUTPUTS

_NOTHING = """
    _DeviceRetval _HostSend _NcclBroadcastSend _NcclReduceSend _Retval _Send
    _SetGlobalTPUArray _ShutdownDistributedTPU _XlaSendFromHost _XlaSendFromHostV2 Abort
    AccumulatorApplyGradient AccumulatorSetGlobalStep Assert AssignAddVariableOp
    AssignSubVariableOp AssignVariableOp AssignVariableXlaConcatND Attr AttrBool AttrBoolList
    AttrDefault AttrEmptyListDefault AttrEnum AttrEnumList AttrFloat AttrListDefault
    AttrListMin AttrListTypeDefault AttrMin AttrPartialShape AttrPartialShapeList AttrShape
    AttrShapeList AttrTypeDefault BarrierClose BarrierInsertMany BoostedTreesCreateEnsemble
    BoostedTreesCreateQuantileStreamResource BoostedTreesDeserializeEnsemble
    BoostedTreesQuantileStreamResourceAddSummaries
    BoostedTreesQuantileStreamResourceDeserialize BoostedTreesQuantileStreamResourceFlush
    BoostedTreesUpdateEnsemble BoostedTreesUpdateEnsembleV2 CalibrationStatisticsSaver
    CloseSummaryWriter ConfigureTPUEmbedding ConnectTPUEmbeddingHosts ConstructionFails
    ConsumeMutexLock ControlTrigger CreateSummaryDbWriter CreateSummaryFileWriter
    DatasetToTFRecord DefaultAttrs DeleteIterator DeleteMemoryCache DeleteMultiDeviceIterator
    DeleteRandomSeedGenerator DeleteRpcFutureResource DeleteSeedGenerator DeleteSessionTensor
    DeserializeIterator DestroyResourceOp DisableCopyOnRead DistributedSave
    DTensorSetGlobalTPUArray DumpTensor DynamicEnqueueTPUEmbeddingArbitraryTensorBatch
    DynamicEnqueueTPUEmbeddingRaggedTensorBatch EnqueueTPUEmbeddingArbitraryTensorBatch
    EnqueueTPUEmbeddingBatch EnqueueTPUEmbeddingIntegerBatch
    EnqueueTPUEmbeddingRaggedTensorBatch EnqueueTPUEmbeddingSparseBatch
    EnqueueTPUEmbeddingSparseTensorBatch ExperimentalDatasetToTFRecord
    FileSystemSetConfiguration FinalizeTPUEmbedding FloatInput FlushSummaryWriter FuncAttr
    FuncListAttr GcsConfigureBlockCache GcsConfigureCredentials ImportEvent InfeedEnqueue
    InfeedEnqueuePrelinearizedBuffer InfeedEnqueueTuple InitializeTable
    InitializeTableFromDataset InitializeTableFromTextFile InitializeTableFromTextFileV2
    InitializeTableV2 InPolymorphicTwice IntInput IntInputFloatInput ListInput
    LoadAllTPUEmbeddingParameters LoadTPUEmbeddingAdadeltaParameters
    LoadTPUEmbeddingAdadeltaParametersGradAccumDebug LoadTPUEmbeddingAdagradMomentumParameters
    LoadTPUEmbeddingAdagradParameters LoadTPUEmbeddingAdagradParametersGradAccumDebug
    LoadTPUEmbeddingADAMParameters LoadTPUEmbeddingADAMParametersGradAccumDebug
    LoadTPUEmbeddingCenteredRMSPropParameters LoadTPUEmbeddingFrequencyEstimatorParameters
    LoadTPUEmbeddingFTRLParameters LoadTPUEmbeddingFTRLParametersGradAccumDebug
    LoadTPUEmbeddingMDLAdagradLightParameters LoadTPUEmbeddingMomentumParameters
    LoadTPUEmbeddingMomentumParametersGradAccumDebug LoadTPUEmbeddingProximalAdagradParameters
    LoadTPUEmbeddingProximalAdagradParametersGradAccumDebug
    LoadTPUEmbeddingProximalYogiParameters LoadTPUEmbeddingRMSPropParameters
    LoadTPUEmbeddingRMSPropParametersGradAccumDebug
    LoadTPUEmbeddingStochasticGradientDescentParameters LookupTableImport LookupTableImportV2
    LookupTableInsert LookupTableInsertV2 LookupTableRemoveV2 MakeIterator MapClear MapStage
    MergeV2Checkpoints NegTrain NInPolymorphicTwice NIntsIn NInTwice NInTwoTypeVariables None
    NoOp NPolymorphicIn NPolymorphicRestrictIn Old OpWithFutureDefaultAttr OrderedMapClear
    OrderedMapStage OutfeedEnqueue OutfeedEnqueueTuple PrintV2 QueueClose QueueCloseV2
    QueueEnqueue QueueEnqueueMany QueueEnqueueManyV2 QueueEnqueueV2 ReaderReset ReaderResetV2
    ReaderRestoreState ReaderRestoreStateV2 RefIn RefInputFloatInput RefInputIntInput
    ReservedAttr ReservedInput ResourceAccumulatorApplyGradient
    ResourceAccumulatorSetGlobalStep ResourceApplyAdadelta ResourceApplyAdagrad
    ResourceApplyAdagradDA ResourceApplyAdagradV2 ResourceApplyAdam ResourceApplyAdaMax
    ResourceApplyAdamWithAmsgrad ResourceApplyAddSign ResourceApplyCenteredRMSProp
    ResourceApplyFtrl ResourceApplyFtrlV2 ResourceApplyGradientDescent
    ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyPowerSign
    ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent ResourceApplyRMSProp
    ResourceCreateOp ResourceScatterAdd ResourceScatterDiv ResourceScatterMax
    ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdMax
    ResourceScatterNdMin ResourceScatterNdSub ResourceScatterNdUpdate ResourceScatterSub
    ResourceScatterUpdate ResourceSparseApplyAdadelta ResourceSparseApplyAdagrad
    ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2
    ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2
    ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum
    ResourceSparseApplyProximalAdagrad ResourceSparseApplyProximalGradientDescent
    ResourceSparseApplyRMSProp ResourceStridedSliceAssign ResourceUsingOp RngSkip
    RpcServerRegister RpcServerStart Save SaveDataset SaveSlices SaveV2 SdcaShrinkL1 Send
    SendTPUEmbeddingGradients ShutdownDistributedTPU SleepOp SparseAccumulatorApplyGradient
    StackClose StackCloseV2 Stage StageClear StatsAggregatorSetSummaryWriter
    StoreMinibatchStatisticsInFdo StringListAttr SyncDevice TensorArrayClose
    TensorArrayCloseV2 TensorArrayCloseV3 TensorForestCreateTreeVariable
    TensorForestTreeDeserialize TPUCompileSucceededAssert TPUReplicateMetadata
    TPUReshardVariables TwoFloatInputs TwoIntInputs TwoRefsIn TypeList TypeListRestrict
    TypeListTwice UpdateTaskIdAndGlobalCoreArray WriteAudioSummary WriteFile WriteGraphSummary
    WriteHistogramSummary WriteImageSummary WriteRawProtoSummary WriteScalarSummary
    WriteSummary XlaSend XlaSendToHost XlaSendTPUEmbeddingGradients
    XlaSendTPUEmbeddingGradientsV2
    """

_LISTS: dict[tuple[int, str], str] = {
    (0, "N"): """
        _ListToArray _ScopedAllocatorSplit _VarHandlesOp ConcatOffset ReadVariableXlaSplitND
        ShapeN XlaSparseDenseMatmulGradWithCsrInput XlaSplitND XlaVariadicReduce
        """,
    (
        0,
        (
            "Ncontext_sparse context_sparse_types Ncontext_sparse Tcontext_dense "
            "Nfeature_list_sparse feature_list_sparse_types Nfeature_list_sparse "
            "feature_list_dense_types"
        ),
    ): """
        ParseSingleSequenceExample
        """,
    (
        0,
        (
            "Ncontext_sparse context_sparse_types Ncontext_sparse Tcontext_dense "
            "Nfeature_list_sparse feature_list_sparse_types Nfeature_list_sparse "
            "feature_list_dense_types Nfeature_list_dense"
        ),
    ): """
        ParseSequenceExample
        """,
    (
        0,
        (
            "Ncontext_sparse context_sparse_types Ncontext_sparse Tcontext_dense "
            "context_ragged_value_types context_ragged_split_types Nfeature_list_sparse "
            "feature_list_sparse_types Nfeature_list_sparse feature_list_dense_types "
            "Nfeature_list_dense feature_list_ragged_value_types feature_list_ragged_split_types "
            "feature_list_ragged_split_types"
        ),
    ): """
        ParseSequenceExampleV2
        """,
    (0, "Nsparse sparse_types Nsparse Tdense"): "ParseExample",
    (0, "NumTables NumTables NumTables NumTables NumTables NumTables NumTables NumTables"): """
        RetrieveAllTPUEmbeddingParameters
        """,
    (0, "OUT_TYPE"): "DecodeCSV",
    (0, "T"): """
        _While For IdentityN RiscWhile StatelessWhile TPUAnnotateTensorsWithDynamicShape
        TPUCopyWithDynamicShape While XlaOptimizationBarrier XlaVariadicReduceV2
        XlaVariadicSort XlaWhile
        """,
    (0, "Tcomponents"): "CompositeTensorVariantToComponents",
    (0, "Tdevice_outputs Thost_outputs"): """
        _FusedQuantizedConv2D _FusedQuantizedDepthwiseConv2D _QuantizedMatMul
        """,
    (0, "Tout"): """
        _If BatchFunction Case EagerPyFunc If PartitionedCall PyFunc PyFuncStateless
        RemoteCall RpcGetValue StatefulPartitionedCall StatelessCase StatelessIf
        SymbolicGradient TPUPartitionedCall XlaCallModule XlaIf
        """,
    (0, "Toutputs"): """
        _XlaHostComputeMlir _XlaRecvAtHost _XlaRecvAtHostV2 MlirPassthroughOp
        RemoteFusedGraphExecute XlaHostCompute
        """,
    (0, "Tresults"): "_XlaRun TPUExecute TPUExecuteAndUpdateVariables XlaLaunch XlaLaunchV2",
    (0, "component_types"): """
        QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2
        QueueDequeueV2
        """,
    (0, "dtypes"): """
        _ReadVariablesOp DTensorRestoreV2 InfeedDequeueTuple MapPeek MapUnstage
        OrderedMapPeek OrderedMapUnstage OutfeedDequeueTuple OutfeedDequeueTupleV2 RestoreV2
        StagePeek Unstage
        """,
    (0, "num"): "Unpack",
    (0, "num_features"): """
        BoostedTreesBucketize BoostedTreesFlushQuantileSummaries
        BoostedTreesMakeQuantileSummaries
        BoostedTreesQuantileStreamResourceGetBucketBoundaries
        """,
    (0, "num_features num_features num_features num_features num_features"): """
        BoostedTreesCalculateBestGainsPerFeature
        """,
    (0, "num_outputs"): "RecvTPUEmbeddingActivations",
    (0, "num_outs"): "_SwitchN",
    (0, "num_params num_params"): "CudnnRNNParamsToCanonical",
    (0, "num_params_weights num_params_biases"): "CudnnRNNParamsToCanonicalV2",
    (0, "num_partitions"): "DynamicPartition",
    (0, "num_replicas"): "TPUReplicatedOutput",
    (0, "num_sc_per_chip num_sc_per_chip num_sc_per_chip"): "ConvertToListOfSparseCoreCooTensors",
    (0, "num_sparse sparse_types num_sparse Tdense"): "ParseSingleExample",
    (0, "num_sparse sparse_types num_sparse Tdense ragged_value_types ragged_split_types"): """
        ParseExampleV2
        """,
    (0, "num_split"): "Split SplitV",
    (0, "num_split num_split num_split"): "SparseSplit",
    (0, "num_splits"): "TPUPartitionedOutput TPUPartitionedOutputV2",
    (0, "num_tables"): """
        XlaRecvTPUEmbeddingActivations XlaRecvTPUEmbeddingActivationsV2
        XlaSparseActivationsUnstack
        """,
    (0, "out_types"): "_ArrayToList",
    (0, "output_types"): """
        _TPUReplicate DatasetToSingleElement GetElementAtIndex IteratorGetNext
        IteratorGetNextSync MapDefun MultiDeviceIteratorGetNextFromShard OptionalGetValue
        ReduceDataset UncompressElement
        """,
    (0, "result_dtypes"): "XlaCustomCallV2",
    (1, "N"): "XlaSparseDenseMatmulCustomCombinerOnTcGradWithCsrInput",
    (1, "OUTPUT_RAGGED_RANK"): "RaggedGather",
    (1, "dtypes"): "MapUnstageNoKey OrderedMapUnstageNoKey",
    (1, "num_computations"): "_TPUCompileMlir",
    (1, "num_computations num_computations"): "TPUCompile",
    (1, "num_sparse_features num_dense_features"): "SdcaOptimizer SdcaOptimizerV2",
    (1, "output_ragged_rank"): "RaggedTensorFromVariant",
    (1, "output_types"): "DecodeProtoV2",
    (1, "top_paths top_paths top_paths"): "CTCBeamSearchDecoder",
    (2, "T"): "Batch",
    (2, "component_types"): "BarrierTakeMany",
    (5, "num_side_inputs"): "_FusedBatchNormGradEx",
}


def output_lists(op: str) -> tuple[int, tuple[str, ...]]:
    """Return how many outputs an op has beside lists, and the attributes that say of those.

    An attribute is a number, or a list of one type for each output.
    """
    return _by_op().get(op) or (len(OUTPUTS.get(op, ())) or 1, ())


@cache
def _by_op() -> dict[str, tuple[int, tuple[str, ...]]]:
    found: dict[str, tuple[int, tuple[str, ...]]] = dict.fromkeys(_NOTHING.split(), (0, ()))
    for (number, attributes), ops in _LISTS.items():
        found.update(dict.fromkeys(ops.split(), (number, tuple(attributes.split()))))
    return found
