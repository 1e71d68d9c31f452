"""Newer attributes: what ops have in TensorFlow 2.21 and did not have in 1.15.

    MatMul              grad_a false   grad_b false
    FusedBatchNormV3    exponential_avg_factor 1.0
    MaxPool             explicit_paddings []

TensorFlow 1.15 refuses a graph in which a node has such an attribute, even with its
default. Left out where it has it, the attribute means the same to every version.

A row is a default and the attributes that have it, with their ops. Attributes without
a default are not listed, since a node cannot do without them. Reference: the registries
of both versions; a test against both holds the table.
"""

from __future__ import annotations

from functools import cache

# By the field of AttrValue that a default fills, and the value; of types, the number.
_NEWER: dict[tuple[str, object], dict[str, str]] = {
    ("type", 8): {
        "Tcomplex": "IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D",
    },
    ("type", 3): {
        "Tk": "TopKV2",
        "Tsegmentids": """
            SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanWithNumSegments
            SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNWithNumSegments
            SparseSegmentSum SparseSegmentSumWithNumSegments
            """,
        "Tshape": "TensorListGetItem",
        "index_type": "TopKV2",
        "shape_type": "ConcatOffset",
    },
    ("type", 1): {
        "Treal": "IRFFT IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D",
        "dtype": "Dequantize",
    },
    ("b", False): {
        "allow_missing_files": "MergeV2Checkpoints",
        "allow_stateful": "DatasetToGraph",
        "enable_large_batch_splitting": "BatchFunction",
        "enable_whole_mesh_compilations": """
            ConfigureDistributedTPU _ConfigureDistributedTPU
            _InitializeHostForDistributedTPU
            """,
        "force_synchronous": "ExperimentalMapDataset MapDataset",
        "grad_a": "MatMul",
        "grad_b": "MatMul",
        "grad_x": "BatchMatMul BatchMatMulV2",
        "grad_y": "BatchMatMul BatchMatMulV2",
        "is_files": "TensorSliceDataset",
        "is_mirrored_variable": "TPUReplicatedInput",
        "is_packed": "TPUReplicatedInput",
        "log_warning": "ExperimentalIgnoreErrorsDataset IgnoreErrorsDataset",
        "multiply_linear_by_lr": """
            ApplyFtrl ApplyFtrlV2 ResourceApplyFtrl ResourceApplyFtrlV2
            ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2 SparseApplyFtrl
            SparseApplyFtrlV2
            """,
        "narrow_range": "Dequantize QuantizeV2",
        "perturb_singular": "TridiagonalSolve",
        "replicate_on_split": "RangeDataset TensorSliceDataset",
        "resize_if_index_out_of_bounds": "TensorListSetItem",
        "shuffle_on_read": "SnapshotDataset",
        "sparse_gradient": """
            SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
            SparseSegmentSqrtNWithNumSegments SparseSegmentSum
            SparseSegmentSumWithNumSegments
            """,
        "stop_on_empty_dataset": "DirectedInterleaveDataset",
        "strip_device_assignment": "DatasetToGraph",
        "use_shardy_partitioner": "TPUReplicateMetadata _TPUReplicate",
        "use_spmd_for_xla_partitioning": "TPUReplicateMetadata _TPUReplicate",
        "validate_shape": "AssignVariableOp",
    },
    ("list", ()): {
        "allowed_devices": "VarHandleOp",
        "explicit_paddings": """
            DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
            DepthwiseConv2dNativeBackpropInput MaxPool MaxPoolGrad
            """,
        "low_priority_allowed_batch_sizes": "BatchFunction",
        "num_features": "EnqueueTPUEmbeddingSparseTensorBatch",
        "padding_list": """
            QuantizedDepthwiseConv2DWithBiasAndRelu
            QuantizedDepthwiseConv2DWithBiasAndReluAndRequantize
            """,
        "ragged_keys": "ParseExampleDataset",
        "ragged_split_types": "ParseExampleDataset",
        "ragged_value_types": "ParseExampleDataset",
    },
    ("i", 0): {
        "auto_shard_policy": "AutoShardDataset ExperimentalAutoShardDataset",
        "autotuner_thresh": "TPUPartitionedCall",
        "buffer_size_min": "PrefetchDataset",
        "external_state_policy": "SerializeIterator",
        "low_priority_batch_timeout_micros": "BatchFunction",
        "low_priority_max_batch_size": "BatchFunction",
        "low_priority_max_enqueued_batches": "BatchFunction",
        "num_distributed_variables": "_TPUReplicate",
        "num_host_args": "_FusedConv2D",
        "num_replicas": "AutoShardDataset",
        "offset": "InitializeTableFromTextFile InitializeTableFromTextFileV2",
        "ram_budget": "ModelDataset",
        "seed": "SnapshotDataset",
        "seed2": "SnapshotDataset",
        "tpu_cancellation_closes_chips": "ConfigureDistributedTPU _InitializeHostForDistributedTPU",
    },
    ("i", -1): {
        "axis": "Dequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeV2",
        "blank_index": "CTCGreedyDecoder",
        "index": "TPUReplicatedInput",
    },
    ("s", b""): {
        "bad_indices_policy": """
            GatherNd ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdUpdate
            ScatterNd ScatterNdAdd ScatterNdNonAliasingAdd ScatterNdSub ScatterNdUpdate
            TensorScatterAdd TensorScatterSub TensorScatterUpdate
            """,
        "cardinality_options": "DatasetCardinality",
        "config": """
            LoadTPUEmbeddingADAMParameters LoadTPUEmbeddingAdadeltaParameters
            LoadTPUEmbeddingAdagradParameters LoadTPUEmbeddingCenteredRMSPropParameters
            LoadTPUEmbeddingFTRLParameters LoadTPUEmbeddingMDLAdagradLightParameters
            LoadTPUEmbeddingMomentumParameters LoadTPUEmbeddingProximalAdagradParameters
            LoadTPUEmbeddingRMSPropParameters
            LoadTPUEmbeddingStochasticGradientDescentParameters
            RetrieveTPUEmbeddingADAMParameters RetrieveTPUEmbeddingAdadeltaParameters
            RetrieveTPUEmbeddingAdagradParameters
            RetrieveTPUEmbeddingCenteredRMSPropParameters
            RetrieveTPUEmbeddingFTRLParameters
            RetrieveTPUEmbeddingMDLAdagradLightParameters
            RetrieveTPUEmbeddingMomentumParameters
            RetrieveTPUEmbeddingProximalAdagradParameters
            RetrieveTPUEmbeddingRMSPropParameters
            RetrieveTPUEmbeddingStochasticGradientDescentParameters
            """,
        "debug_name": "VarHandleOp",
        "metadata": """
            BatchDataset BatchDatasetV2 CacheDataset CacheDatasetV2 ConcatenateDataset
            DatasetToSingleElement FilterDataset FixedLengthRecordDataset
            FixedLengthRecordDatasetV2 FlatMapDataset GeneratorDataset
            GroupByWindowDataset InterleaveDataset MapAndBatchDataset MapDataset
            PaddedBatchDataset PaddedBatchDatasetV2 ParallelInterleaveDataset
            ParallelInterleaveDatasetV2 ParallelMapDataset PrefetchDataset RandomDataset
            RangeDataset ReduceDataset RepeatDataset ScanDataset ShardDataset
            ShuffleAndRepeatDataset ShuffleDataset ShuffleDatasetV2 SkipDataset
            TFRecordDataset TakeDataset TakeWhileDataset TensorDataset
            TensorSliceDataset TextLineDataset UnbatchDataset UniqueDataset
            WindowDataset ZipDataset
            """,
        "snapshot_name": "SnapshotDataset",
        "tpu_compile_options_proto": "TPUReplicateMetadata _TPUReplicate",
    },
    ("s", b"PAD_UP"): {
        "batch_padding_policy": "BatchFunction",
    },
    ("b", True): {
        "compilation_failure_closes_chips": "ConfigureDistributedTPU",
        "drop_remainder": "SlidingWindowDataset",
        "reshuffle_each_iteration": "ShuffleAndRepeatDataset",
        "use_default_device": "ScanDataset",
    },
    ("s", b"TPU"): {
        "device_type": "_XlaRecvAtHost _XlaSendFromHost",
    },
    ("f", 0.01): {
        "ensure_minimum_range": "QuantizeV2",
    },
    ("f", 1.0): {
        "exponential_avg_factor": """
            FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 _FusedBatchNormEx
            """,
    },
    ("s", b"HWIO"): {
        "filter_format": "_FusedConv2D",
    },
    ("f", 0.2): {
        "leakyrelu_alpha": "_FusedConv2D _FusedMatMul",
    },
    ("i", 1): {
        "logits_dimension": "BoostedTreesUpdateEnsembleV2",
        "num_groups": "BoostedTreesUpdateEnsembleV2",
    },
    ("s", b"low_priority_padding_with_max_batch_size"): {
        "mixed_priority_policy": "BatchFunction",
    },
    ("s", b"auto"): {
        "mode": "SnapshotDataset",
    },
    ("f", 0.0): {
        "timeout_seconds": """
            CollectiveBcastRecv CollectiveBcastSend CollectiveGather CollectiveReduce
            """,
    },
}


def newer_attributes(op: str) -> dict[str, tuple[str, object]]:
    """Return what an op has by now and did not have in 1.15: by name, the default.

    A default is the field of AttrValue that it fills, and its value there; an empty
    list is ``("list", ())``.
    """
    return _by_op().get(op, _NONE)


_NONE: dict[str, tuple[str, object]] = {}


@cache
def _by_op() -> dict[str, dict[str, tuple[str, object]]]:
    found: dict[str, dict[str, tuple[str, object]]] = {}
    for default, attributes in _NEWER.items():
        for name, ops in attributes.items():
            for op in ops.split():
                found.setdefault(op, {})[name] = default
    return found
