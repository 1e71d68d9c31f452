"""Tables for `arguments`: random numbers, sparse tensors, text, XLA, training.

A row is a signature, with "-" for a slot that takes data and a star for any number
of slots, and the ops that bear it. See `arguments` for what is in and what is not.
"""

from __future__ import annotations

RANDOM = {
    "shape": """
        NonDeterministicInts RandomGamma RandomStandardNormal RandomUniform RiscRandomUniform
        TruncatedNormal
        """,
    "shape means stdevs minvals maxvals": "ParameterizedTruncatedNormal",
    "- size": "RandomCrop",
    "index seed max_index": "RandomIndexShuffle",
    "shape rate": "RandomPoisson RandomPoissonV2",
    "shape minval maxval": "RandomUniformInt",
    "- num_samples": "Multinomial",
    "- alg delta": "RngReadAndSkip",
    "- algorithm delta": "RngSkip",
    "image_size": "SampleDistortedBoundingBox",
    "image_size - min_object_covered": "SampleDistortedBoundingBoxV2",
    "dim num_results skip": "SobolSample",
    "- algorithm shape counts probs": "StatefulRandomBinomial",
    "- shape": "StatefulStandardNormal",
    "- algorithm shape": """
        StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform
        StatefulUniformFullInt
        """,
    "- algorithm shape minval maxval": "StatefulUniformInt",
    "- num_samples seed": "StatelessMultinomial",
    "shape seed means stddevs minvals maxvals": "StatelessParameterizedTruncatedNormal",
    "shape seed counts probs": "StatelessRandomBinomial",
    "shape seed": """
        StatelessRandomGammaV2 StatelessRandomNormal StatelessRandomPoisson
        StatelessRandomUniform StatelessRandomUniformFullInt StatelessTruncatedNormal
        """,
    "shape key counter alg": """
        StatelessRandomGammaV3 StatelessRandomNormalV2 StatelessRandomUniformFullIntV2
        StatelessRandomUniformV2 StatelessTruncatedNormalV2
        """,
    "seed": "StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg",
    "shape seed minval maxval": "StatelessRandomUniformInt",
    "shape key counter alg minval maxval": "StatelessRandomUniformIntV2",
    "image_size - min_object_covered seed": "StatelessSampleDistortedBoundingBox",
    "- key counter alg": "StatelessShuffle StochasticCastToInt",
    "- seed": "KMC2ChainInitialization",
    "- num_to_sample seed num_retries_per_sample": "KmeansPlusPlusInitialization",
}

SPARSE = {
    "sparse_indices - sparse_shape": """
        AddManySparseToTensorsMap AddSparseToTensorsMap SerializeManySparse
        SerializeSparse
        """,
    "- index": "CSRSparseMatrixComponents",
    "- size weights": "DenseBincount",
    "- weights": "DenseCountSparseOutput",
    "- indices": "DenseToCSRSparseMatrix",
    "- set2_indices - set2_shape": "DenseToSparseSetOperation",
    "hypothesis_indices - hypothesis_shape truth_indices - truth_shape": "EditDistance",
    "- - size weights": "RaggedBincount",
    "- - weights": "RaggedCountSparseOutput",
    "- - nrows default_value": "RaggedFillEmptyRows",
    "starts limits deltas": "RaggedRange",
    "shape - default_value -*": "RaggedTensorToTensor",
    "set_indices - set_shape": "SetSize",
    "a_indices - a_shape b_indices - b_shape thresh": "SparseAdd",
    "- a_indices b_indices": "SparseAddGrad",
    "indices - dense_shape size weights": "SparseBincount",
    "indices - dense_shape weights": "SparseCountSparseOutput",
    "indices* -* shapes*": "SparseConcat",
    "indices - dense_shape": "SparseTensorToCSRSparseMatrix",
    "sp_indices - sp_shape": """
        SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul SparseSoftmax
        """,
    "indices - dense_shape default_value": "SparseFillEmptyRows",
    "- - alpha beta": "SparseMatrixAdd",
    "- permutation": "SparseMatrixSparseCholesky",
    "dense_shape": "SparseMatrixZeros",
    "input_indices - input_shape reduction_axes": """
        SparseReduceMax SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse
        """,
    "input_indices - input_shape": "SparseReorder",
    "input_indices input_shape new_shape": "SparseReshape",
    "- - segment_ids": "SparseSegmentMean SparseSegmentSqrtN SparseSegmentSum",
    "- - segment_ids output_dim0": """
        SparseSegmentMeanGrad SparseSegmentSqrtNGrad SparseSegmentSumGrad
        """,
    "- - segment_ids dense_output_dim0": """
        SparseSegmentMeanGradV2 SparseSegmentSqrtNGradV2 SparseSegmentSumGradV2
        """,
    "- - segment_ids num_segments": """
        SparseSegmentMeanWithNumSegments SparseSegmentSqrtNWithNumSegments
        SparseSegmentSumWithNumSegments
        """,
    "indices - shape start size": "SparseSlice",
    "- input_indices": "SparseSliceGrad",
    "a_indices - a_shape b_indices - b_shape": "SparseSparseMaximum SparseSparseMinimum",
    "split_dim indices - shape": "SparseSplit",
    "a_indices - a_shape": "SparseTensorDenseAdd SparseTensorDenseMatMul",
    "sparse_indices output_shape - default_value": "SparseToDense",
    "set1_indices - set1_shape set2_indices - set2_shape": "SparseToSparseSetOperation",
}

TEXT = {
    "- crop_window": "DecodeAndCropJpeg",
    "- record_defaults*": "DecodeCSV",
    "- fixed_length": "DecodePaddedRaw",
    "- quality": "EncodeJpegVariableQuality",
    "- sample_rate": "EncodeWav",
    "- method": "Fingerprint",
    "pattern": "MatchingFiles",
    "- - num_records": "ReaderReadUpTo ReaderReadUpToV2",
    "filename": "ReadFile WriteFile",
    "- reduction_indices": "ReduceJoin",
    "- pattern": "RegexFullMatch",
    "- pattern rewrite": "RegexReplace",
    "- data_splits": "StringNGrams",
    "- delimiter": "StringSplit",
    "- sep": "StringSplitV2",
    "- pos len": "Substr",
}

XLA = {
    "- group_assignment": "AllToAll CrossReplicaSum XlaAllReduce",
    "- - - - sequence_lengths": "CudnnRNNBackpropV3 CudnnRNNV3",
    "num_layers num_units input_size -* -*": """
        CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2
        """,
    "num_layers num_units input_size": """
        CudnnRNNParamsSize CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2
        """,
    "concat_dim -* - -*": "_MklConcat",
    "-* axis -* -": "_MklConcatV2",
    "- - paddings": "_MklNativePadWithConv2D _MklPadWithConv2D __MklDummyPadWithConv2D",
    "- - -* paddings": "_MklNativePadWithFusedConv2D __MklDummyPadWithFusedConv2D",
    "- - -* paddings - - -* -": "_MklPadWithFusedConv2D",
    "device_ordinal": "OutfeedDequeueTupleV2 OutfeedDequeueV2",
    "concat_dim -* -* -*": "QuantizedConcat",
    "-* axis -* -*": "QuantizedConcatV2",
    "- max_value": "QuantizedReluX",
    "- shape": "QuantizedReshape",
    "- size": "QuantizedResizeBilinear",
    "- output_index": "_SwitchN",
    "-* device_ordinal": "TPUPartitionedCall",
    "- - zero_points": "UniformDequantize UniformQuantize",
    "- - - lhs_zero_points - rhs_zero_points - output_zero_points": """
        UniformQuantizedAdd UniformQuantizedConvolution UniformQuantizedDot
        """,
    "- min max - zero_points": "UniformQuantizedClipByValue",
    "- - - rhs_zero_points": "UniformQuantizedConvolutionHybrid UniformQuantizedDotHybrid",
    "- - input_zero_points - output_zero_points": "UniformRequantize",
    "- - broadcast_dims": "XlaBroadcastHelper",
    "- - window_strides padding lhs_dilation rhs_dilation feature_group_count": "XlaConv XlaConvV2",
    "- start_indices size_indices": "XlaDynamicSlice",
    "- - indices": "XlaDynamicUpdateSlice",
    "- start_indices slice_sizes": "XlaGather",
    "cond -*": "XlaIf _If",
    "- padding_value padding_low padding_high padding_interior": "XlaPad",
    "- init_value": "XlaReduce",
    "- group_assignment scatter_dimension": "XlaReduceScatter",
    "- init_value window_dimensions window_strides base_dilations window_dilations padding": """
        XlaReduceWindow
        """,
    "- dim_index": "XlaRemoveDynamicDimensionSize",
    "algorithm - shape": "XlaRngBitGenerator",
    "- scatter_indices": "XlaScatter",
    "- window_dimensions window_strides padding - init_value": "XlaSelectAndScatter",
    "- bound": "XlaSetBound",
    "- dim_index size": "XlaSetDynamicDimensionSize",
    "-* init_value*": "XlaVariadicReduce",
    "-* init_values*": "XlaVariadicReduceV2",
    "-* dimension": "XlaVariadicSort",
}

TRAINING = {
    "- local_step": """
        AccumulatorApplyGradient ResourceAccumulatorApplyGradient
        SparseAccumulatorApplyGradient
        """,
    "- new_global_step": "AccumulatorSetGlobalStep ResourceAccumulatorSetGlobalStep",
    "- num_required": """
        AccumulatorTakeGradient ResourceAccumulatorTakeGradient
        SparseAccumulatorTakeGradient
        """,
    "- - - lr rho epsilon": """
        ApplyAdadelta ResourceApplyAdadelta ResourceSparseApplyAdadelta
        SparseApplyAdadelta
        """,
    "- - lr": "ApplyAdagrad ResourceApplyAdagrad ResourceSparseApplyAdagrad SparseApplyAdagrad",
    "- - - - lr l1 l2 global_step": "ApplyAdagradDA ResourceApplyAdagradDA",
    "- - lr epsilon": """
        ApplyAdagradV2 ResourceApplyAdagradV2 ResourceSparseApplyAdagradV2
        SparseApplyAdagradV2
        """,
    "- - - beta1_power beta2_power lr beta1 beta2 epsilon": "ApplyAdam ResourceApplyAdam",
    "- - - beta1_power lr beta1 beta2 epsilon": "ApplyAdaMax ResourceApplyAdaMax",
    "- - lr alpha sign_decay beta": "ApplyAddSign ResourceApplyAddSign",
    "- - - - lr rho momentum epsilon": """
        ApplyCenteredRMSProp ResourceApplyCenteredRMSProp
        ResourceSparseApplyCenteredRMSProp SparseApplyCenteredRMSProp
        """,
    "- - - - lr l1 l2 lr_power": "ApplyFtrl ResourceApplyFtrl",
    "- - - - lr l1 l2 l2_shrinkage lr_power": "ApplyFtrlV2 ResourceApplyFtrlV2",
    "- alpha delta": "ApplyGradientDescent ResourceApplyGradientDescent",
    "- - lr - momentum": "ApplyMomentum ResourceApplyKerasMomentum ResourceApplyMomentum",
    "- - lr logbase sign_decay beta": "ApplyPowerSign ResourceApplyPowerSign",
    "- - lr l1 l2": """
        ApplyProximalAdagrad ResourceApplyProximalAdagrad
        ResourceSparseApplyProximalAdagrad SparseApplyProximalAdagrad
        """,
    "- alpha l1 l2 delta": "ApplyProximalGradientDescent ResourceApplyProximalGradientDescent",
    "- - - lr rho momentum epsilon": """
        ApplyRMSProp ResourceApplyRMSProp ResourceSparseApplyRMSProp SparseApplyRMSProp
        """,
    "- value": """
        Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp
        AssignVariableOp
        """,
    "- inputs*": "AssignVariableXlaConcatND",
    "- i": "InplaceAdd InplaceSub InplaceUpdate",
    "- - - - lr": "NegTrain",
    "- - - - beta1_power beta2_power lr beta1 beta2 epsilon": "ResourceApplyAdamWithAmsgrad",
    "- - - - - lr l1 l2 global_step": "ResourceSparseApplyAdagradDA SparseApplyAdagradDA",
    "- - - - - lr l1 l2 lr_power": "ResourceSparseApplyFtrl SparseApplyFtrl",
    "- - - - - lr l1 l2 l2_shrinkage lr_power": "ResourceSparseApplyFtrlV2 SparseApplyFtrlV2",
    "- - lr - - momentum": """
        ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum SparseApplyMomentum
        """,
    "- alpha l1 l2": """
        ResourceSparseApplyProximalGradientDescent SparseApplyProximalGradientDescent
        """,
    "- begin end strides": "ResourceStridedSliceAssign StridedSliceAssign",
}
