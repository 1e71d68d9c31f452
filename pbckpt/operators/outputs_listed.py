"""Listed outputs: ops with lists of outputs, and ops with none at all.

A star is a list, as long as the attribute behind it says. See `outputs` for what is in.
"""

from __future__ import annotations

BY_LISTS = {
    "a*N": """
        NIntsOut NIntsOutDefault NPolymorphicOut NPolymorphicOutDefault
        NPolymorphicRestrictOut
        """,
    "a*n_a": "SimpleStruct",
    "a*n_a b": "MixedStruct",
    "a*n_a b*n_b c*t_c": "ComplexStruct",
    "a*T": "ListOutput",
    "batched_tensors*T batch_index id": "Batch",
    "bucket_boundaries*num_features": "BoostedTreesQuantileStreamResourceGetBucketBoundaries",
    "buckets*num_features": "BoostedTreesBucketize",
    "compilation_status program*num_computations": "_TPUCompileMlir",
    "compilation_status program*num_computations may_modify_variables*num_computations": """
        TPUCompile
        """,
    "components*component_types": """
        QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo QueueDequeueUpToV2
        QueueDequeueV2
        """,
    "components*output_types": """
        DatasetToSingleElement GetElementAtIndex IteratorGetNext IteratorGetNextSync
        MultiDeviceIteratorGetNextFromShard OptionalGetValue ReduceDataset UncompressElement
        """,
    "components*Tcomponents": "CompositeTensorVariantToComponents",
    "context_sparse_indices*Ncontext_sparse context_sparse_values*context_sparse_types "
    "context_sparse_shapes*Ncontext_sparse context_dense_values*Tcontext_dense "
    "context_ragged_values*context_ragged_value_types "
    "context_ragged_row_splits*context_ragged_split_types "
    "feature_list_sparse_indices*Nfeature_list_sparse "
    "feature_list_sparse_values*feature_list_sparse_types "
    "feature_list_sparse_shapes*Nfeature_list_sparse "
    "feature_list_dense_values*feature_list_dense_types "
    "feature_list_dense_lengths*Nfeature_list_dense "
    "feature_list_ragged_values*feature_list_ragged_value_types "
    "feature_list_ragged_outer_splits*feature_list_ragged_split_types "
    "feature_list_ragged_inner_splits*feature_list_ragged_split_types": "ParseSequenceExampleV2",
    "context_sparse_indices*Ncontext_sparse context_sparse_values*context_sparse_types "
    "context_sparse_shapes*Ncontext_sparse context_dense_values*Tcontext_dense "
    "feature_list_sparse_indices*Nfeature_list_sparse "
    "feature_list_sparse_values*feature_list_sparse_types "
    "feature_list_sparse_shapes*Nfeature_list_sparse "
    "feature_list_dense_values*feature_list_dense_types": "ParseSingleSequenceExample",
    "context_sparse_indices*Ncontext_sparse context_sparse_values*context_sparse_types "
    "context_sparse_shapes*Ncontext_sparse context_dense_values*Tcontext_dense "
    "feature_list_sparse_indices*Nfeature_list_sparse "
    "feature_list_sparse_values*feature_list_sparse_types "
    "feature_list_sparse_shapes*Nfeature_list_sparse "
    "feature_list_dense_values*feature_list_dense_types "
    "feature_list_dense_lengths*Nfeature_list_dense": "ParseSequenceExample",
    "decoded_indices*top_paths decoded_values*top_paths decoded_shape*top_paths "
    "log_probability": "CTCBeamSearchDecoder",
    "device_outputs*Tdevice_outputs host_outputs*Thost_outputs": """
        _FusedQuantizedConv2D _FusedQuantizedDepthwiseConv2D _QuantizedMatMul
        """,
    "indices keys values*component_types": "BarrierTakeMany",
    "key values*dtypes": "MapUnstageNoKey OrderedMapUnstageNoKey",
    "node_ids_list*num_features gains_list*num_features thresholds_list*num_features "
    "left_node_contribs_list*num_features right_node_contribs_list*num_features": """
        BoostedTreesCalculateBestGainsPerFeature
        """,
    "offset*N": "ConcatOffset",
    "out*T": "OutTypeList",
    "out*t": "OutTypeListRestrict",
    "out_example_state_data out_delta_sparse_weights*num_sparse_features "
    "out_delta_dense_weights*num_dense_features": "SdcaOptimizer SdcaOptimizerV2",
    "out_tensors*Tout": "BatchFunction",
    "output*N": "_ListToArray _ScopedAllocatorSplit ShapeN XlaVariadicReduce",
    "output*num": "Unpack",
    "output*num_split": "Split SplitV",
    "output*num_splits": "TPUPartitionedOutput TPUPartitionedOutputV2",
    "output*OUT_TYPE": "DecodeCSV",
    "output*out_types": "_ArrayToList",
    "output*output_types": "MapDefun",
    "output*T": """
        _While For IdentityN RiscWhile StatelessWhile While XlaOptimizationBarrier XlaWhile
        """,
    "output*Tout": """
        _If Case EagerPyFunc If PartitionedCall PyFunc PyFuncStateless RemoteCall
        RpcGetValue StatefulPartitionedCall StatelessCase StatelessIf SymbolicGradient
        TPUPartitionedCall XlaCallModule XlaIf
        """,
    "output_indices*num_split output_values*num_split output_shape*num_split": "SparseSplit",
    "output_nested_splits*output_ragged_rank output_dense_values": "RaggedTensorFromVariant",
    "output_nested_splits*OUTPUT_RAGGED_RANK output_dense_values": "RaggedGather",
    "outputs*dtypes": "InfeedDequeueTuple OutfeedDequeueTuple OutfeedDequeueTupleV2",
    "outputs*N": "ReadVariableXlaSplitND XlaSplitND",
    "outputs*num_outputs": "RecvTPUEmbeddingActivations",
    "outputs*num_outs": "_SwitchN",
    "outputs*num_partitions": "DynamicPartition",
    "outputs*num_replicas": "TPUReplicatedOutput",
    "outputs*num_tables": "XlaRecvTPUEmbeddingActivations XlaRecvTPUEmbeddingActivationsV2",
    "outputs*output_types": "_TPUReplicate",
    "outputs*T": "XlaVariadicReduceV2 XlaVariadicSort",
    "outputs*Toutputs": """
        _XlaHostComputeMlir _XlaRecvAtHost _XlaRecvAtHostV2 MlirPassthroughOp
        RemoteFusedGraphExecute XlaHostCompute
        """,
    "parameters*NumTables auxiliary1*NumTables auxiliary2*NumTables auxiliary3*NumTables "
    "auxiliary4*NumTables auxiliary5*NumTables auxiliary6*NumTables auxiliary7*NumTables": """
        RetrieveAllTPUEmbeddingParameters
        """,
    "resources*N": "_VarHandlesOp",
    "results*result_dtypes": "XlaCustomCallV2",
    "results*Tresults": "_XlaRun TPUExecute TPUExecuteAndUpdateVariables XlaLaunch XlaLaunchV2",
    "row_ids_list*num_sc_per_chip col_ids_list*num_sc_per_chip gains_list*num_sc_per_chip": """
        ConvertToListOfSparseCoreCooTensors
        """,
    "sizes values*output_types": "DecodeProtoV2",
    "sparse_indices*Nsparse sparse_values*sparse_types sparse_shapes*Nsparse "
    "dense_values*Tdense": "ParseExample",
    "sparse_indices*num_sparse sparse_values*sparse_types sparse_shapes*num_sparse "
    "dense_values*Tdense": "ParseSingleExample",
    "sparse_indices*num_sparse sparse_values*sparse_types sparse_shapes*num_sparse "
    "dense_values*Tdense ragged_values*ragged_value_types "
    "ragged_row_splits*ragged_split_types": "ParseExampleV2",
    "summaries*num_features": """
        BoostedTreesFlushQuantileSummaries BoostedTreesMakeQuantileSummaries
        """,
    "tensors*dtypes": "DTensorRestoreV2 RestoreV2",
    "tpu_tensors*T": "TPUAnnotateTensorsWithDynamicShape TPUCopyWithDynamicShape",
    "unstacked_activations*num_tables": "XlaSparseActivationsUnstack",
    "updated_tables*N": "XlaSparseDenseMatmulGradWithCsrInput",
    "updated_tables*N updated_weights": "XlaSparseDenseMatmulCustomCombinerOnTcGradWithCsrInput",
    "values*dtypes": """
        _ReadVariablesOp MapPeek MapUnstage OrderedMapPeek OrderedMapUnstage StagePeek
        Unstage
        """,
    "weights*num_params biases*num_params": "CudnnRNNParamsToCanonical",
    "weights*num_params_weights biases*num_params_biases": "CudnnRNNParamsToCanonicalV2",
    "x_backprop scale_backprop offset_backprop reserve_space_4 reserve_space_5 "
    "side_input_backprop*num_side_inputs": "_FusedBatchNormGradEx",
}

NOTHING = """
    _DeviceRetval _HostSend _NcclBroadcastSend _NcclReduceSend _Retval _Send _SetGlobalTPUArray
    _ShutdownDistributedTPU _XlaSendFromHost _XlaSendFromHostV2 Abort AccumulatorApplyGradient
    AccumulatorSetGlobalStep Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp
    AssignVariableXlaConcatND Attr AttrBool AttrBoolList AttrDefault AttrEmptyListDefault
    AttrEnum AttrEnumList AttrFloat AttrListDefault AttrListMin AttrListTypeDefault AttrMin
    AttrPartialShape AttrPartialShapeList AttrShape AttrShapeList AttrTypeDefault BarrierClose
    BarrierInsertMany BoostedTreesCreateEnsemble BoostedTreesCreateQuantileStreamResource
    BoostedTreesDeserializeEnsemble BoostedTreesQuantileStreamResourceAddSummaries
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
    ReservedAttr ReservedInput ResourceAccumulatorApplyGradient ResourceAccumulatorSetGlobalStep
    ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA ResourceApplyAdagradV2
    ResourceApplyAdam ResourceApplyAdaMax ResourceApplyAdamWithAmsgrad ResourceApplyAddSign
    ResourceApplyCenteredRMSProp ResourceApplyFtrl ResourceApplyFtrlV2
    ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum
    ResourceApplyPowerSign ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent
    ResourceApplyRMSProp ResourceCreateOp ResourceScatterAdd ResourceScatterDiv
    ResourceScatterMax ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd
    ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub ResourceScatterNdUpdate
    ResourceScatterSub ResourceScatterUpdate ResourceSparseApplyAdadelta
    ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2
    ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2
    ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum
    ResourceSparseApplyProximalAdagrad ResourceSparseApplyProximalGradientDescent
    ResourceSparseApplyRMSProp ResourceStridedSliceAssign ResourceUsingOp RngSkip
    RpcServerRegister RpcServerStart Save SaveDataset SaveSlices SaveV2 SdcaShrinkL1 Send
    SendTPUEmbeddingGradients ShutdownDistributedTPU SleepOp SparseAccumulatorApplyGradient
    StackClose StackCloseV2 Stage StageClear StatsAggregatorSetSummaryWriter
    StoreMinibatchStatisticsInFdo StringListAttr SyncDevice TensorArrayClose TensorArrayCloseV2
    TensorArrayCloseV3 TensorForestCreateTreeVariable TensorForestTreeDeserialize
    TPUCompileSucceededAssert TPUReplicateMetadata TPUReshardVariables TwoFloatInputs
    TwoIntInputs TwoRefsIn TypeList TypeListRestrict TypeListTwice
    UpdateTaskIdAndGlobalCoreArray WriteAudioSummary WriteFile WriteGraphSummary
    WriteHistogramSummary WriteImageSummary WriteRawProtoSummary WriteScalarSummary WriteSummary
    XlaSend XlaSendToHost XlaSendTPUEmbeddingGradients XlaSendTPUEmbeddingGradientsV2
    """
