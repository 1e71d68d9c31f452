# Written by tools/compile_protos.py from proto/: change those files instead.
# Enums are open, so a field of an enum type is an int here.

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, TypeAlias

from google.protobuf.internal.containers import (
    MessageMap,
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
    ScalarMap,
)
from google.protobuf.message import Message

class Any(Message):
    type_url: str
    value: bytes
    def __init__(
        self,
        *,
        type_url: str = ...,
        value: bytes = ...,
    ) -> None: ...

class BoolValue(Message):
    value: bool
    def __init__(
        self,
        *,
        value: bool = ...,
    ) -> None: ...

class TensorShapeProto(Message):
    class Dim(Message):
        size: int
        name: str
        def __init__(
            self,
            *,
            size: int = ...,
            name: str = ...,
        ) -> None: ...

    @property
    def dim(self) -> RepeatedCompositeFieldContainer[TensorShapeProto.Dim]: ...
    unknown_rank: bool
    def __init__(
        self,
        *,
        dim: Iterable[TensorShapeProto.Dim] = ...,
        unknown_rank: bool = ...,
    ) -> None: ...

class TensorProto(Message):
    dtype: int
    @property
    def tensor_shape(self) -> TensorShapeProto: ...
    version_number: int
    tensor_content: bytes
    @property
    def half_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def float_val(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def double_val(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def int_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def string_val(self) -> RepeatedScalarFieldContainer[bytes]: ...
    @property
    def scomplex_val(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def int64_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def bool_val(self) -> RepeatedScalarFieldContainer[bool]: ...
    @property
    def dcomplex_val(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def resource_handle_val(self) -> RepeatedCompositeFieldContainer[ResourceHandleProto]: ...
    @property
    def variant_val(self) -> RepeatedCompositeFieldContainer[VariantTensorDataProto]: ...
    @property
    def uint32_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def uint64_val(self) -> RepeatedScalarFieldContainer[int]: ...
    float8_val: bytes
    def __init__(
        self,
        *,
        dtype: int = ...,
        tensor_shape: TensorShapeProto = ...,
        version_number: int = ...,
        tensor_content: bytes = ...,
        half_val: Iterable[int] = ...,
        float_val: Iterable[float] = ...,
        double_val: Iterable[float] = ...,
        int_val: Iterable[int] = ...,
        string_val: Iterable[bytes] = ...,
        scomplex_val: Iterable[float] = ...,
        int64_val: Iterable[int] = ...,
        bool_val: Iterable[bool] = ...,
        dcomplex_val: Iterable[float] = ...,
        resource_handle_val: Iterable[ResourceHandleProto] = ...,
        variant_val: Iterable[VariantTensorDataProto] = ...,
        uint32_val: Iterable[int] = ...,
        uint64_val: Iterable[int] = ...,
        float8_val: bytes = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["tensor_shape"]) -> bool: ...

class VariantTensorDataProto(Message):
    type_name: str
    metadata: bytes
    @property
    def tensors(self) -> RepeatedCompositeFieldContainer[TensorProto]: ...
    def __init__(
        self,
        *,
        type_name: str = ...,
        metadata: bytes = ...,
        tensors: Iterable[TensorProto] = ...,
    ) -> None: ...

class ResourceHandleProto(Message):
    class DtypeAndShape(Message):
        dtype: int
        @property
        def shape(self) -> TensorShapeProto: ...
        def __init__(
            self,
            *,
            dtype: int = ...,
            shape: TensorShapeProto = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["shape"]) -> bool: ...

    device: str
    container: str
    name: str
    hash_code: int
    maybe_type_name: str
    @property
    def dtypes_and_shapes(self) -> RepeatedCompositeFieldContainer[ResourceHandleProto.DtypeAndShape]: ...
    def __init__(
        self,
        *,
        device: str = ...,
        container: str = ...,
        name: str = ...,
        hash_code: int = ...,
        maybe_type_name: str = ...,
        dtypes_and_shapes: Iterable[ResourceHandleProto.DtypeAndShape] = ...,
    ) -> None: ...

class VersionDef(Message):
    producer: int
    min_consumer: int
    @property
    def bad_consumers(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        producer: int = ...,
        min_consumer: int = ...,
        bad_consumers: Iterable[int] = ...,
    ) -> None: ...

class BundleHeaderProto(Message):
    LITTLE: ClassVar[int]
    BIG: ClassVar[int]
    num_shards: int
    endianness: int
    @property
    def version(self) -> VersionDef: ...
    def __init__(
        self,
        *,
        num_shards: int = ...,
        endianness: int = ...,
        version: VersionDef = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["version"]) -> bool: ...

class BundleEntryProto(Message):
    dtype: int
    @property
    def shape(self) -> TensorShapeProto: ...
    shard_id: int
    offset: int
    size: int
    crc32c: int
    @property
    def slices(self) -> RepeatedCompositeFieldContainer[TensorSliceProto]: ...
    def __init__(
        self,
        *,
        dtype: int = ...,
        shape: TensorShapeProto = ...,
        shard_id: int = ...,
        offset: int = ...,
        size: int = ...,
        crc32c: int = ...,
        slices: Iterable[TensorSliceProto] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape"]) -> bool: ...

_ExtentOneof: TypeAlias = Literal[
    "length",
]

class TensorSliceProto(Message):
    class Extent(Message):
        start: int
        length: int
        def __init__(
            self,
            *,
            start: int = ...,
            length: int = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["length"]) -> bool: ...
        def WhichOneof(self, oneof_group: Literal["has_length_hack"]) -> _ExtentOneof | None: ...

    @property
    def extent(self) -> RepeatedCompositeFieldContainer[TensorSliceProto.Extent]: ...
    def __init__(
        self,
        *,
        extent: Iterable[TensorSliceProto.Extent] = ...,
    ) -> None: ...

class ValuesDef(Message):
    @property
    def values(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def external_values(self) -> ScalarMap[str, str]: ...
    def __init__(
        self,
        *,
        values: Iterable[str] = ...,
        external_values: Mapping[str, str] = ...,
    ) -> None: ...

_ControlFlowContextDefOneof: TypeAlias = Literal[
    "cond_ctxt",
    "while_ctxt",
]

class ControlFlowContextDef(Message):
    @property
    def cond_ctxt(self) -> CondContextDef: ...
    @property
    def while_ctxt(self) -> WhileContextDef: ...
    def __init__(
        self,
        *,
        cond_ctxt: CondContextDef = ...,
        while_ctxt: WhileContextDef = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["cond_ctxt", "while_ctxt"]) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["ctxt"]) -> _ControlFlowContextDefOneof | None: ...

class CondContextDef(Message):
    context_name: str
    pred_name: str
    pivot_name: str
    branch: int
    @property
    def values_def(self) -> ValuesDef: ...
    @property
    def nested_contexts(self) -> RepeatedCompositeFieldContainer[ControlFlowContextDef]: ...
    def __init__(
        self,
        *,
        context_name: str = ...,
        pred_name: str = ...,
        pivot_name: str = ...,
        branch: int = ...,
        values_def: ValuesDef = ...,
        nested_contexts: Iterable[ControlFlowContextDef] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["values_def"]) -> bool: ...

class WhileContextDef(Message):
    context_name: str
    parallel_iterations: int
    back_prop: bool
    swap_memory: bool
    pivot_name: str
    pivot_for_pred_name: str
    pivot_for_body_name: str
    @property
    def loop_exit_names(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def loop_enter_names(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def values_def(self) -> ValuesDef: ...
    maximum_iterations_name: str
    @property
    def nested_contexts(self) -> RepeatedCompositeFieldContainer[ControlFlowContextDef]: ...
    def __init__(
        self,
        *,
        context_name: str = ...,
        parallel_iterations: int = ...,
        back_prop: bool = ...,
        swap_memory: bool = ...,
        pivot_name: str = ...,
        pivot_for_pred_name: str = ...,
        pivot_for_body_name: str = ...,
        loop_exit_names: Iterable[str] = ...,
        loop_enter_names: Iterable[str] = ...,
        values_def: ValuesDef = ...,
        maximum_iterations_name: str = ...,
        nested_contexts: Iterable[ControlFlowContextDef] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["values_def"]) -> bool: ...

class GraphDebugInfo(Message):
    class FileLineCol(Message):
        file_index: int
        line: int
        col: int
        func: str
        code: str
        def __init__(
            self,
            *,
            file_index: int = ...,
            line: int = ...,
            col: int = ...,
            func: str = ...,
            code: str = ...,
        ) -> None: ...
        def HasField(
            self,
            field_name: Literal[
                "file_index",
                "line",
                "col",
                "func",
                "code",
            ],
        ) -> bool: ...

    class StackTrace(Message):
        @property
        def file_line_cols(self) -> RepeatedCompositeFieldContainer[GraphDebugInfo.FileLineCol]: ...
        @property
        def frame_id(self) -> RepeatedScalarFieldContainer[int]: ...
        def __init__(
            self,
            *,
            file_line_cols: Iterable[GraphDebugInfo.FileLineCol] = ...,
            frame_id: Iterable[int] = ...,
        ) -> None: ...

    @property
    def files(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def frames_by_id(self) -> MessageMap[int, GraphDebugInfo.FileLineCol]: ...
    @property
    def traces_by_id(self) -> MessageMap[int, GraphDebugInfo.StackTrace]: ...
    @property
    def traces(self) -> MessageMap[str, GraphDebugInfo.StackTrace]: ...
    @property
    def name_to_trace_id(self) -> ScalarMap[str, int]: ...
    def __init__(
        self,
        *,
        files: Iterable[str] = ...,
        frames_by_id: Mapping[int, GraphDebugInfo.FileLineCol] = ...,
        traces_by_id: Mapping[int, GraphDebugInfo.StackTrace] = ...,
        traces: Mapping[str, GraphDebugInfo.StackTrace] = ...,
        name_to_trace_id: Mapping[str, int] = ...,
    ) -> None: ...

_FullTypeDefOneof: TypeAlias = Literal[
    "s",
    "i",
]

class FullTypeDef(Message):
    type_id: int
    @property
    def args(self) -> RepeatedCompositeFieldContainer[FullTypeDef]: ...
    s: str
    i: int
    def __init__(
        self,
        *,
        type_id: int = ...,
        args: Iterable[FullTypeDef] = ...,
        s: str = ...,
        i: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["s", "i"]) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["attr"]) -> _FullTypeDefOneof | None: ...

_AttrValueOneof: TypeAlias = Literal[
    "s",
    "i",
    "f",
    "b",
    "type",
    "shape",
    "tensor",
    "list",
    "func",
    "placeholder",
]

class AttrValue(Message):
    class ListValue(Message):
        @property
        def s(self) -> RepeatedScalarFieldContainer[bytes]: ...
        @property
        def i(self) -> RepeatedScalarFieldContainer[int]: ...
        @property
        def f(self) -> RepeatedScalarFieldContainer[float]: ...
        @property
        def b(self) -> RepeatedScalarFieldContainer[bool]: ...
        @property
        def type(self) -> RepeatedScalarFieldContainer[int]: ...
        @property
        def shape(self) -> RepeatedCompositeFieldContainer[TensorShapeProto]: ...
        @property
        def tensor(self) -> RepeatedCompositeFieldContainer[TensorProto]: ...
        @property
        def func(self) -> RepeatedCompositeFieldContainer[NameAttrList]: ...
        def __init__(
            self,
            *,
            s: Iterable[bytes] = ...,
            i: Iterable[int] = ...,
            f: Iterable[float] = ...,
            b: Iterable[bool] = ...,
            type: Iterable[int] = ...,
            shape: Iterable[TensorShapeProto] = ...,
            tensor: Iterable[TensorProto] = ...,
            func: Iterable[NameAttrList] = ...,
        ) -> None: ...

    s: bytes
    i: int
    f: float
    b: bool
    type: int
    @property
    def shape(self) -> TensorShapeProto: ...
    @property
    def tensor(self) -> TensorProto: ...
    @property
    def list(self) -> AttrValue.ListValue: ...
    @property
    def func(self) -> NameAttrList: ...
    placeholder: str
    def __init__(
        self,
        *,
        s: bytes = ...,
        i: int = ...,
        f: float = ...,
        b: bool = ...,
        type: int = ...,
        shape: TensorShapeProto = ...,
        tensor: TensorProto = ...,
        list: AttrValue.ListValue = ...,
        func: NameAttrList = ...,
        placeholder: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "s",
            "i",
            "f",
            "b",
            "type",
            "shape",
            "tensor",
            "list",
            "func",
            "placeholder",
        ],
    ) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["value"]) -> _AttrValueOneof | None: ...

class NameAttrList(Message):
    name: str
    @property
    def attr(self) -> MessageMap[str, AttrValue]: ...
    def __init__(
        self,
        *,
        name: str = ...,
        attr: Mapping[str, AttrValue] = ...,
    ) -> None: ...

class NodeDef(Message):
    class ExperimentalDebugInfo(Message):
        @property
        def original_node_names(self) -> RepeatedScalarFieldContainer[str]: ...
        @property
        def original_func_names(self) -> RepeatedScalarFieldContainer[str]: ...
        def __init__(
            self,
            *,
            original_node_names: Iterable[str] = ...,
            original_func_names: Iterable[str] = ...,
        ) -> None: ...

    name: str
    op: str
    @property
    def input(self) -> RepeatedScalarFieldContainer[str]: ...
    device: str
    @property
    def attr(self) -> MessageMap[str, AttrValue]: ...
    @property
    def experimental_debug_info(self) -> NodeDef.ExperimentalDebugInfo: ...
    @property
    def experimental_type(self) -> FullTypeDef: ...
    def __init__(
        self,
        *,
        name: str = ...,
        op: str = ...,
        input: Iterable[str] = ...,
        device: str = ...,
        attr: Mapping[str, AttrValue] = ...,
        experimental_debug_info: NodeDef.ExperimentalDebugInfo = ...,
        experimental_type: FullTypeDef = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "experimental_debug_info",
            "experimental_type",
        ],
    ) -> bool: ...

class OpDef(Message):
    class ArgDef(Message):
        name: str
        description: str
        type: int
        type_attr: str
        number_attr: str
        type_list_attr: str
        @property
        def handle_data(self) -> RepeatedCompositeFieldContainer[ResourceHandleProto.DtypeAndShape]: ...
        is_ref: bool
        @property
        def experimental_full_type(self) -> FullTypeDef: ...
        def __init__(
            self,
            *,
            name: str = ...,
            description: str = ...,
            type: int = ...,
            type_attr: str = ...,
            number_attr: str = ...,
            type_list_attr: str = ...,
            handle_data: Iterable[ResourceHandleProto.DtypeAndShape] = ...,
            is_ref: bool = ...,
            experimental_full_type: FullTypeDef = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["experimental_full_type"]) -> bool: ...

    class AttrDef(Message):
        name: str
        type: str
        @property
        def default_value(self) -> AttrValue: ...
        description: str
        has_minimum: bool
        minimum: int
        @property
        def allowed_values(self) -> AttrValue: ...
        def __init__(
            self,
            *,
            name: str = ...,
            type: str = ...,
            default_value: AttrValue = ...,
            description: str = ...,
            has_minimum: bool = ...,
            minimum: int = ...,
            allowed_values: AttrValue = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["default_value", "allowed_values"]) -> bool: ...

    name: str
    @property
    def input_arg(self) -> RepeatedCompositeFieldContainer[OpDef.ArgDef]: ...
    @property
    def output_arg(self) -> RepeatedCompositeFieldContainer[OpDef.ArgDef]: ...
    @property
    def control_output(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def attr(self) -> RepeatedCompositeFieldContainer[OpDef.AttrDef]: ...
    @property
    def deprecation(self) -> OpDeprecation: ...
    summary: str
    description: str
    is_commutative: bool
    is_aggregate: bool
    is_stateful: bool
    allows_uninitialized_input: bool
    is_distributed_communication: bool
    def __init__(
        self,
        *,
        name: str = ...,
        input_arg: Iterable[OpDef.ArgDef] = ...,
        output_arg: Iterable[OpDef.ArgDef] = ...,
        control_output: Iterable[str] = ...,
        attr: Iterable[OpDef.AttrDef] = ...,
        deprecation: OpDeprecation = ...,
        summary: str = ...,
        description: str = ...,
        is_commutative: bool = ...,
        is_aggregate: bool = ...,
        is_stateful: bool = ...,
        allows_uninitialized_input: bool = ...,
        is_distributed_communication: bool = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["deprecation"]) -> bool: ...

class OpDeprecation(Message):
    version: int
    explanation: str
    def __init__(
        self,
        *,
        version: int = ...,
        explanation: str = ...,
    ) -> None: ...

class FunctionDef(Message):
    class ArgAttrs(Message):
        @property
        def attr(self) -> MessageMap[str, AttrValue]: ...
        def __init__(
            self,
            *,
            attr: Mapping[str, AttrValue] = ...,
        ) -> None: ...

    @property
    def signature(self) -> OpDef: ...
    @property
    def attr(self) -> MessageMap[str, AttrValue]: ...
    @property
    def arg_attr(self) -> MessageMap[int, FunctionDef.ArgAttrs]: ...
    @property
    def resource_arg_unique_id(self) -> ScalarMap[int, int]: ...
    @property
    def node_def(self) -> RepeatedCompositeFieldContainer[NodeDef]: ...
    @property
    def ret(self) -> ScalarMap[str, str]: ...
    @property
    def control_ret(self) -> ScalarMap[str, str]: ...
    def __init__(
        self,
        *,
        signature: OpDef = ...,
        attr: Mapping[str, AttrValue] = ...,
        arg_attr: Mapping[int, FunctionDef.ArgAttrs] = ...,
        resource_arg_unique_id: Mapping[int, int] = ...,
        node_def: Iterable[NodeDef] = ...,
        ret: Mapping[str, str] = ...,
        control_ret: Mapping[str, str] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["signature"]) -> bool: ...

class GradientDef(Message):
    function_name: str
    gradient_func: str
    def __init__(
        self,
        *,
        function_name: str = ...,
        gradient_func: str = ...,
    ) -> None: ...

class RegisteredGradient(Message):
    gradient_func: str
    registered_op_type: str
    def __init__(
        self,
        *,
        gradient_func: str = ...,
        registered_op_type: str = ...,
    ) -> None: ...

class FunctionDefLibrary(Message):
    @property
    def function(self) -> RepeatedCompositeFieldContainer[FunctionDef]: ...
    @property
    def gradient(self) -> RepeatedCompositeFieldContainer[GradientDef]: ...
    @property
    def registered_gradients(self) -> RepeatedCompositeFieldContainer[RegisteredGradient]: ...
    def __init__(
        self,
        *,
        function: Iterable[FunctionDef] = ...,
        gradient: Iterable[GradientDef] = ...,
        registered_gradients: Iterable[RegisteredGradient] = ...,
    ) -> None: ...

class GraphDef(Message):
    @property
    def node(self) -> RepeatedCompositeFieldContainer[NodeDef]: ...
    @property
    def versions(self) -> VersionDef: ...
    version: int
    @property
    def library(self) -> FunctionDefLibrary: ...
    @property
    def debug_info(self) -> GraphDebugInfo: ...
    def __init__(
        self,
        *,
        node: Iterable[NodeDef] = ...,
        versions: VersionDef = ...,
        version: int = ...,
        library: FunctionDefLibrary = ...,
        debug_info: GraphDebugInfo = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["versions", "library", "debug_info"]) -> bool: ...

class TrackableObjectGraph(Message):
    class TrackableObject(Message):
        class ObjectReference(Message):
            node_id: int
            local_name: str
            def __init__(
                self,
                *,
                node_id: int = ...,
                local_name: str = ...,
            ) -> None: ...

        class SerializedTensor(Message):
            name: str
            full_name: str
            checkpoint_key: str
            def __init__(
                self,
                *,
                name: str = ...,
                full_name: str = ...,
                checkpoint_key: str = ...,
            ) -> None: ...

        class SlotVariableReference(Message):
            original_variable_node_id: int
            slot_name: str
            slot_variable_node_id: int
            def __init__(
                self,
                *,
                original_variable_node_id: int = ...,
                slot_name: str = ...,
                slot_variable_node_id: int = ...,
            ) -> None: ...

        @property
        def children(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.ObjectReference]: ...
        @property
        def attributes(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.SerializedTensor]: ...
        @property
        def slot_variables(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.SlotVariableReference]: ...
        @property
        def registered_saver(self) -> RegisteredSaver: ...
        @property
        def has_checkpoint_values(self) -> BoolValue: ...
        def __init__(
            self,
            *,
            children: Iterable[TrackableObjectGraph.TrackableObject.ObjectReference] = ...,
            attributes: Iterable[TrackableObjectGraph.TrackableObject.SerializedTensor] = ...,
            slot_variables: Iterable[TrackableObjectGraph.TrackableObject.SlotVariableReference] = ...,
            registered_saver: RegisteredSaver = ...,
            has_checkpoint_values: BoolValue = ...,
        ) -> None: ...
        def HasField(
            self,
            field_name: Literal[
                "registered_saver",
                "has_checkpoint_values",
            ],
        ) -> bool: ...

    @property
    def nodes(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject]: ...
    def __init__(
        self,
        *,
        nodes: Iterable[TrackableObjectGraph.TrackableObject] = ...,
    ) -> None: ...

class RegisteredSaver(Message):
    name: str
    object_name: str
    def __init__(
        self,
        *,
        name: str = ...,
        object_name: str = ...,
    ) -> None: ...

_StructuredValueOneof: TypeAlias = Literal[
    "none_value",
    "float64_value",
    "int64_value",
    "string_value",
    "bool_value",
    "tensor_shape_value",
    "tensor_dtype_value",
    "tensor_spec_value",
    "type_spec_value",
    "bounded_tensor_spec_value",
    "list_value",
    "tuple_value",
    "dict_value",
    "named_tuple_value",
    "tensor_value",
    "numpy_value",
]

class StructuredValue(Message):
    @property
    def none_value(self) -> NoneValue: ...
    float64_value: float
    int64_value: int
    string_value: str
    bool_value: bool
    @property
    def tensor_shape_value(self) -> TensorShapeProto: ...
    tensor_dtype_value: int
    @property
    def tensor_spec_value(self) -> TensorSpecProto: ...
    @property
    def type_spec_value(self) -> TypeSpecProto: ...
    @property
    def bounded_tensor_spec_value(self) -> BoundedTensorSpecProto: ...
    @property
    def list_value(self) -> ListValue: ...
    @property
    def tuple_value(self) -> TupleValue: ...
    @property
    def dict_value(self) -> DictValue: ...
    @property
    def named_tuple_value(self) -> NamedTupleValue: ...
    @property
    def tensor_value(self) -> TensorProto: ...
    @property
    def numpy_value(self) -> TensorProto: ...
    def __init__(
        self,
        *,
        none_value: NoneValue = ...,
        float64_value: float = ...,
        int64_value: int = ...,
        string_value: str = ...,
        bool_value: bool = ...,
        tensor_shape_value: TensorShapeProto = ...,
        tensor_dtype_value: int = ...,
        tensor_spec_value: TensorSpecProto = ...,
        type_spec_value: TypeSpecProto = ...,
        bounded_tensor_spec_value: BoundedTensorSpecProto = ...,
        list_value: ListValue = ...,
        tuple_value: TupleValue = ...,
        dict_value: DictValue = ...,
        named_tuple_value: NamedTupleValue = ...,
        tensor_value: TensorProto = ...,
        numpy_value: TensorProto = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "none_value",
            "float64_value",
            "int64_value",
            "string_value",
            "bool_value",
            "tensor_shape_value",
            "tensor_dtype_value",
            "tensor_spec_value",
            "type_spec_value",
            "bounded_tensor_spec_value",
            "list_value",
            "tuple_value",
            "dict_value",
            "named_tuple_value",
            "tensor_value",
            "numpy_value",
        ],
    ) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["kind"]) -> _StructuredValueOneof | None: ...

class NoneValue(Message):
    ...

class ListValue(Message):
    @property
    def values(self) -> RepeatedCompositeFieldContainer[StructuredValue]: ...
    def __init__(
        self,
        *,
        values: Iterable[StructuredValue] = ...,
    ) -> None: ...

class TupleValue(Message):
    @property
    def values(self) -> RepeatedCompositeFieldContainer[StructuredValue]: ...
    def __init__(
        self,
        *,
        values: Iterable[StructuredValue] = ...,
    ) -> None: ...

class DictValue(Message):
    @property
    def fields(self) -> MessageMap[str, StructuredValue]: ...
    def __init__(
        self,
        *,
        fields: Mapping[str, StructuredValue] = ...,
    ) -> None: ...

class PairValue(Message):
    key: str
    @property
    def value(self) -> StructuredValue: ...
    def __init__(
        self,
        *,
        key: str = ...,
        value: StructuredValue = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["value"]) -> bool: ...

class NamedTupleValue(Message):
    name: str
    @property
    def values(self) -> RepeatedCompositeFieldContainer[PairValue]: ...
    def __init__(
        self,
        *,
        name: str = ...,
        values: Iterable[PairValue] = ...,
    ) -> None: ...

class TensorSpecProto(Message):
    name: str
    @property
    def shape(self) -> TensorShapeProto: ...
    dtype: int
    def __init__(
        self,
        *,
        name: str = ...,
        shape: TensorShapeProto = ...,
        dtype: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape"]) -> bool: ...

class BoundedTensorSpecProto(Message):
    name: str
    @property
    def shape(self) -> TensorShapeProto: ...
    dtype: int
    @property
    def minimum(self) -> TensorProto: ...
    @property
    def maximum(self) -> TensorProto: ...
    def __init__(
        self,
        *,
        name: str = ...,
        shape: TensorShapeProto = ...,
        dtype: int = ...,
        minimum: TensorProto = ...,
        maximum: TensorProto = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape", "minimum", "maximum"]) -> bool: ...

class TypeSpecProto(Message):
    UNKNOWN: ClassVar[int]
    SPARSE_TENSOR_SPEC: ClassVar[int]
    INDEXED_SLICES_SPEC: ClassVar[int]
    RAGGED_TENSOR_SPEC: ClassVar[int]
    TENSOR_ARRAY_SPEC: ClassVar[int]
    DATA_DATASET_SPEC: ClassVar[int]
    DATA_ITERATOR_SPEC: ClassVar[int]
    OPTIONAL_SPEC: ClassVar[int]
    PER_REPLICA_SPEC: ClassVar[int]
    VARIABLE_SPEC: ClassVar[int]
    ROW_PARTITION_SPEC: ClassVar[int]
    REGISTERED_TYPE_SPEC: ClassVar[int]
    EXTENSION_TYPE_SPEC: ClassVar[int]
    type_spec_class: int
    @property
    def type_state(self) -> StructuredValue: ...
    type_spec_class_name: str
    num_flat_components: int
    def __init__(
        self,
        *,
        type_spec_class: int = ...,
        type_state: StructuredValue = ...,
        type_spec_class_name: str = ...,
        num_flat_components: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["type_state"]) -> bool: ...

class VariableDef(Message):
    variable_name: str
    initial_value_name: str
    initializer_name: str
    snapshot_name: str
    @property
    def save_slice_info_def(self) -> SaveSliceInfoDef: ...
    is_resource: bool
    trainable: bool
    synchronization: int
    aggregation: int
    def __init__(
        self,
        *,
        variable_name: str = ...,
        initial_value_name: str = ...,
        initializer_name: str = ...,
        snapshot_name: str = ...,
        save_slice_info_def: SaveSliceInfoDef = ...,
        is_resource: bool = ...,
        trainable: bool = ...,
        synchronization: int = ...,
        aggregation: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["save_slice_info_def"]) -> bool: ...

class SaveSliceInfoDef(Message):
    full_name: str
    @property
    def full_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def var_offset(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def var_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        full_name: str = ...,
        full_shape: Iterable[int] = ...,
        var_offset: Iterable[int] = ...,
        var_shape: Iterable[int] = ...,
    ) -> None: ...

class SavedObjectGraph(Message):
    @property
    def nodes(self) -> RepeatedCompositeFieldContainer[SavedObject]: ...
    @property
    def concrete_functions(self) -> MessageMap[str, SavedConcreteFunction]: ...
    def __init__(
        self,
        *,
        nodes: Iterable[SavedObject] = ...,
        concrete_functions: Mapping[str, SavedConcreteFunction] = ...,
    ) -> None: ...

_SavedObjectOneof: TypeAlias = Literal[
    "user_object",
    "asset",
    "function",
    "variable",
    "bare_concrete_function",
    "constant",
    "resource",
    "captured_tensor",
]

class SavedObject(Message):
    @property
    def children(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.ObjectReference]: ...
    @property
    def dependencies(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.ObjectReference]: ...
    @property
    def slot_variables(self) -> RepeatedCompositeFieldContainer[TrackableObjectGraph.TrackableObject.SlotVariableReference]: ...
    @property
    def user_object(self) -> SavedUserObject: ...
    @property
    def asset(self) -> SavedAsset: ...
    @property
    def function(self) -> SavedFunction: ...
    @property
    def variable(self) -> SavedVariable: ...
    @property
    def bare_concrete_function(self) -> SavedBareConcreteFunction: ...
    @property
    def constant(self) -> SavedConstant: ...
    @property
    def resource(self) -> SavedResource: ...
    @property
    def captured_tensor(self) -> CapturedTensor: ...
    @property
    def saveable_objects(self) -> MessageMap[str, SaveableObject]: ...
    registered_name: str
    @property
    def serialized_user_proto(self) -> Any: ...
    registered_saver: str
    def __init__(
        self,
        *,
        children: Iterable[TrackableObjectGraph.TrackableObject.ObjectReference] = ...,
        dependencies: Iterable[TrackableObjectGraph.TrackableObject.ObjectReference] = ...,
        slot_variables: Iterable[TrackableObjectGraph.TrackableObject.SlotVariableReference] = ...,
        user_object: SavedUserObject = ...,
        asset: SavedAsset = ...,
        function: SavedFunction = ...,
        variable: SavedVariable = ...,
        bare_concrete_function: SavedBareConcreteFunction = ...,
        constant: SavedConstant = ...,
        resource: SavedResource = ...,
        captured_tensor: CapturedTensor = ...,
        saveable_objects: Mapping[str, SaveableObject] = ...,
        registered_name: str = ...,
        serialized_user_proto: Any = ...,
        registered_saver: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "user_object",
            "asset",
            "function",
            "variable",
            "bare_concrete_function",
            "constant",
            "resource",
            "captured_tensor",
            "serialized_user_proto",
        ],
    ) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["kind"]) -> _SavedObjectOneof | None: ...

class SavedUserObject(Message):
    identifier: str
    @property
    def version(self) -> VersionDef: ...
    metadata: str
    def __init__(
        self,
        *,
        identifier: str = ...,
        version: VersionDef = ...,
        metadata: str = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["version"]) -> bool: ...

class SavedAsset(Message):
    asset_file_def_index: int
    def __init__(
        self,
        *,
        asset_file_def_index: int = ...,
    ) -> None: ...

class SavedFunction(Message):
    @property
    def concrete_functions(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def function_spec(self) -> FunctionSpec: ...
    def __init__(
        self,
        *,
        concrete_functions: Iterable[str] = ...,
        function_spec: FunctionSpec = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["function_spec"]) -> bool: ...

class CapturedTensor(Message):
    name: str
    concrete_function: str
    def __init__(
        self,
        *,
        name: str = ...,
        concrete_function: str = ...,
    ) -> None: ...

class SavedConcreteFunction(Message):
    @property
    def bound_inputs(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def canonicalized_input_signature(self) -> StructuredValue: ...
    @property
    def output_signature(self) -> StructuredValue: ...
    def __init__(
        self,
        *,
        bound_inputs: Iterable[int] = ...,
        canonicalized_input_signature: StructuredValue = ...,
        output_signature: StructuredValue = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "canonicalized_input_signature",
            "output_signature",
        ],
    ) -> bool: ...

class SavedBareConcreteFunction(Message):
    concrete_function_name: str
    @property
    def argument_keywords(self) -> RepeatedScalarFieldContainer[str]: ...
    allowed_positional_arguments: int
    @property
    def function_spec(self) -> FunctionSpec: ...
    def __init__(
        self,
        *,
        concrete_function_name: str = ...,
        argument_keywords: Iterable[str] = ...,
        allowed_positional_arguments: int = ...,
        function_spec: FunctionSpec = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["function_spec"]) -> bool: ...

class SavedConstant(Message):
    operation: str
    def __init__(
        self,
        *,
        operation: str = ...,
    ) -> None: ...

class SavedVariable(Message):
    dtype: int
    @property
    def shape(self) -> TensorShapeProto: ...
    trainable: bool
    synchronization: int
    aggregation: int
    name: str
    device: str
    @property
    def experimental_distributed_variable_components(self) -> RepeatedCompositeFieldContainer[SavedVariable]: ...
    def __init__(
        self,
        *,
        dtype: int = ...,
        shape: TensorShapeProto = ...,
        trainable: bool = ...,
        synchronization: int = ...,
        aggregation: int = ...,
        name: str = ...,
        device: str = ...,
        experimental_distributed_variable_components: Iterable[SavedVariable] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape"]) -> bool: ...

class FunctionSpec(Message):
    DEFAULT: ClassVar[int]
    ON: ClassVar[int]
    OFF: ClassVar[int]
    @property
    def fullargspec(self) -> StructuredValue: ...
    is_method: bool
    @property
    def input_signature(self) -> StructuredValue: ...
    jit_compile: int
    def __init__(
        self,
        *,
        fullargspec: StructuredValue = ...,
        is_method: bool = ...,
        input_signature: StructuredValue = ...,
        jit_compile: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["fullargspec", "input_signature"]) -> bool: ...

class SavedResource(Message):
    device: str
    def __init__(
        self,
        *,
        device: str = ...,
    ) -> None: ...

class SaveableObject(Message):
    save_function: int
    restore_function: int
    def __init__(
        self,
        *,
        save_function: int = ...,
        restore_function: int = ...,
    ) -> None: ...

class SaverDef(Message):
    LEGACY: ClassVar[int]
    V1: ClassVar[int]
    V2: ClassVar[int]
    filename_tensor_name: str
    save_tensor_name: str
    restore_op_name: str
    max_to_keep: int
    sharded: bool
    keep_checkpoint_every_n_hours: float
    version: int
    def __init__(
        self,
        *,
        filename_tensor_name: str = ...,
        save_tensor_name: str = ...,
        restore_op_name: str = ...,
        max_to_keep: int = ...,
        sharded: bool = ...,
        keep_checkpoint_every_n_hours: float = ...,
        version: int = ...,
    ) -> None: ...

class MetaGraphDef(Message):
    class MetaInfoDef(Message):
        meta_graph_version: str
        @property
        def stripped_op_list(self) -> OpList: ...
        @property
        def any_info(self) -> Any: ...
        @property
        def tags(self) -> RepeatedScalarFieldContainer[str]: ...
        tensorflow_version: str
        tensorflow_git_version: str
        stripped_default_attrs: bool
        @property
        def function_aliases(self) -> ScalarMap[str, str]: ...
        def __init__(
            self,
            *,
            meta_graph_version: str = ...,
            stripped_op_list: OpList = ...,
            any_info: Any = ...,
            tags: Iterable[str] = ...,
            tensorflow_version: str = ...,
            tensorflow_git_version: str = ...,
            stripped_default_attrs: bool = ...,
            function_aliases: Mapping[str, str] = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["stripped_op_list", "any_info"]) -> bool: ...

    @property
    def meta_info_def(self) -> MetaGraphDef.MetaInfoDef: ...
    @property
    def graph_def(self) -> GraphDef: ...
    @property
    def saver_def(self) -> SaverDef: ...
    @property
    def collection_def(self) -> MessageMap[str, CollectionDef]: ...
    @property
    def signature_def(self) -> MessageMap[str, SignatureDef]: ...
    @property
    def asset_file_def(self) -> RepeatedCompositeFieldContainer[AssetFileDef]: ...
    @property
    def object_graph_def(self) -> SavedObjectGraph: ...
    def __init__(
        self,
        *,
        meta_info_def: MetaGraphDef.MetaInfoDef = ...,
        graph_def: GraphDef = ...,
        saver_def: SaverDef = ...,
        collection_def: Mapping[str, CollectionDef] = ...,
        signature_def: Mapping[str, SignatureDef] = ...,
        asset_file_def: Iterable[AssetFileDef] = ...,
        object_graph_def: SavedObjectGraph = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "meta_info_def",
            "graph_def",
            "saver_def",
            "object_graph_def",
        ],
    ) -> bool: ...

class OpList(Message):
    @property
    def op(self) -> RepeatedCompositeFieldContainer[OpDef]: ...
    def __init__(
        self,
        *,
        op: Iterable[OpDef] = ...,
    ) -> None: ...

_CollectionDefOneof: TypeAlias = Literal[
    "node_list",
    "bytes_list",
    "int64_list",
    "float_list",
    "any_list",
]

class CollectionDef(Message):
    class NodeList(Message):
        @property
        def value(self) -> RepeatedScalarFieldContainer[str]: ...
        def __init__(
            self,
            *,
            value: Iterable[str] = ...,
        ) -> None: ...

    class BytesList(Message):
        @property
        def value(self) -> RepeatedScalarFieldContainer[bytes]: ...
        def __init__(
            self,
            *,
            value: Iterable[bytes] = ...,
        ) -> None: ...

    class Int64List(Message):
        @property
        def value(self) -> RepeatedScalarFieldContainer[int]: ...
        def __init__(
            self,
            *,
            value: Iterable[int] = ...,
        ) -> None: ...

    class FloatList(Message):
        @property
        def value(self) -> RepeatedScalarFieldContainer[float]: ...
        def __init__(
            self,
            *,
            value: Iterable[float] = ...,
        ) -> None: ...

    class AnyList(Message):
        @property
        def value(self) -> RepeatedCompositeFieldContainer[Any]: ...
        def __init__(
            self,
            *,
            value: Iterable[Any] = ...,
        ) -> None: ...

    @property
    def node_list(self) -> CollectionDef.NodeList: ...
    @property
    def bytes_list(self) -> CollectionDef.BytesList: ...
    @property
    def int64_list(self) -> CollectionDef.Int64List: ...
    @property
    def float_list(self) -> CollectionDef.FloatList: ...
    @property
    def any_list(self) -> CollectionDef.AnyList: ...
    def __init__(
        self,
        *,
        node_list: CollectionDef.NodeList = ...,
        bytes_list: CollectionDef.BytesList = ...,
        int64_list: CollectionDef.Int64List = ...,
        float_list: CollectionDef.FloatList = ...,
        any_list: CollectionDef.AnyList = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "node_list",
            "bytes_list",
            "int64_list",
            "float_list",
            "any_list",
        ],
    ) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["kind"]) -> _CollectionDefOneof | None: ...

_TensorInfoOneof: TypeAlias = Literal[
    "name",
    "coo_sparse",
    "composite_tensor",
]

class TensorInfo(Message):
    class CooSparse(Message):
        values_tensor_name: str
        indices_tensor_name: str
        dense_shape_tensor_name: str
        def __init__(
            self,
            *,
            values_tensor_name: str = ...,
            indices_tensor_name: str = ...,
            dense_shape_tensor_name: str = ...,
        ) -> None: ...

    class CompositeTensor(Message):
        @property
        def type_spec(self) -> TypeSpecProto: ...
        @property
        def components(self) -> RepeatedCompositeFieldContainer[TensorInfo]: ...
        def __init__(
            self,
            *,
            type_spec: TypeSpecProto = ...,
            components: Iterable[TensorInfo] = ...,
        ) -> None: ...
        def HasField(self, field_name: Literal["type_spec"]) -> bool: ...

    name: str
    @property
    def coo_sparse(self) -> TensorInfo.CooSparse: ...
    @property
    def composite_tensor(self) -> TensorInfo.CompositeTensor: ...
    dtype: int
    @property
    def tensor_shape(self) -> TensorShapeProto: ...
    def __init__(
        self,
        *,
        name: str = ...,
        coo_sparse: TensorInfo.CooSparse = ...,
        composite_tensor: TensorInfo.CompositeTensor = ...,
        dtype: int = ...,
        tensor_shape: TensorShapeProto = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "name",
            "coo_sparse",
            "composite_tensor",
            "tensor_shape",
        ],
    ) -> bool: ...
    def WhichOneof(self, oneof_group: Literal["encoding"]) -> _TensorInfoOneof | None: ...

class SignatureDef(Message):
    @property
    def inputs(self) -> MessageMap[str, TensorInfo]: ...
    @property
    def outputs(self) -> MessageMap[str, TensorInfo]: ...
    method_name: str
    @property
    def defaults(self) -> MessageMap[str, TensorProto]: ...
    def __init__(
        self,
        *,
        inputs: Mapping[str, TensorInfo] = ...,
        outputs: Mapping[str, TensorInfo] = ...,
        method_name: str = ...,
        defaults: Mapping[str, TensorProto] = ...,
    ) -> None: ...

class AssetFileDef(Message):
    @property
    def tensor_info(self) -> TensorInfo: ...
    filename: str
    def __init__(
        self,
        *,
        tensor_info: TensorInfo = ...,
        filename: str = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["tensor_info"]) -> bool: ...

class SavedModel(Message):
    saved_model_schema_version: int
    @property
    def meta_graphs(self) -> RepeatedCompositeFieldContainer[MetaGraphDef]: ...
    def __init__(
        self,
        *,
        saved_model_schema_version: int = ...,
        meta_graphs: Iterable[MetaGraphDef] = ...,
    ) -> None: ...

class SavedSliceMeta(Message):
    name: str
    @property
    def shape(self) -> TensorShapeProto: ...
    type: int
    @property
    def slice(self) -> RepeatedCompositeFieldContainer[TensorSliceProto]: ...
    def __init__(
        self,
        *,
        name: str = ...,
        shape: TensorShapeProto = ...,
        type: int = ...,
        slice: Iterable[TensorSliceProto] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape"]) -> bool: ...

class SavedTensorSliceMeta(Message):
    @property
    def tensor(self) -> RepeatedCompositeFieldContainer[SavedSliceMeta]: ...
    @property
    def versions(self) -> VersionDef: ...
    def __init__(
        self,
        *,
        tensor: Iterable[SavedSliceMeta] = ...,
        versions: VersionDef = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["versions"]) -> bool: ...

class SavedSlice(Message):
    name: str
    @property
    def slice(self) -> TensorSliceProto: ...
    @property
    def data(self) -> TensorProto: ...
    def __init__(
        self,
        *,
        name: str = ...,
        slice: TensorSliceProto = ...,
        data: TensorProto = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["slice", "data"]) -> bool: ...

class SavedTensorSlices(Message):
    @property
    def meta(self) -> SavedTensorSliceMeta: ...
    @property
    def data(self) -> SavedSlice: ...
    def __init__(
        self,
        *,
        meta: SavedTensorSliceMeta = ...,
        data: SavedSlice = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["meta", "data"]) -> bool: ...

class CheckpointState(Message):
    model_checkpoint_path: str
    @property
    def all_model_checkpoint_paths(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def all_model_checkpoint_timestamps(self) -> RepeatedScalarFieldContainer[float]: ...
    last_preserved_timestamp: float
    def __init__(
        self,
        *,
        model_checkpoint_path: str = ...,
        all_model_checkpoint_paths: Iterable[str] = ...,
        all_model_checkpoint_timestamps: Iterable[float] = ...,
        last_preserved_timestamp: float = ...,
    ) -> None: ...
