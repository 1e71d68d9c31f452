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
