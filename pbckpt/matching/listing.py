"""Listings: an index of names that a user wrote, as text or as JSON.

    # the names of a network       {"conv1/kernel": {"dtype": "float32", "shape": [3, 3, 1, 8]},
    conv1/kernel                    "conv1/bias": null}
    conv1/bias:0
    fc/kernel float32 [256, 10]    ["conv1/kernel", "conv1/bias"]
    fc/bias,float32,10
                                   {"conv1/kernel": [3, 3, 1, 8], "conv1/bias": "float32"}

and what ``--json`` prints of a graph, a checkpoint or an edit: rows of which each has
a ``key``, a ``dtype`` and a ``shape``, and more that is not looked at.

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

_SHAPE = re.compile(r"[\[(]?\s*((?:[0-9]{1,19}(?![0-9])\s*(?:[,x]\s*)?)*)[\])]?")
_NUMBER = re.compile(r"[0-9]+")
_FIELDS = frozenset(("name", "key", "dtype", "shape"))
# Where the JSON of pbckpt has the rows, and what they call a tensor.
_ROWS = ("tensors", "entries", "variables")
_NAMES = ("key", "name", "new")
# The first and second columns of a line of titles.
_TITLES = frozenset(("name", "key", "tensor", "variable"))
_TITLES_OF_FACTS = frozenset(("dtype", "type", "shape", "size"))
_GOOD_ROW = "conv1/kernel float32 [3, 3, 1, 8]"
_GOOD_JSON = '{"conv1/kernel": {"dtype": "float32", "shape": [3, 3, 1, 8]}}'
_DTYPE_AND_SHAPE = 2
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
        name, *rest = _cells(stripped, where)
        if not order and name.lower() in _TITLES and rest and rest[0].lower() in _TITLES_OF_FACTS:
            continue
        dtype = _dtype(rest[0], where) if rest and rest[0] else None
        shape = _shape_of_text(rest[1], where) if len(rest) > 1 else None
        yield _target(name, dtype, shape, order)
        order += 1


def _cells(row: str, where: str) -> list[str]:
    """Return the name and, where they are told, the type and the shape as texts."""
    cells = row.split(None, 2)
    if "," not in cells[0]:
        return cells
    import csv  # noqa: PLC0415 - start-up time

    try:
        name, *rest = (cell.strip() for cell in next(csv.reader([row], skipinitialspace=True)))
    except csv.Error as error:
        raise SelectionError(f"{where}: {error}; a row is such as {_GOOD_ROW}") from None
    if rest and rest[0].startswith(("[", "(", *"0123456789")):
        rest.insert(0, "")
    shape = ",".join(rest[1:]).strip()
    return [name, *rest[:1], *([shape] if shape else [])]


def _dtype(name: str, where: str) -> DataType:
    try:
        return parse_type(name)
    except SelectionError as error:
        raise SelectionError(
            f"{where}: {error}; a row is NAME, or NAME DTYPE SHAPE, such as {_GOOD_ROW}"
        ) from None


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
    for order, (name, given) in enumerate(_rows_of(listed)):
        where = f"{file_name!r}, {name!r}"
        facts = _facts(given)
        if not isinstance(name, str) or facts is None:
            msg = f"{where}: give names, each with its dtype and shape, or null: {_GOOD_JSON}"
            raise SelectionError(msg)
        yield _json_target(name, facts, where, order)


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object."""


def _rows_of(listed: Any) -> Iterator[tuple[object, object]]:  # noqa: ANN401 - JSON is anything
    """Yield names, and what is told of each."""
    if not isinstance(listed, _Pairs):
        yield from map(_row, listed)
        return
    members = dict(listed)
    for field in _ROWS:
        rows = members.get(field, ())
        if _is_table(rows):
            # More columns than are asked for.
            yield from (
                (name, _Pairs((field, row.get(field)) for field in ("dtype", "shape")))
                for row in map(dict, rows)
                for name in (next((row[field] for field in _NAMES if field in row), ""),)
            )
            return
    if not isinstance(members.get("schema"), int):
        yield from listed


def _is_table(rows: object) -> bool:
    """Tell whether these are rows with fields."""
    if not isinstance(rows, list) or isinstance(rows, _Pairs) or not rows:
        return False
    return all(isinstance(row, _Pairs) for row in rows)


def _row(item: object) -> tuple[object, object]:
    if not isinstance(item, _Pairs):
        return item, None
    facts = dict(item)
    name = facts.pop("name", facts.pop("key", ""))
    return name, _Pairs(facts.items())


def _facts(given: object) -> dict[str, Any] | None:
    """Return type and shape of a tensor as they were told, however briefly; or None."""
    if given is None:
        return {}
    if isinstance(given, _Pairs):
        return dict(given)
    if isinstance(given, str):
        return {"dtype": given}
    if not isinstance(given, list):
        return None
    if len(given) == _DTYPE_AND_SHAPE and isinstance(given[0], str):
        return {"dtype": given[0], "shape": given[1]}
    return {"shape": given}


def _json_target(name: str, facts: dict[str, Any], where: str, order: int) -> Target:
    dtype, shape = facts.get("dtype"), facts.get("shape")
    unknown = [field for field in facts if field not in _FIELDS]
    if unknown or not isinstance(dtype, (str, type(None))):
        raise SelectionError(
            f"{where}: not a dtype and a shape: {unknown or dtype}; a row is {_GOOD_JSON}"
        )
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
