from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions, FileDescriptorSet

from tools import compare_protos
from tools.compare_protos import describe, differences, missing, newer_than, ours, reference

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto


@pytest.fixture
def committed() -> FileDescriptorSet:
    """A copy of the committed set, to be damaged."""
    return FileDescriptorSet.FromString(compare_protos._DESCRIPTORS.read_bytes())


def message(files: FileDescriptorSet, name: str) -> DescriptorProto:
    return next(m for file in files.file for m in file.message_type if m.name == name)


def enum(files: FileDescriptorSet, name: str) -> EnumDescriptorProto:
    return next(e for file in files.file for e in file.enum_type if e.name == name)


def field(files: FileDescriptorSet, owner: str, name: str) -> FieldDescriptorProto:
    return next(f for f in message(files, owner).field if f.name == name)


def rename_types(owner: DescriptorProto) -> None:
    for each in owner.field:
        each.type_name = each.type_name.replace(".tensorflow.", ".theirs.")
    for nested in owner.nested_type:
        rename_types(nested)


def file_of(files: FileDescriptorSet, name: str) -> int:
    return next(i for i, file in enumerate(files.file) if file.name == name)


def test_our_messages_are_those_of_tensorboard() -> None:
    try:
        importlib.import_module("tensorboard.compat.proto.graph_pb2")
    except Exception as error:  # noqa: BLE001 - its modules refuse a protobuf that is too old
        pytest.skip(f"no tensorboard, or none for this protobuf: {error}")
    version = metadata.version("tensorboard")
    if tuple(map(int, version.split(".")[:2])) < (2, 15):
        pytest.skip(f"tensorboard {version} is older than messages that we have")
    theirs = reference("tensorboard")
    assert differences(ours(), theirs) == []
    assert set(missing(ours(), theirs)) == compare_protos.REFERENCES["tensorboard"].lacks


def test_a_set_is_no_different_from_itself(committed: FileDescriptorSet) -> None:
    assert differences(ours(), describe(committed.file)) == []
    assert missing(ours(), describe(committed.file)) == []


def test_the_package_is_not_compared(committed: FileDescriptorSet) -> None:
    for file in committed.file:
        file.package = "theirs"
        for each in file.message_type:
            rename_types(each)
    assert differences(ours(), describe(committed.file)) == []


@pytest.mark.parametrize(
    ("path", "change", "mine", "other"),
    [
        pytest.param(
            "GraphDef.node",
            FieldDescriptorProto(number=9),
            "[1 repeated message NodeDef]",
            "[9 repeated message NodeDef]",
            id="number",
        ),
        pytest.param(
            "TensorProto.float_val",
            FieldDescriptorProto(type=FieldDescriptorProto.TYPE_DOUBLE),
            "[5 repeated float packed]",
            "[5 repeated double packed]",
            id="type",
        ),
        pytest.param(
            "NodeDef.experimental_type",
            FieldDescriptorProto(type_name=".tensorflow.OpDef"),
            "[7 optional message FullTypeDef]",
            "[7 optional message OpDef]",
            id="message type",
        ),
        pytest.param(
            "NodeDef.op",
            FieldDescriptorProto(label=FieldDescriptorProto.LABEL_REPEATED),
            "[2 optional string]",
            "[2 repeated string]",
            id="label",
        ),
        pytest.param(
            "TensorProto.int_val",
            FieldDescriptorProto(options=FieldOptions(packed=False)),
            "[7 repeated int32 packed]",
            "[7 repeated int32]",
            id="packed",
        ),
        pytest.param(
            "FullTypeDef.type_id",
            FieldDescriptorProto(oneof_index=0),
            "[1 optional enum FullTypeId]",
            "[1 optional enum FullTypeId in oneof attr]",
            id="oneof",
        ),
        pytest.param(
            "NodeDef.op",
            FieldDescriptorProto(proto3_optional=True),
            "[2 optional string]",
            "[2 optional string with presence]",
            id="presence",
        ),
        pytest.param(
            "NodeDef.op",
            FieldDescriptorProto(default_value="Const"),
            "[2 optional string]",
            "[2 optional string default Const]",
            id="default",
        ),
    ],
)
def test_an_altered_field_is_a_difference(
    committed: FileDescriptorSet,
    path: str,
    change: FieldDescriptorProto,
    mine: str,
    other: str,
) -> None:
    field(committed, *path.split(".")).MergeFrom(change)
    assert differences(ours(), describe(committed.file)) == [
        f"{path}: ours is {mine}, theirs is {other}"
    ]


def test_another_name_is_two_differences(committed: FileDescriptorSet) -> None:
    field(committed, "NodeDef", "op").name = "operator"
    assert differences(ours(), describe(committed.file)) == [
        "NodeDef.op: ours is [2 optional string], theirs is none",
        "NodeDef.operator: ours is none, theirs is [2 optional string]",
    ]


def test_a_field_that_only_they_have_is_a_difference(committed: FileDescriptorSet) -> None:
    message(committed, "VersionDef").field.add().MergeFrom(
        FieldDescriptorProto(
            name="extra",
            number=4,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_STRING,
        )
    )
    assert differences(ours(), describe(committed.file)) == [
        "VersionDef.extra: ours is none, theirs is [4 optional string]"
    ]


def test_another_syntax_is_a_difference(committed: FileDescriptorSet) -> None:
    committed.file[file_of(committed, "pbckpt/versions.proto")].ClearField("syntax")
    assert differences(ours(), describe(committed.file)) == [
        "VersionDef: ours is message of proto3, theirs is message of proto2",
        "VersionDef.bad_consumers: ours is [3 repeated int32 packed], theirs is [3 repeated int32]",
    ]


def test_an_altered_enum_value_is_a_difference(committed: FileDescriptorSet) -> None:
    enum(committed, "DataType").value[1].number = 50
    message(committed, "BundleHeaderProto").enum_type[0].value.pop()
    assert differences(ours(), describe(committed.file)) == [
        "BundleHeaderProto.Endianness.BIG: ours is 1, theirs is none",
        "DataType.DT_FLOAT: ours is 1, theirs is 50",
    ]


def test_an_older_copy_may_lack_what_is_known_to_be_newer(committed: FileDescriptorSet) -> None:
    values = enum(committed, "DataType").value
    values.remove(next(value for value in values if value.name == "DT_INT2"))
    older = describe(committed.file)
    assert differences(ours(), older) == []
    assert newer_than(ours(), older) == {"DataType.DT_INT2": "TensorFlow 2.20"}
    assert differences(ours(), older, newer={}) == [
        "DataType.DT_INT2: ours is 31, theirs is none",
    ]


def test_what_is_newer_must_be_right_where_it_is_known(committed: FileDescriptorSet) -> None:
    values = enum(committed, "DataType").value
    next(value for value in values if value.name == "DT_INT2").number = 50
    assert differences(ours(), describe(committed.file)) == [
        "DataType.DT_INT2: ours is 31, theirs is 50",
    ]


def test_a_message_that_was_not_found_is_named(committed: FileDescriptorSet) -> None:
    del committed.file[file_of(committed, "pbckpt/debug_info.proto")]
    theirs = describe(committed.file)
    assert differences(ours(), theirs) == []
    assert missing(ours(), theirs) == [
        "GraphDebugInfo",
        "GraphDebugInfo.FileLineCol",
        "GraphDebugInfo.StackTrace",
    ]


def test_the_program_fails_on_a_difference(
    committed: FileDescriptorSet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    field(committed, "NodeDef", "op").number = 9
    monkeypatch.setattr(compare_protos, "reference", lambda _: describe(committed.file))
    assert compare_protos.main([]) == 1
    assert capsys.readouterr().out == (
        "NodeDef.op: ours is [2 optional string], theirs is [9 optional string]\n"
        "118 types compared, 1 differences\n"
    )


@pytest.mark.parametrize(("against", "code"), [("tensorboard", 0), ("tensorflow", 1)])
def test_the_program_fails_on_a_message_that_should_be_there(
    against: str,
    code: int,
    committed: FileDescriptorSet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del committed.file[file_of(committed, "pbckpt/state.proto")]
    monkeypatch.setattr(compare_protos, "reference", lambda _: describe(committed.file))
    assert compare_protos.main(["--against", against]) == code
    assert f"CheckpointState: not in {against}" in capsys.readouterr().out
