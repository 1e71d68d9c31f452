"""The graph of a checkpoint of variables that have one owner and a name each.

    node 0       root: a child a name, in the order of the names
    node 1 …     a variable each: VARIABLE_VALUE, full name, key
    last node    save_counter, which tf.train.Checkpoint.save adds and .write does not

It is, byte for byte, what ``tf.train.Checkpoint(**{name: tf.Variable(value,
name=name)})`` of TensorFlow 2 writes, and is encoded by hand, as a checkpoint
can have a hundred thousand variables.

The trap is names that are Checkpoint's own: it keeps its variables as its
attributes, so a variable called ``_write`` takes the place of the method that
would write it. Such names are refused, and so is one that TensorFlow writes
and then does not find.

Reference: tensorflow/python/checkpoint/{checkpoint,save_util}.py, as of 2.21. Pure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pbckpt.errors import SelectionError
from pbckpt.objects.keys import SAVE_COUNTER, VARIABLE_VALUE, escape, variable_key
from pbckpt.wire.varint import encode_varint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What tf.train.Checkpoint cannot be given, or cannot write, save or restore with.
# (Its public methods are not among them: tf.train.Checkpoint.write(checkpoint, prefix)
# does without the attribute.)
_OCCUPIED = frozenset(
    {
        "__class__",
        "__dict__",
        "__weakref__",
        "_add_variable_with_custom_getter",
        "_checkpoint_adapter",
        "_checkpoint_dependencies",
        "_checkpoint_options",
        "_deferred_dependencies",
        "_gather_saveables_for_checkpoint",
        "_handle_deferred_dependencies",
        "_lookup_dependency",
        "_maybe_create_save_counter",
        "_maybe_initialize_trackable",
        "_name_based_restores",
        "_object_identifier",
        "_preload_simple_restoration",
        "_save_counter",
        "_self_name_based_restores",
        "_self_saveable_object_factories",
        "_self_setattr_tracking",
        "_self_unconditional_checkpoint_dependencies",
        "_self_unconditional_deferred_dependencies",
        "_self_unconditional_dependency_names",
        "_serialize_to_tensors",
        "_setattr_tracking",
        "_track_trackable",
        "_trackable_children",
        "_unconditional_checkpoint_dependencies",
        "_unconditional_dependency_names",
        "_update_uid",
        "_write",
        "root",
        SAVE_COUNTER,
        "self",
    }
)
_NODE, _CHILD, _ATTRIBUTE = b"\x0a", b"\x0a", b"\x12"
_ID, _LOCAL_NAME, _FULL_NAME, _KEY = b"\x08", b"\x12", b"\x12", b"\x1a"
_NAME_FIELD = b"\x0a\x0e" + VARIABLE_VALUE.encode()
_KEY_END = variable_key(())
_HAS_VALUES, _HAS_NONE = b"\x2a\x02\x08\x01", b"\x2a\x00"


def flat_graph(names: Sequence[str], *, save_counter: bool) -> bytes:
    """Return the graph that TensorFlow writes for variables of these names.

    Raises SelectionError for names of which it writes none, telling all.
    """
    ordered = sorted(names)
    check_flat_names(ordered)
    if save_counter:
        ordered.append(SAVE_COUNTER)
    children = b"".join(_children(ordered))
    root = _field(_NODE, children + (_HAS_VALUES if ordered else _HAS_NONE))
    return root + b"".join(map(_variable, ordered))


def flat_variable_key(name: str) -> str:
    """Return the key of the variable of that name."""
    return escape(name) + _KEY_END


def check_flat_names(names: Sequence[str]) -> None:
    """Raise SelectionError for names that no tf.train.Checkpoint can have as its own."""
    ordered = sorted(names)
    twice = {name for name, other in pairwise(ordered) if name == other}
    problems = [
        f"{name!r} {problem}"
        for name in dict.fromkeys(ordered)
        if (problem := "is there twice" if name in twice else _problem(name))
    ]
    if problems:
        msg = (
            "tf.train.Checkpoint cannot have variables of these names: "
            f"{', '.join(problems)}; rename or leave them out"
        )
        raise SelectionError(msg)


def _problem(name: str) -> str:
    """Return what keeps a name from being a variable's; nothing for most."""
    if name in _OCCUPIED:
        return "is taken by the Checkpoint itself"
    if name.endswith(".ATTRIBUTES"):
        return "has an ending at which TensorFlow splits keys"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    return ""


def _children(names: list[str]) -> Iterator[bytes]:
    for node_id, name in enumerate(names, 1):
        yield _field(_CHILD, _ID + encode_varint(node_id) + _text(_LOCAL_NAME, name))


def _variable(name: str) -> bytes:
    full_name = _text(_FULL_NAME, _full_name(name))
    attribute = _NAME_FIELD + full_name + _field(_KEY, flat_variable_key(name).encode())
    return _field(_NODE, _field(_ATTRIBUTE, attribute) + _HAS_VALUES)


def _full_name(name: str) -> str:
    """Return what TensorFlow makes of ``tf.Variable(…, name=name)``.

    A slash at the end says that the name is a scope, a colon starts the
    number of an output: neither is kept.
    """
    return name.removesuffix("/").partition(":")[0]


def _text(tag: bytes, text: str) -> bytes:
    return _field(tag, text.encode()) if text else b""


def _field(tag: bytes, body: bytes) -> bytes:
    return tag + encode_varint(len(body)) + body
