"""Compare our .proto files with somebody else's copy of TensorFlow's.

    compare_protos.py                       with the copy inside tensorboard
    compare_protos.py --against tensorflow  with TensorFlow's own

Our files were written by hand, and a wrong number in one reads every file
wrongly without an error. So every message that we have is compared with what
the other side makes of it: syntax, fields, numbers, types, labels, packing,
oneofs, defaults, enum values. A field that only the other side has counts too:
for a decoder that lacks it, bad UTF-8 or a cut message in there goes unseen.

Prints one difference a line and exits 1 if there is any. Messages that the other
side does not have are named, since nothing was compared for them.

Any interpreter that has the other side can run this, with the repository on
PYTHONPATH or without: it needs protobuf and the committed descriptor set only.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Schema = Mapping[str, Mapping[str, str]]
    """Type -> member -> its declaration in words. The type itself is member ""."""

_DESCRIPTORS = Path(__file__).resolve().parent.parent / "pbckpt" / "protos" / "descriptors.binpb"
_GIVEN_OUT_LATER = {
    "2.19": ("DT_FLOAT8_E4M3FNUZ", "DT_FLOAT8_E4M3B11FNUZ", "DT_FLOAT8_E5M2FNUZ"),
    "2.20": ("DT_INT2", "DT_UINT2"),
    "2.21": ("DT_FLOAT4_E2M1FN",),
}
NEWER: Mapping[str, str] = {
    f"DataType.{name}{suffix}": f"TensorFlow {version}"
    for version, names in _GIVEN_OUT_LATER.items()
    for name in names
    for suffix in ("", "_REF")
}
"""What we have, and since when TensorFlow has it: an older copy may lack it."""


class Reference(NamedTuple):
    """A package that has TensorFlow's messages: where in it, and which not.

    What both use of protobuf's own messages is in protobuf.
    """

    packages: tuple[str, ...]
    lacks: frozenset[str]


REFERENCES = {
    "tensorboard": Reference(
        packages=("google.protobuf", "tensorboard.compat.proto"),
        lacks=frozenset(
            {
                "BundleEntryProto",
                "BundleHeaderProto",
                "BundleHeaderProto.Endianness",
                "CheckpointState",
                "CondContextDef",
                "ControlFlowContextDef",
                "SavedModel",
                "SavedSlice",
                "SavedSliceMeta",
                "SavedTensorSliceMeta",
                "SavedTensorSlices",
                "TensorSliceProto",
                "TensorSliceProto.Extent",
                "ValuesDef",
                "WhileContextDef",
            }
        ),
    ),
    "tensorflow": Reference(
        packages=(
            "google.protobuf",
            "tensorflow.core.framework",
            "tensorflow.core.protobuf",
            "tensorflow.core.util",
            "tensorflow.python.training",
        ),
        lacks=frozenset(),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what differs, what was not compared, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", choices=sorted(REFERENCES), default="tensorboard")
    name = parser.parse_args(arguments).against
    mine, theirs = ours(), reference(name)
    found = differences(mine, theirs)
    absent = missing(mine, theirs)
    for line in found:
        print(line)
    for type_name in absent:
        expected = type_name in REFERENCES[name].lacks
        print(f"{type_name}: not in {name}{', as expected' if expected else ''}")
    for member, since in sorted(newer_than(mine, theirs).items()):
        print(f"{member}: new in {since}, not in this {name}, as expected")
    unexpected = [type_name for type_name in absent if type_name not in REFERENCES[name].lacks]
    print(f"{len(mine) - len(absent)} types compared, {len(found)} differences")
    return 1 if found or unexpected else 0


def ours() -> Schema:
    """Describe the committed descriptor set."""
    return describe(FileDescriptorSet.FromString(_DESCRIPTORS.read_bytes()).file)


def reference(name: str) -> Schema:
    """Describe all that the generated modules of another package declare."""
    return describe(
        file
        for package in REFERENCES[name].packages
        for file in _generated_files(importlib.import_module(package).__path__, package)
    )


def differences(ours: Schema, theirs: Schema, newer: Mapping[str, str] = NEWER) -> list[str]:
    """Say in one line each what differs in the types that both have.

    A member that only we have is no difference where ``newer`` tells why.
    """
    lines = []
    for type_name in sorted(ours.keys() & theirs.keys()):
        mine, other = ours[type_name], theirs[type_name]
        for member in sorted(mine.keys() | other.keys()):
            name = f"{type_name}.{member}".rstrip(".")
            if member not in other and name in newer:
                continue
            left, right = mine.get(member, "none"), other.get(member, "none")
            if left != right:
                lines.append(f"{name}: ours is {left}, theirs is {right}")
    return lines


def missing(ours: Schema, theirs: Schema) -> list[str]:
    """Name the types that only we have. A map's own entries go with their map."""
    return sorted(
        name for name in ours.keys() - theirs.keys() if not ours[name][""].startswith("map")
    )


def newer_than(ours: Schema, theirs: Schema, newer: Mapping[str, str] = NEWER) -> dict[str, str]:
    """Give the members of ``newer`` that the other side has indeed not."""
    return {
        f"{type_name}.{member}": newer[f"{type_name}.{member}"]
        for type_name in ours.keys() & theirs.keys()
        for member in ours[type_name].keys() - theirs[type_name].keys()
        if f"{type_name}.{member}" in newer
    }


def describe(files: Iterable[FileDescriptorProto]) -> Schema:
    """Put the declarations of some files in words that can be compared.

    Type names lose the file's package, the one thing that is bound to differ.
    """
    schema: dict[str, dict[str, str]] = {}
    for file in files:
        schema.update(_enums(file.enum_type, ""))
        for message in file.message_type:
            schema.update(_message(message, file, ""))
    return schema


def _generated_files(folders: Iterable[str], package: str) -> Iterator[FileDescriptorProto]:
    """Yield the file behind every generated module of a package."""
    for module in pkgutil.iter_modules(folders):
        if module.name.endswith("_pb2"):
            file = FileDescriptorProto()
            importlib.import_module(f"{package}.{module.name}").DESCRIPTOR.CopyToProto(file)
            yield file


def _message(
    message: DescriptorProto, file: FileDescriptorProto, outer: str
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a message and everything nested in it.

    The syntax matters: proto2 checks no UTF-8, closes enums, packs only on
    demand and keeps track of presence.
    """
    name = outer + message.name
    kind = "map entry" if message.options.map_entry else "message"
    members = {"": f"{kind} of {file.syntax or 'proto2'}"}
    oneofs = [oneof.name for oneof in message.oneof_decl]
    for field in message.field:
        members[field.name] = _field(field, file, oneofs)
    yield name, members
    yield from _enums(message.enum_type, f"{name}.")
    for nested in message.nested_type:
        yield from _message(nested, file, f"{name}.")


def _enums(
    enums: Iterable[EnumDescriptorProto], outer: str
) -> Iterator[tuple[str, dict[str, str]]]:
    for enum in enums:
        yield outer + enum.name, {"": "enum"} | {v.name: str(v.number) for v in enum.value}


def _field(field: FieldDescriptorProto, file: FileDescriptorProto, oneofs: Sequence[str]) -> str:
    """Put a field in words: ``[4 repeated float packed]``."""
    label = FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower()
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    words = [str(field.number), label, kind]
    if field.type_name:
        words.append(field.type_name.removeprefix(f".{file.package}."))
    if _is_packed(field, file):
        words.append("packed")
    if field.proto3_optional:
        words.append("with presence")
    elif field.HasField("oneof_index"):
        words.append(f"in oneof {oneofs[field.oneof_index]}")
    if field.HasField("default_value"):
        words.append(f"default {field.default_value}")
    return f"[{' '.join(words)}]"


def _is_packed(field: FieldDescriptorProto, file: FileDescriptorProto) -> bool:
    """Tell how a list of numbers is written: proto3 packs where nothing is said."""
    if field.label != field.LABEL_REPEATED or field.type in {
        field.TYPE_STRING,
        field.TYPE_BYTES,
        field.TYPE_MESSAGE,
        field.TYPE_GROUP,
    }:
        return False
    if field.options.HasField("packed"):
        return field.options.packed
    return file.syntax == "proto3"


if __name__ == "__main__":
    sys.exit(main())
