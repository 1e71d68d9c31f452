"""The library face: every public name of pbckpt.

convert           a frozen graph becomes a checkpoint
convert_to_saved_model: or a SavedModel
freeze            a graph and its checkpoint become a frozen graph
match_target      how a graph fills a target, before it is converted like that
open_graph        a frozen graph's nodes; detect_variables: what was a variable
save_checkpoint   arrays become a checkpoint
open_checkpoint   a checkpoint as a mapping; load_checkpoint: all of it;
                  list_variables, load_variable, latest_checkpoint: as in tf.train
edit              a checkpoint becomes another one; merge, average: several do
diff              in what two checkpoints differ
pack, unpack      .npz and .safetensors files to checkpoints, and back
verify            every byte of a checkpoint, checked
inspect           what a file holds
explain           why a constant was a variable, or why not
score             how detection does on a graph whose variables are known
read_state, set_state, repair_state: the ``checkpoint`` file of a directory

Each name is imported when it is first used: who copies a checkpoint never
loads numpy, who reads arrays nothing of graphs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbckpt.applications.average import average
    from pbckpt.applications.checkpoint import (
        Checkpoint,
        TensorSlices,
        latest_checkpoint,
        list_variables,
        load_checkpoint,
        load_variable,
        open_checkpoint,
    )
    from pbckpt.applications.convert import Report, convert
    from pbckpt.applications.convert_like import match_target
    from pbckpt.applications.diff import Difference, DiffReport, TensorDifference, diff
    from pbckpt.applications.edit import EditedTensor, EditReport, edit, read_map
    from pbckpt.applications.explain import explain
    from pbckpt.applications.freeze import NO_MAXIMUM, FreezeReport, freeze
    from pbckpt.applications.frozen_graph import FrozenGraph, detect_variables, open_graph
    from pbckpt.applications.inspect import CheckpointContents, GraphContents, inspect
    from pbckpt.applications.like import (
        Fill,
        Filled,
        Like,
        MatchReport,
        OnLeftOver,
        OnMissing,
    )
    from pbckpt.applications.merge import Prefer, merge
    from pbckpt.applications.outputs import OutputsFrom
    from pbckpt.applications.pack import pack
    from pbckpt.applications.save import save_checkpoint
    from pbckpt.applications.saved_model import SavedModelForm, convert_to_saved_model
    from pbckpt.applications.score import Score, score
    from pbckpt.applications.state import (
        ListedCheckpoint,
        State,
        read_state,
        repair_state,
        set_state,
    )
    from pbckpt.applications.thaw import MetaFile, Thaw
    from pbckpt.applications.unpack import unpack
    from pbckpt.applications.values import Partitions, Quantized, Values
    from pbckpt.applications.verify import Problem, VerifyReport, verify
    from pbckpt.arrays.values import LazyTensor, Partitioned, partition
    from pbckpt.bundle.reader import Verify
    from pbckpt.checkpoints.layout import Format, Layout
    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.checkpoints.write import WrittenBundle
    from pbckpt.dtypes import DataType
    from pbckpt.edits.averages import Ema
    from pbckpt.edits.plan import Edits
    from pbckpt.edits.selection import Select, Selection
    from pbckpt.errors import (
        BundleError,
        ChecksumError,
        CorruptFileError,
        DurabilityError,
        GraphDecodeError,
        GraphError,
        InvalidGraphError,
        LimitError,
        MatchError,
        MissingFileError,
        NotCommittedError,
        PathError,
        PbckptError,
        SelectionError,
        UnknownKeyError,
        UnsupportedBundleError,
        UnsupportedGraphError,
        WriteError,
    )
    from pbckpt.freezing.inline import Functions
    from pbckpt.graph.decode import Limits
    from pbckpt.matching.match import Match
    from pbckpt.matching.plan import MatchBy
    from pbckpt.operators.roles import Role
    from pbckpt.storage.commit import OnExisting
    from pbckpt.storage.directory import Durability
    from pbckpt.thaw.variable import VariableKind
    from pbckpt.variables.evidence import Evidence, Strength
    from pbckpt.variables.keras import Names
    from pbckpt.variables.story import Consumer, Story
    from pbckpt.variables.variable import Detection, Skipped, Variable
    from pbckpt.variables.verdict import Outcome

_HOMES = {
    "applications.average": ("average",),
    "applications.checkpoint": (
        "Checkpoint",
        "TensorSlices",
        "latest_checkpoint",
        "list_variables",
        "load_checkpoint",
        "load_variable",
        "open_checkpoint",
    ),
    "applications.convert": ("Report", "convert"),
    "applications.convert_like": ("match_target",),
    "applications.diff": ("DiffReport", "Difference", "TensorDifference", "diff"),
    "applications.edit": ("EditReport", "EditedTensor", "edit", "read_map"),
    "applications.explain": ("explain",),
    "applications.freeze": ("NO_MAXIMUM", "FreezeReport", "freeze"),
    "applications.frozen_graph": ("FrozenGraph", "detect_variables", "open_graph"),
    "applications.inspect": ("CheckpointContents", "GraphContents", "inspect"),
    "applications.saved_model": ("SavedModelForm", "convert_to_saved_model"),
    "applications.score": ("Score", "score"),
    "checkpoints.layout": ("Format", "Layout"),
    "applications.like": (
        "Fill",
        "Filled",
        "Like",
        "MatchReport",
        "OnLeftOver",
        "OnMissing",
    ),
    "applications.merge": ("Prefer", "merge"),
    "applications.outputs": ("OutputsFrom",),
    "applications.pack": ("pack",),
    "applications.save": ("save_checkpoint",),
    "applications.state": (
        "ListedCheckpoint",
        "State",
        "read_state",
        "repair_state",
        "set_state",
    ),
    "checkpoints.stored": ("TensorInfo",),
    "applications.thaw": ("MetaFile", "Thaw"),
    "applications.unpack": ("unpack",),
    "arrays.values": ("LazyTensor", "Partitioned", "partition"),
    "applications.values": ("Partitions", "Quantized", "Values"),
    "applications.verify": ("Problem", "VerifyReport", "verify"),
    "checkpoints.write": ("WrittenBundle",),
    "bundle.reader": ("Verify",),
    "dtypes": ("DataType",),
    "edits.averages": ("Ema",),
    "edits.plan": ("Edits",),
    "edits.selection": ("Select", "Selection"),
    "errors": (
        "BundleError",
        "ChecksumError",
        "CorruptFileError",
        "DurabilityError",
        "GraphDecodeError",
        "GraphError",
        "InvalidGraphError",
        "LimitError",
        "MatchError",
        "MissingFileError",
        "NotCommittedError",
        "PathError",
        "PbckptError",
        "SelectionError",
        "UnknownKeyError",
        "UnsupportedBundleError",
        "UnsupportedGraphError",
        "WriteError",
    ),
    "graph.decode": ("Limits",),
    "matching.match": ("Match",),
    "matching.plan": ("MatchBy",),
    "storage.commit": ("OnExisting",),
    "storage.directory": ("Durability",),
    "freezing.inline": ("Functions",),
    "thaw.variable": ("VariableKind",),
    "operators.roles": ("Role",),
    "variables.variable": ("Detection", "Skipped", "Variable"),
    "variables.evidence": ("Evidence", "Strength"),
    "variables.keras": ("Names",),
    "variables.story": ("Consumer", "Story"),
    "variables.verdict": ("Outcome",),
}
_HOME_OF = {name: f"pbckpt.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "NO_MAXIMUM",
    "BundleError",
    "Checkpoint",
    "CheckpointContents",
    "ChecksumError",
    "Consumer",
    "CorruptFileError",
    "DataType",
    "Detection",
    "DiffReport",
    "Difference",
    "Durability",
    "DurabilityError",
    "EditReport",
    "EditedTensor",
    "Edits",
    "Ema",
    "Evidence",
    "Fill",
    "Filled",
    "Format",
    "FreezeReport",
    "FrozenGraph",
    "Functions",
    "GraphContents",
    "GraphDecodeError",
    "GraphError",
    "InvalidGraphError",
    "Layout",
    "LazyTensor",
    "Like",
    "LimitError",
    "Limits",
    "ListedCheckpoint",
    "Match",
    "MatchBy",
    "MatchError",
    "MatchReport",
    "MetaFile",
    "MissingFileError",
    "Names",
    "NotCommittedError",
    "OnExisting",
    "OnLeftOver",
    "OnMissing",
    "Outcome",
    "OutputsFrom",
    "Partitioned",
    "Partitions",
    "PathError",
    "PbckptError",
    "Prefer",
    "Problem",
    "Quantized",
    "Report",
    "Role",
    "SavedModelForm",
    "Score",
    "Select",
    "Selection",
    "SelectionError",
    "Skipped",
    "State",
    "Story",
    "Strength",
    "TensorDifference",
    "TensorInfo",
    "TensorSlices",
    "Thaw",
    "UnknownKeyError",
    "UnsupportedBundleError",
    "UnsupportedGraphError",
    "Values",
    "Variable",
    "VariableKind",
    "Verify",
    "VerifyReport",
    "WriteError",
    "WrittenBundle",
    "average",
    "convert",
    "convert_to_saved_model",
    "detect_variables",
    "diff",
    "edit",
    "explain",
    "freeze",
    "inspect",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "match_target",
    "merge",
    "open_checkpoint",
    "open_graph",
    "pack",
    "partition",
    "read_map",
    "read_state",
    "repair_state",
    "save_checkpoint",
    "score",
    "set_state",
    "unpack",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    home = _HOME_OF.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
