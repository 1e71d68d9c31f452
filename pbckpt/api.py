"""The library face: every public name of pbckpt.

convert           a frozen graph becomes a checkpoint
open_graph        a frozen graph's nodes; detect_variables: what was a variable
save_checkpoint   arrays become a checkpoint
open_checkpoint   a checkpoint as a mapping; load_checkpoint: all of it;
                  list_variables, load_variable: as in tf.train
verify            every byte of a checkpoint, checked
inspect           what a file holds
"""

from __future__ import annotations

from pbckpt.applications.checkpoint import (
    Checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
    open_checkpoint,
)
from pbckpt.applications.convert import Report, convert
from pbckpt.applications.frozen_graph import FrozenGraph, detect_variables, open_graph
from pbckpt.applications.inspect import CheckpointContents, GraphContents, inspect
from pbckpt.applications.save import save_checkpoint
from pbckpt.applications.verify import Problem, VerifyReport, verify
from pbckpt.applications.write import WrittenBundle
from pbckpt.bundle.reader import Verify
from pbckpt.dtypes import DataType
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
from pbckpt.graph.decode import Limits
from pbckpt.storage.commit import OnExisting
from pbckpt.storage.directory import Durability
from pbckpt.variables.detect import Detection, Skipped, Variable

__all__ = [
    "BundleError",
    "Checkpoint",
    "CheckpointContents",
    "ChecksumError",
    "CorruptFileError",
    "DataType",
    "Detection",
    "Durability",
    "DurabilityError",
    "FrozenGraph",
    "GraphContents",
    "GraphDecodeError",
    "GraphError",
    "InvalidGraphError",
    "LimitError",
    "Limits",
    "MissingFileError",
    "NotCommittedError",
    "OnExisting",
    "PathError",
    "PbckptError",
    "Problem",
    "Report",
    "Select",
    "Selection",
    "SelectionError",
    "Skipped",
    "UnknownKeyError",
    "UnsupportedBundleError",
    "UnsupportedGraphError",
    "Variable",
    "Verify",
    "VerifyReport",
    "WriteError",
    "WrittenBundle",
    "convert",
    "detect_variables",
    "inspect",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "open_checkpoint",
    "open_graph",
    "save_checkpoint",
    "verify",
]
