"""Listings: an index of names that a user wrote, as text or as JSON.

    # the names of a network       {"conv1/kernel": {"dtype": "float32", "shape": [3, 3, 1, 8]},
    conv1/kernel                    "conv1/bias": null}
    conv1/bias:0
    fc/kernel float32 [256, 10]    ["conv1/kernel", "conv1/bias"]

What TensorFlow prints as a variable's name ends in ``:0``, which is the output
that gives its value and no part of the key. The order of the names is taken for
that of the layers, unless it is that of the alphabet: whoever sorted them said
nothing of the layers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pbckpt.edits.casts import parse_type
from pbckpt.errors import SelectionError
from pbckpt.matching.sides import Target
from pbckpt.names import key_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbckpt.dtypes import DataType

_SHAPE = re.compile(r"[\[(]?\s*((?:[0-9]{1,18}(?![0-9])\s*(?:[,x]\s*)?)*)[\])]?")
_NUMBER = re.compile(r"[0-9]+")
_FIELDS = frozenset(("name", "dtype", "shape"))
_OUTPUT = ":0"
_MAX_RANK = 254
_MAX_SIZE = 1 << 62


def parse_listing(text: str, file_name: str = "") -> tuple[Target, ...]:
    """Return the tensors that a listing names, JSON if it begins with a bracket or brace.

    Raises SelectionError with the line, and for a name that comes twice.
    """
    text = text.removeprefix("\ufeff")
    is_json = text.lstrip()[:1] in ("{", "[")
    targets = tuple(_json_rows(text, file_name) if is_json else _text_rows(text, file_name))
    if not targets:
        raise SelectionError(f"{file_name!r} lists no names")
    seen: set[str] = set()
    for target in targets:
        if target.key in seen:
            msg = f"{file_name!r} lists {target.key!r} twice"
            raise SelectionError(msg, unknown=[target.key])
        seen.add(target.key)
    keys = [target.key for target in targets]
    if keys == sorted(keys):
        return tuple(target._replace(order=None) for target in targets)
    return targets


def _text_rows(text: str, file_name: str) -> Iterator[Target]:
    order = 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        where = f"{file_name!r}, line {number}"
        name, *rest = stripped.split(None, 2)
        dtype = _dtype(rest[0], where) if rest else None
        shape = _shape_of_text(rest[1], where) if len(rest) > 1 else None
        yield _target(name, dtype, shape, order)
        order += 1


def _dtype(name: str, where: str) -> DataType:
    try:
        return parse_type(name)
    except SelectionError as error:
        raise SelectionError(f"{where}: {error}; a row is NAME, or NAME DTYPE SHAPE") from None


def _shape_of_text(text: str, where: str) -> tuple[int, ...]:
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise SelectionError(f"{where}: {text[:60]!r} is no shape, such as [3, 3, 1, 8]")
    return _checked_shape([int(size) for size in _NUMBER.findall(match[1])], where)


def _checked_shape(shape: Sequence[Any], where: str) -> tuple[int, ...]:
    is_shape = len(shape) <= _MAX_RANK and all(
        isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= _MAX_SIZE
        for size in shape
    )
    if not is_shape:
        raise SelectionError(f"{where}: no tensor has such a shape")
    return tuple(shape)


def _json_rows(text: str, file_name: str) -> Iterator[Target]:
    import json  # noqa: PLC0415 - start-up time

    try:
        # Pairs, for a dict would lose the first of two equal names.
        listed = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise SelectionError(f"{file_name!r} is not JSON: {error}") from None
    rows = listed if isinstance(listed, _Pairs) else [_row(item) for item in listed]
    for order, (name, facts) in enumerate(rows):
        where = f"{file_name!r}, {name!r}"
        if not isinstance(name, str) or not isinstance(facts, (_Pairs, type(None))):
            raise SelectionError(f"{where}: give names, each with its dtype and shape, or null")
        yield _json_target(name, dict(facts or ()), where, order)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object."""


def _row(item: object) -> tuple[object, object]:
    if not isinstance(item, _Pairs):
        return item, None
    facts = dict(item)
    return facts.pop("name", ""), _Pairs(facts.items())


def _json_target(name: str, facts: dict[str, Any], where: str, order: int) -> Target:
    dtype, shape = facts.get("dtype"), facts.get("shape")
    unknown = [field for field in facts if field not in _FIELDS]
    if unknown or not isinstance(dtype, (str, type(None))):
        raise SelectionError(f"{where}: not a dtype and a shape: {unknown or dtype}")
    if shape is not None and (not isinstance(shape, list) or isinstance(shape, _Pairs)):
        raise SelectionError(f"{where}: a shape is a list of numbers")
    return _target(
        name,
        None if dtype is None else _dtype(dtype, where),
        None if shape is None else _checked_shape(shape, where),
        order,
    )


def _target(name: str, dtype: DataType | None, shape: tuple[int, ...] | None, order: int) -> Target:
    key = name.removesuffix(_OUTPUT)
    if not key:
        raise SelectionError("a name in a listing is empty")
    key_to_bytes(key)
    return Target(key, dtype, shape, order=order)
