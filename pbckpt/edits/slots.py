"""Slots: the tensors of a checkpoint that are an optimizer's, not the model's.

X is a variable of the model, O the path or the name of an optimizer.

    where from                    slots                         beside them
    TF 1 optimizers               X/Adam, X/Adam_1              beta1_power
    tf.keras up to 2.10, names    O/X/m                         O/iter, O/decay
    tf.keras up to 2.10, objects  X/.OPTIMIZER_SLOT/O/m         O/iter, O/decay
    tf.keras from 2.11, names     Adam/m/X                      iteration
    Keras from 2.11, objects      O/_variables/2                O/_iterations

Keys of objects end in ``/.ATTRIBUTES/VARIABLE_VALUE``. An optimizer made in a
scope puts it before X: ``scope/X/Adam``.

The trap is a variable of the model that looks like one: a name alone is never
enough. A slot has the shape of its X, which must be there; an optimizer's path
is known by its counter. And Keras 3 saves the weights themselves under
``O/_trainable_variables``, where that is the shorter way to them.

Reference: the keys that TensorFlow 1.15 and 2.21, tf_keras and Keras 3 write,
in tests/unit/edits/test_slots.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbckpt.edits.candidate import Candidate

OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_OBJECT_SLOT = "/.OPTIMIZER_SLOT/"

# The names that TensorFlow 1's optimizers have if they get no other.
_TF1_SLOT = re.compile(
    r"(?:Adam|AdamW|AdaMax|Adadelta|Adagrad|AdagradDA|AddSignOptimizer|Ftrl|LARSOptimizer|"
    r"Momentum|MomentumW|PowerSignOptimizer|ProximalAdagrad|RegAdagrad|RMSProp|Shampoo)"
    r"(?:_[0-9]+)?\Z"
)
_TF1_POWER = re.compile(r"beta[12]_power(?:_[0-9]+)?\Z")
_KERAS_OPTIMIZER = (
    r"(?:Adadelta|Adafactor|Adagrad|Adam|Adamax|AdamW|Ftrl|Lion|Nadam|RMSprop|SGD)(?:_[0-9]+)?"
)
_KERAS_NAME = re.compile(_KERAS_OPTIMIZER + r"\Z")
_KERAS_SLOTS = frozenset(
    ("m", "v", "vhat", "momentum", "rms", "mg", "accumulator", "linear", "accum_grad", "accum_var")
)
_KERAS_211_SLOT = re.compile(
    rf"(?:^|/){_KERAS_OPTIMIZER}/(?:m|v|vhat|u|momentum|velocity|average|average_gradient|"
    r"accumulator|linear|accumulated_grad|accumulated_delta_var)/"
)
_SETTINGS = frozenset(
    (
        "iter",
        "decay",
        "learning_rate",
        "learning_rate_power",
        "beta",
        "beta_1",
        "beta_2",
        "momentum",
        "momentum_cache",
        "rho",
        "l1_regularization_strength",
        "l2_regularization_strength",
    )
)
_KERAS_211_SETTINGS = frozenset(
    (
        "_iterations",
        "_learning_rate",
        "_current_learning_rate",
        "_u_product",
        "dynamic_scale",
        "step_counter",
    )
)
_KERAS_211_LISTS = frozenset(("_variables", "_c", "_r"))
_INTEGERS = (DataType.INT32, DataType.INT64)
# Names that are paths of more components than this are nobody's.
_MAX_DEPTH = 64

_SLOT_REASON = "an optimizer's slot of "
_STATE_REASON = "an optimizer's own state"


def find_slots(candidates: Sequence[Candidate]) -> dict[int, str]:
    """Return the places of an optimizer's tensors, each with a reason."""
    return _Finder(candidates).slots


def find_variable(name: str, shape: tuple[int, ...], known: Mapping[str, Candidate]) -> str:
    """Return the variable of that shape that the path names, perhaps behind a scope, or "".

    Of several the one with the longest name is it.
    """
    for _ in range(_MAX_DEPTH):
        variable = known.get(name)
        if variable is not None and variable.shape == shape:
            return name
        _, slash, name = name.partition("/")
        if not slash:
            break
    return ""


class _Finder:
    """One look at all names for each question."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.slots: dict[int, str] = {}
        # Names of objects without their ending: an optimizer's settings are
        # called the same in both layouts.
        keys = [_object_key(candidate) for candidate in candidates]
        self._stems = [
            key.removesuffix(OBJECT_VALUE) or candidate.names[0]
            for key, candidate in zip(keys, candidates, strict=True)
        ]
        self._known = dict(zip(self._stems, candidates, strict=True))
        self._legacy, self._modern = self._optimizers()
        has_modern_names = False
        for place, (stem, candidate) in enumerate(zip(self._stems, candidates, strict=True)):
            if keys[place]:
                reason = self._object_reason(stem)
            else:
                reason = self._name_reason(stem, candidate)
                has_modern_names |= bool(reason) and _KERAS_211_SLOT.search(stem) is not None
            reason = reason or self._state_reason(stem)
            if reason:
                self.slots[place] = reason
        if has_modern_names:
            self._add_root_settings()

    def _optimizers(self) -> tuple[set[str], set[str]]:
        """Return the paths of optimizers, of Keras before and from 2.11."""
        legacy, modern = set(), set()
        for stem in self._stems:
            _, marker, slot = stem.partition(_OBJECT_SLOT)
            path, _, last = (slot or stem).rpartition("/")
            if marker or (last == "iter" and self._is_legacy_counter(stem, path)):
                legacy.add(path)
            elif last == "_iterations" and self._is_modern_counter(stem, path):
                modern.add(path)
        return legacy, modern

    def _is_legacy_counter(self, stem: str, path: str) -> bool:
        beside = self._is_scalar(_join(path, "decay")) or _is_called_as_optimizer(path)
        return beside and self._is_counter(stem)

    def _is_modern_counter(self, stem: str, path: str) -> bool:
        # It is the optimizer's first variable, and saved as the counter only.
        return self._is_counter(stem) and _join(path, "_variables/0") not in self._known

    def _is_counter(self, stem: str) -> bool:
        return self._is_scalar(stem) and self._known[stem].dtype in _INTEGERS

    def _is_scalar(self, stem: str) -> bool:
        candidate = self._known.get(stem)
        return candidate is not None and not candidate.shape

    def _object_reason(self, stem: str) -> str:
        variable, marker, _ = stem.partition(_OBJECT_SLOT)
        if marker:
            return _SLOT_REASON + variable
        path, _, last = stem.rpartition("/")
        if path in self._modern:
            is_state = last in _KERAS_211_SETTINGS and self._is_scalar(stem)
            return _STATE_REASON if is_state else ""
        optimizer, _, name = ("/" + path).rpartition("/")
        if name in _KERAS_211_LISTS and last.isdigit() and optimizer[1:] in self._modern:
            return _STATE_REASON
        return ""

    def _name_reason(self, name: str, candidate: Candidate) -> str:
        path, _, last = name.rpartition("/")
        variable = ""
        if _TF1_SLOT.match(last):
            variable = find_variable(path, candidate.shape, self._known)
        elif last in _KERAS_SLOTS and path not in self._legacy:
            variable = self._behind_optimizer(path, candidate.shape)
        modern = None if variable else _KERAS_211_SLOT.search(name)
        if modern:
            behind = self._known.get(name[modern.end() :])
            if behind is not None and behind.shape == candidate.shape:
                variable = name[modern.end() :]
        return _SLOT_REASON + variable if variable else ""

    def _behind_optimizer(self, path: str, shape: tuple[int, ...]) -> str:
        """Return the X of an O/X, where O is an optimizer and X has the shape."""
        for slash in list(re.finditer("/", path))[:_MAX_DEPTH]:
            optimizer, variable = path[: slash.start()], self._known.get(path[slash.end() :])
            is_optimizer = optimizer in self._legacy or _is_called_as_optimizer(optimizer)
            if is_optimizer and variable is not None and variable.shape == shape:
                return path[slash.end() :]
        return ""

    def _state_reason(self, stem: str) -> str:
        """Tell counters and settings, which are scalars."""
        path, _, last = stem.rpartition("/")
        if not self._is_scalar(stem):
            return ""
        is_setting = last in _SETTINGS and path in self._legacy
        is_power = _TF1_POWER.match(last) is not None and self._known[stem].dtype.is_floating
        is_scale = (
            last in ("current_loss_scale", "good_steps")
            and self._is_counter_of_scale(_join(path, "good_steps"))
            and self._is_scalar(_join(path, "current_loss_scale"))
        )
        return _STATE_REASON if is_setting or is_power or is_scale else ""

    def _is_counter_of_scale(self, stem: str) -> bool:
        return stem in self._known and self._is_counter(stem)

    def _add_root_settings(self) -> None:
        """Add what Keras from 2.11 names without a scope."""
        for place, stem in enumerate(self._stems):
            is_counter = stem == "iteration" and self._is_counter(stem)
            if is_counter or (stem == "learning_rate" and self._is_scalar(stem)):
                self.slots[place] = _STATE_REASON


def _object_key(candidate: Candidate) -> str:
    """Return the name that is the key of an object, or ""."""
    return next((name for name in candidate.names if name.endswith(OBJECT_VALUE)), "")


def _join(path: str, last: str) -> str:
    return f"{path}/{last}" if path else last


def _is_called_as_optimizer(path: str) -> bool:
    return _KERAS_NAME.match(path.rpartition("/")[2]) is not None


def is_object_key(name: str) -> bool:
    """Tell whether the key is one of an object graph, which names a path of attributes."""
    return "/.ATTRIBUTES/" in name
