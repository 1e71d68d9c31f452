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
import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from pbckpt.applications.frozen_graph import detect_variables, open_graph
from pbckpt.dtypes import DataType
from pbckpt.errors import SelectionError
from pbckpt.storage.local import MappedFile
from pbckpt.wire.span import chunks

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from pbckpt.variables.detect import Detection, Variable

_HELD = frozenset(("exact", "merged"))
_LESS_EXACT = frozenset(("quantized", "fp16", "rounded", "folded-quantized"))
# What is said of a variable whose value the graph holds.
_FIELDS = {"const": str, "trainable": bool, "sha256": str}
_SUFFIX = re.compile(r"_\d+$")
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


def score(path: str | os.PathLike[str], truth: str | os.PathLike[str]) -> Score:
    """Return how detection does on the graph at ``path`` by the file ``truth``.

    Raises GraphError for what is wrong with the graph, SelectionError for what is
    no truth file.
    """
    known = _read_truth(truth)
    with open_graph(path) as graph:
        return score_detection(detect_variables(graph), known)


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
    pairs = {
        name: (fact, _best(name, taken[fact["const"]]))
        for name, fact in wanted.items()
        if fact["const"] in taken
    }
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


def _best(name: str, variables: Sequence[Variable]) -> Variable:
    """Return which of the variables of one constant a name means."""
    return max(variables, key=lambda one: (one.key == name, _is_last(name, one.key)))


def _is_last(name: str, key: str) -> bool:
    last, other = name.rpartition("/")[2], key.rpartition("/")[2]
    return last == other or _SUFFIX.sub("", last) == _SUFFIX.sub("", other)


def _is_layer(name: str, key: str) -> bool:
    """Tell whether two scopes are one, but for what comes before and for numbers."""
    scopes = [[_SUFFIX.sub("", part) for part in one.split("/")[:-1]] for one in (name, key)]
    short, long = sorted(scopes, key=len)
    return long[len(long) - len(short) :] == short


def _digest(variable: Variable) -> str:
    tensor = variable.tensor
    digest = hashlib.sha256()
    if tensor.dtype is DataType.STRING:
        for text in tensor.elements():
            digest.update(struct.pack("<I", len(text)) + text)
    else:
        for chunk in chunks(tensor.spans(), memoryview(bytearray(_CHUNK_BYTES))):
            digest.update(chunk)
    return digest.hexdigest()
