"""Score: how well detection did on a graph whose variables are known.

A truth file is a JSON object that lists the variables that the graph was frozen
from, each with the constant that holds its value, and the constants that were
none:

    {"variables": {"conv/kernel": {"const": "conv/kernel", "status": "exact",
                                   "trainable": true, "sha256": "…"}},
     "consts_not_variables": ["Reshape/shape"]}

    status    the constant holds
    exact     the value itself
    merged    the value, which equals that of another variable
    other     a value that is less exact (quantized, fp16, rounded), or none

The digest is that of the elements' bytes, little-endian in C order; of strings,
each is preceded by its length in four bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.applications.computed import Computed
from pbckpt.applications.convert import tensor_of
from pbckpt.applications.frozen_graph import detect_variables, open_graph
from pbckpt.bundle.payload import stored_chunks
from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.storage.local import MappedFile
from pbckpt.variables.words import without_number

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from pbckpt.variables.variable import Detection, Variable

_HELD = frozenset(("exact", "merged"))
_LESS_EXACT = frozenset(("quantized", "fp16", "rounded", "folded-quantized"))
# What is said of a variable whose value the graph holds.
_FIELDS = {"const": str, "trainable": bool, "sha256": str}
_CHUNK_BYTES = 1 << 20


class Score(NamedTuple):
    """What was found and what was not, by names of variables and of nodes.

    ``wanted`` are variables whose values the graph holds. ``missed`` are those of
    them that were not found, ``wrong`` constants that were taken and are none.
    ``names`` were told exactly, ``last_names`` have the right last component,
    ``layers`` the right scope, but for a prefix and numbers. ``bits`` were the same of
    those ``comparable``.
    """

    wanted: int
    missed: tuple[str, ...]
    taken: int
    wrong: tuple[str, ...]
    names: int
    last_names: int
    layers: int
    trainable: int
    comparable: int
    bits: int
    ambiguous: int

    @property
    def found(self) -> int:
        """How many of the wanted variables were found."""
        return self.wanted - len(self.missed)


def score(
    path: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    tags: tuple[str, ...] | None = None,
) -> Score:
    """Return how detection does on the graph at ``path`` by the file ``truth``.

    ``tags`` choose among the graphs of a SavedModel. Raises GraphError for what is
    wrong with the graph, SelectionError for what is no truth file.
    """
    known = _read_truth(truth)
    with open_graph(path, tags=tags) as graph:
        found = detect_variables(graph)
        computed = Computed(graph)
        return score_detection(found._replace(variables=computed.settle(found.variables)), known)


def score_detection(found: Detection, truth: Mapping[str, Any]) -> Score:
    """Return how a detection does by what a truth file says."""
    taken: dict[str, list[Variable]] = {}
    for variable in found.variables:
        taken.setdefault(variable.node, []).append(variable)
    wanted = {
        name: fact
        for name, fact in truth["variables"].items()
        if fact["status"] in _HELD | _LESS_EXACT
    }
    pairs = {name: (wanted[name], one) for name, one in _paired(wanted, taken)}
    exact = [pair for pair in pairs.values() if pair[0]["status"] in _HELD]
    return Score(
        wanted=len(wanted),
        missed=tuple(name for name in wanted if name not in pairs),
        taken=len(found.variables),
        wrong=tuple(node for node in truth.get("consts_not_variables", ()) if node in taken),
        names=sum(variable.key == name for name, (_, variable) in pairs.items()),
        last_names=sum(_is_last(name, variable.key) for name, (_, variable) in pairs.items()),
        layers=sum(_is_layer(name, variable.key) for name, (_, variable) in pairs.items()),
        trainable=sum(fact["trainable"] == one.trainable for fact, one in pairs.values()),
        comparable=len(exact),
        bits=sum(fact["sha256"] == _digest(one) for fact, one in exact),
        ambiguous=sum(constant.is_ambiguous for constant in found.skipped),
    )


def _paired(
    wanted: Mapping[str, Mapping[str, Any]], taken: Mapping[str, Iterable[Variable]]
) -> Iterator[tuple[str, Variable]]:
    """Yield each name with the variable of its constant that it means, each variable once.

    Of several, a name takes its own first, then one that ends like it, then what
    is left.
    """
    names: dict[str, list[str]] = {}
    for name, fact in wanted.items():
        if fact["const"] in taken:
            names.setdefault(fact["const"], []).append(name)
    for node, waiting in names.items():
        left = list(taken[node])
        for is_meant in (str.__eq__, _is_last, _is_any):
            for name in tuple(waiting):
                one = next((one for one in left if is_meant(name, one.key)), None)
                if one is not None:
                    left.remove(one)
                    waiting.remove(name)
                    yield name, one


def _read_truth(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    with MappedFile(path) as file:
        try:
            truth = json.loads(bytes(file.view))
        except (ValueError, RecursionError):
            truth = None
    fault = _fault(truth)
    if fault:
        msg = (
            f"{file.name} is no truth file: {fault}; a truth file is a JSON object with "
            "variables, each with a status"
        )
        raise SelectionError(msg)
    return dict(truth)


def _fault(truth: Any) -> str:  # noqa: ANN401 - JSON is anything
    """Return what keeps a JSON value from being a truth file, or nothing."""
    if not isinstance(truth, dict) or not isinstance(truth.get("variables"), dict):
        return "it has no variables"
    for name, fact in truth["variables"].items():
        if not isinstance(fact, dict) or not isinstance(fact.get("status"), str):
            return f"{name!r} has no status"
        if fact["status"] in _HELD | _LESS_EXACT:
            for field, kind in _FIELDS.items():
                if not isinstance(fact.get(field), kind):
                    return f"{name!r} has no {field}"
    others = truth.get("consts_not_variables", [])
    if not isinstance(others, list) or not all(isinstance(one, str) for one in others):
        return "consts_not_variables is no list of names"
    return ""


def _is_last(name: str, key: str) -> bool:
    last, other = name.rpartition("/")[2], key.rpartition("/")[2]
    return last == other or without_number(last) == without_number(other)


def _is_any(name: str, key: str) -> bool:  # noqa: ARG001
    return True


def _is_layer(name: str, key: str) -> bool:
    """Tell whether two scopes are one, but for what comes before and for numbers."""
    scopes = [[without_number(part) for part in one.split("/")[:-1]] for one in (name, key)]
    short, long = sorted(scopes, key=len)
    return long[len(long) - len(short) :] == short


def _digest(variable: Variable) -> str:
    tensor = variable.tensor
    digest = hashlib.sha256()
    if tensor.dtype is DataType.STRING:
        for text in tensor.elements():
            digest.update(struct.pack("<I", len(text)) + text)
    else:
        payload = tensor_of(variable).payload
        for chunk in stored_chunks(payload, memoryview(bytearray(_CHUNK_BYTES))):
            digest.update(chunk)
    return digest.hexdigest()
