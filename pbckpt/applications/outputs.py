"""Outputs: the nodes in which a frozen graph is to end.

given               as they are, with or without :0
of before           what the frozen graph ended in that this one was thawed from
of its signatures   what a SavedModel promises to give, but for those that train it
inferred            what nothing takes, and what only training takes: of that which
                    depends on an input, and is not about saving, training or telling
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from pbckpt.applications.changes import depending_on_changes
from pbckpt.applications.tables import tables_of
from pbckpt.errors import SelectionError
from pbckpt.graph.still_variables import VARIABLE_OPS
from pbckpt.names import is_control_input, node_of_input
from pbckpt.thaw.graph import OUTPUTS_COLLECTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbckpt.applications.frozen_graph import FrozenGraph
    from pbckpt.graph.node import Node

_INPUT_OPS = frozenset(
    ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "IteratorGetNext", "QueueDequeueV2")
)
# What gives no result of a model: it assigns, trains, saves, tells or fills.
_NO_RESULT = re.compile(
    r"(?:Resource|Sparse|Ref)*(?:Apply|Scatter)\w*|Assign\w*|NoOp|Assert|Print\w*|\w*Summary\w*"
    r"|Save\w*|Restore\w*|VarIsInitializedOp|IsVariableInitialized|Initialize\w*"
    r"|LookupTable(?:Import|Insert)\w*|Const|Placeholder\w*|ReadVariableOp|MergeV2Checkpoints"
    r"|ShardedFilename|ControlTrigger|\w*Dataset\w*|\w*Enqueue\w*|Queue\w*"
)
_NO_RESULT_SCOPE = re.compile(
    r"(?:.*/)?(?:save|gradients|report_uninitialized_variables)(?:_[0-9]+)?/.*"
)
_INIT_SIGNATURE = "__saved_model_init_op"
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")
# Of what is run once, a graph names one node, or two.
_MAX_FILLING = 8


class OutputsFrom(Enum):
    """Who said which nodes a frozen graph ends in."""

    GIVEN = "given"
    SIGNATURES = "signatures"
    THAWED = "thawed"
    INFERRED = "inferred"


def choose_outputs(graph: FrozenGraph, given: Sequence[str]) -> tuple[tuple[str, ...], OutputsFrom]:
    """Return the names of the nodes in which the frozen graph of a graph ends, and who said so.

    Raises SelectionError for a name that no node has, and where nothing is given and
    nothing can be inferred.
    """
    if given:
        return _known(graph, given), OutputsFrom.GIVEN
    if found := _of_before(graph):
        return tuple(dict.fromkeys(found)), OutputsFrom.THAWED
    if found := _of_signatures(graph):
        return tuple(dict.fromkeys(found)), OutputsFrom.SIGNATURES
    if found := _inferred(graph.nodes):
        return tuple(dict.fromkeys(found)), OutputsFrom.INFERRED
    raise SelectionError(
        f"{graph.file.name}: which nodes are its outputs? None could be told from the others; give "
        "them with --outputs NODE,..."
    )


def _known(graph: FrozenGraph, given: Sequence[str]) -> tuple[str, ...]:
    names = {node.name for node in graph.nodes}
    chosen = tuple(dict.fromkeys(node_of_input(text) for text in given))
    unknown = [name for name in chosen if name not in names]
    if not unknown:
        return chosen
    from pbckpt.edits.nearest import nearest_names  # noqa: PLC0415 - only for an error

    near = nearest_names(unknown[0], names)
    hint = f" (nearest: {', '.join(near)})" if near else ""
    raise SelectionError(
        f"{graph.file.name} has no node {', '.join(map(repr, unknown))}{hint}; give the names of "
        "nodes that it has, which a viewer such as Netron shows",
        unknown=tuple(unknown),
        suggestions=tuple(near),
    )


def _of_signatures(graph: FrozenGraph) -> list[str]:
    """Return the outputs of the signatures, those of sparse tensors too."""
    if graph.meta_graph is None:
        return []
    names = {node.name for node in graph.nodes}
    trained = depending_on_changes(graph.graph)
    training: list[str] = []
    found: list[str] = []
    for key, signature in sorted(graph.meta_graph.rest.signature_def.items()):
        if key == _INIT_SIGNATURE:
            continue
        outputs: list[str] = []
        for _, info in sorted(signature.outputs.items()):
            sparse = info.coo_sparse
            texts = (
                info.name,
                sparse.values_tensor_name,
                sparse.indices_tensor_name,
                sparse.dense_shape_tensor_name,
            )
            outputs += [node_of_input(text) for text in texts if node_of_input(text) in names]
        (found if trained.isdisjoint(outputs) else training).extend(outputs)
    return found or training


def filling(graph: FrozenGraph, outputs: Sequence[str]) -> tuple[str, ...]:
    """Return the node that fills the tables that some outputs look things up in, if any.

    What sets variables as well is no part of a frozen graph.
    """
    names = {node.name for node in graph.nodes}
    tables = {one.key for one in tables_of(graph.graph, outputs)}
    if not tables or graph.meta_graph is None:
        return ()
    changing = depending_on_changes(graph.graph)
    rest = graph.meta_graph.rest
    signature = rest.signature_def.get(_INIT_SIGNATURE)
    texts = [info.name for info in signature.outputs.values()] if signature else []
    for key in _INIT_COLLECTIONS:
        texts += rest.collection_def[key].node_list.value if key in rest.collection_def else ()
    for name in (node_of_input(text) for text in texts[:_MAX_FILLING]):
        if name not in names or name in changing:
            continue
        if any(one.key in tables for one in tables_of(graph.graph, [name])):
            return (name,)
    return ()


def _of_before(graph: FrozenGraph) -> list[str]:
    """Return what the graph ended in that this one was thawed from, as far as it is there."""
    if graph.meta_graph is None:
        return []
    collections = graph.meta_graph.rest.collection_def
    if OUTPUTS_COLLECTION not in collections:
        return []
    names = {node.name for node in graph.nodes}
    listed = collections[OUTPUTS_COLLECTION].node_list.value
    return [name for text in listed if (name := node_of_input(text)) in names]


def _inferred(nodes: Sequence[Node]) -> list[str]:
    counted = {node.name: node for node in nodes if _is_result(node)}
    taken = {
        node_of_input(text)
        for node in counted.values()
        for text in node.definition.input
        if not is_control_input(text)
    }
    reached = _depending(nodes)
    return [name for name in counted if name not in taken and name in reached]


def _is_result(node: Node) -> bool:
    return (
        node.op not in VARIABLE_OPS
        and not _NO_RESULT.fullmatch(node.op)
        and not _NO_RESULT_SCOPE.fullmatch(node.name)
    )


def _depending(nodes: Iterable[Node]) -> set[str]:
    """Return the nodes that depend on an input."""
    takers: dict[str, list[str]] = {}
    waiting = []
    for node in nodes:
        if node.op in _INPUT_OPS:
            waiting.append(node.name)
        for text in node.definition.input:
            takers.setdefault(node_of_input(text), []).append(node.name)
    found = set(waiting)
    while waiting:
        fresh = [name for name in takers.get(waiting.pop(), ()) if name not in found]
        found.update(fresh)
        waiting += fresh
    return found
