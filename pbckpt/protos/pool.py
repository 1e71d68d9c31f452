"""The private descriptor pool, filled once, and a class for each message in it.

Everything happens when this module is imported, and all classes are made
together. Python imports a module once, whichever threads ask for it, and two
pools would be two GraphDefs, of which neither takes the other's nodes.

Reference: google.protobuf.descriptor_pool, google.protobuf.message_factory.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol, cast

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

_PACKAGE: Final = "pbckpt.protos"


class _DataLoader(Protocol):
    """What every importer that keeps files has: folders, zips, frozen programs."""

    def get_data(self, path: str) -> bytes: ...


def _descriptor_set() -> FileDescriptorSet:
    """Read the package data through the loader that found this module.

    Not by importlib.resources, which does the same and takes longer to import
    than the rest of this module takes to run.
    """
    loader = cast("_DataLoader", __spec__.loader)
    path = os.path.join(os.path.dirname(__file__), "descriptors.binpb")
    return FileDescriptorSet.FromString(loader.get_data(path))


def _message_class(descriptor: Descriptor) -> type[Message]:
    """Make the class of a message, and give it the classes nested in it.

    protobuf's C implementation offers nested classes as attributes by itself,
    the one in Python does not. Neither says which module the class is of.
    """
    message = GetMessageClass(descriptor)
    message.__module__ = _PACKAGE
    for nested in descriptor.nested_types:
        setattr(message, nested.name, _message_class(nested))
    return message


def _load() -> dict[str, type[Message]]:
    """Give the class of every message that is not nested, by its short name."""
    pool = DescriptorPool()
    files = _descriptor_set().file
    for file in files:  # Ordered: a file comes after those that it imports.
        pool.Add(file)
    return {
        name: _message_class(descriptor)
        for file in files
        for name, descriptor in pool.FindFileByName(file.name).message_types_by_name.items()
    }


CLASSES: Final = _load()
