"""Compile proto/ to the data and the stub in pbckpt/protos.

    proto/*.proto  --protoc-->  descriptors.binpb   a FileDescriptorSet
                                __init__.pyi        a typed class a message

Run it after every change of a .proto file, and commit what it writes. With
``--check`` it writes nothing and exits 1 if the committed files are not what it
would write.

The outputs must not depend on who compiles: files are named as they import each
other, not as they lie on this disk, and what some versions of protoc fill in and
others leave out is taken out. Needs grpcio-tools, for its protoc.

Reference: google/protobuf/descriptor.proto.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.descriptor import Descriptor

ROOT = Path(__file__).resolve().parent.parent
OUTPUTS = ROOT / "pbckpt" / "protos"
_LINE_LENGTH = 100
_HEADER = """\
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
"""
_PYTHON_TYPES = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "float",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_STRING: "str",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the outputs, or with ``--check`` name the stale ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if stale")
    check = parser.parse_args(arguments).check
    stale = [
        (path, content)
        for path, content in outputs().items()
        if not path.exists() or path.read_bytes() != content
    ]
    for path, content in stale:
        print("stale:" if check else "written:", path.relative_to(ROOT).as_posix())
        if not check:
            path.write_bytes(content)
    return 1 if check and stale else 0


def outputs() -> dict[Path, bytes]:
    """Give what each output should hold."""
    compiled = compile_set()
    return {
        OUTPUTS / "descriptors.binpb": compiled.SerializeToString(deterministic=True),
        OUTPUTS / "__init__.pyi": stub(compiled).encode(),
    }


def compile_set() -> FileDescriptorSet:
    """Run protoc over proto/: every file after those that it imports."""
    sources = sorted(f"pbckpt/{path.name}" for path in (ROOT / "proto").glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "set")
        command = [sys.executable, "-m", "grpc_tools.protoc", "--proto_path=pbckpt=proto"]
        command += ["--include_imports", f"--descriptor_set_out={output}", *sources]
        subprocess.run(command, cwd=ROOT, check=True)
        compiled = FileDescriptorSet.FromString(output.read_bytes())
    for file in compiled.file:
        for message in _with_nested(file.message_type):
            for field in message.field:
                field.ClearField("json_name")  # Follows from the name.
    return compiled


def stub(compiled: FileDescriptorSet) -> str:
    """Write the typing stub: all that a type checker learns about the messages."""
    pool = DescriptorPool()
    lines = [_HEADER]
    for file in compiled.file:
        pool.Add(file)
        for message in pool.FindFileByName(file.name).message_types_by_name.values():
            lines += [*_oneof_aliases(message), *_message(message, ""), ""]
    return "\n".join(lines)


def _with_nested(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    for message in messages:
        yield message
        yield from _with_nested(message.nested_type)


def _oneof_aliases(message: Descriptor) -> Iterator[str]:
    """Yield a name for what WhichOneof gives, for a message and those nested in it."""
    if message.oneofs:
        yield f"{_oneof_alias(message)}: TypeAlias = Literal["
        for oneof in message.oneofs:
            yield from (f'    "{field.name}",' for field in oneof.fields)
        yield "]\n"
    for nested in message.nested_types:
        yield from _oneof_aliases(nested)


def _oneof_alias(message: Descriptor) -> str:
    return f"_{message.name}Oneof"


def _message(message: Descriptor, indent: str) -> Iterator[str]:
    """Yield the lines of a class."""
    yield f"{indent}class {message.name}(Message):"
    yield from list(_body(message, indent + "    ")) or [f"{indent}    ..."]


def _body(message: Descriptor, indent: str) -> Iterator[str]:
    """Yield nested classes, constants, fields, methods."""
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            yield from _message(nested, indent)
            yield ""
    for enum in message.enum_types:
        yield from (f"{indent}{value.name}: ClassVar[int]" for value in enum.values)
    for field in message.fields:
        yield from _field(field, indent)
    if message.fields:
        yield f"{indent}def __init__("
        yield f"{indent}    self,"
        yield f"{indent}    *,"
        for field in message.fields:
            yield f"{indent}    {field.name}: {_argument_type(field)} = ...,"
        yield f"{indent}) -> None: ..."
    yield from _presence(message, indent)


def _field(field: FieldDescriptor, indent: str) -> Iterator[str]:
    """Yield a field: a number or text can be assigned, all else only changed in place."""
    if field.is_repeated or field.message_type is not None:
        yield f"{indent}@property"
        yield f"{indent}def {field.name}(self) -> {_attribute_type(field)}: ..."
    else:
        yield f"{indent}{field.name}: {_value_type(field)}"


def _presence(message: Descriptor, indent: str) -> Iterator[str]:
    """Yield HasField and WhichOneof with the names that they take.

    For a field without presence HasField raises, so it is none of them.
    """
    present = [field.name for field in message.fields if field.has_presence]
    if present:
        yield from _method("HasField", "field_name", present, "bool", indent)
    if message.oneofs:
        groups = [oneof.name for oneof in message.oneofs]
        result = f"{_oneof_alias(message)} | None"
        yield from _method("WhichOneof", "oneof_group", groups, result, indent)


def _method(
    name: str, parameter: str, literals: Sequence[str], result: str, indent: str
) -> Iterator[str]:
    """Yield a method that takes one of some literals, on one line where it fits."""
    quoted = [f'"{literal}"' for literal in literals]
    line = f"{indent}def {name}(self, {parameter}: Literal[{', '.join(quoted)}]) -> {result}: ..."
    if len(line) <= _LINE_LENGTH:
        yield line
        return
    yield f"{indent}def {name}("
    yield f"{indent}    self,"
    yield f"{indent}    {parameter}: Literal["
    yield from (f"{indent}        {literal}," for literal in quoted)
    yield f"{indent}    ],"
    yield f"{indent}) -> {result}: ..."


def _attribute_type(field: FieldDescriptor) -> str:
    """Give what reading the field gives: a container for all that repeats."""
    if (entry := _map_entry(field)) is not None:
        key, value = entry.fields
        kind = "ScalarMap" if value.message_type is None else "MessageMap"
        return f"{kind}[{_value_type(key)}, {_value_type(value)}]"
    if not field.is_repeated:
        return _value_type(field)
    kind = "Scalar" if field.message_type is None else "Composite"
    return f"Repeated{kind}FieldContainer[{_value_type(field)}]"


def _argument_type(field: FieldDescriptor) -> str:
    """Give what the constructor takes for the field."""
    if (entry := _map_entry(field)) is not None:
        key, value = entry.fields
        return f"Mapping[{_value_type(key)}, {_value_type(value)}]"
    return f"Iterable[{_value_type(field)}]" if field.is_repeated else _value_type(field)


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    """Give the message that a map is made of on the wire, for a map."""
    message = field.message_type
    return message if message is not None and message.GetOptions().map_entry else None


def _value_type(field: FieldDescriptor) -> str:
    """Give the type of one element; what is neither message nor listed is an integer."""
    if (message := field.message_type) is not None:
        return message.full_name.removeprefix(f"{message.file.package}.")
    return _PYTHON_TYPES.get(field.type, "int")


if __name__ == "__main__":
    sys.exit(main())
