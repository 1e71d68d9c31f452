"""Tables: what the words that a graph looks up are filled from.

    HashTableV2          <- InitializeTable, LookupTableImport of constants    in the graph
    MutableHashTableV2   <- LookupTableImport <- RestoreV2                     in the checkpoint
                            NAME-keys, NAME-values
                            OBJECT/.ATTRIBUTES/table-keys, table-values        TensorFlow 2

The trap is the second kind: its node looks like the first, but no constant of the graph
has what is in it, so that in a frozen graph it would be empty and say nothing.

Reference: tensorflow/python/ops/lookup_ops.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pbckpt.errors import UnsupportedGraphError
from pbckpt.freezing.references import References, named_by
from pbckpt.names import is_control_input, key_to_bytes, key_to_text
from pbckpt.rewrite.build import SEPARATOR, producer
from pbckpt.rewrite.reach import leading_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbckpt.checkpoints.stored import V1, Bundle
    from pbckpt.graph.decode import Graph
    from pbckpt.graph.node import Node

_TABLE = re.compile(r"(?:Anonymous)?(?:Mutable)?(?:Dense)?HashTable(?:OfTensors)?(?:V2)?")
_FILLS = re.compile(r"InitializeTable\w*|LookupTable(?:Import|Insert)\w*")
_IMPORT = re.compile(r"LookupTableImport(?:V2)?")
_RESTORE = frozenset(("RestoreV2", "Restore", "RestoreSlice"))
# From what is restored to the table: an Identity or two.
_MAX_STEPS = 8
_KEYS, _VALUES = b"-keys", b"-values"
_OBJECT_KEYS = b"/.ATTRIBUTES/table-keys"


class Table(NamedTuple):
    """A table: its node, and the function that it is in; none is the main graph."""

    node: Node
    function: str = ""

    @property
    def is_mutable(self) -> bool:
        """Tell whether a program may have filled it otherwise than its graph says."""
        return "Mutable" in self.node.op

    @property
    def title(self) -> str:
        """Its name, with that of its function."""
        return f"{self.function}{SEPARATOR}{self.node.name}" if self.function else self.node.name

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by: tables of one shared name are one, wherever they are."""
        shared = self.shared_name
        return (key_to_text(shared),) if shared else (self.function, self.node.name)

    @property
    def shared_name(self) -> bytes:
        """The name by which functions know it; nothing where it has none."""
        value = self.node.definition.attr.get("shared_name")
        return value.s if value is not None else b""

    @property
    def described(self) -> str:
        """How to call it in a message."""
        inside = f" of function {self.function!r}" if self.function else ""
        return f"node {self.node.name!r} ({self.node.op}){inside}"


def tables_of(graph: Graph, outputs: Iterable[str]) -> list[Table]:
    """Return the tables that some outputs need, in the graph and in functions."""
    kept = leading_to(graph.nodes, outputs)
    nodes = [node for node in graph.nodes if node.name in kept]
    found = [Table(node) for node in nodes if _TABLE.fullmatch(node.op)]
    functions = {one.name: one for one in graph.functions}
    references = References(functions, {})
    references.follow(nodes, lambda name: functions[name].nodes)
    for name in references.found:
        found += [Table(one, name) for one in functions[name].nodes if _TABLE.fullmatch(one.op)]
    return found


def unfilled_tables(graph: Graph, outputs: Iterable[str]) -> tuple[str, ...]:
    """Return the tables that some outputs need and nothing fills of what leads to them.

    Those of functions are ``FUNCTION::NODE``.
    """
    outputs = tuple(outputs)
    tables = tables_of(graph, outputs)
    if not tables:
        return ()
    filling = _filling(graph) & leading_to(graph.nodes, outputs)
    filled = {one.key for one in tables_of(graph, filling)}
    return tuple(dict.fromkeys(one.title for one in tables if one.key not in filled))


def _filling(graph: Graph) -> set[str]:
    """Return the nodes that fill a table, or call a function that does."""
    functions = {one.name: one for one in graph.functions}
    filling = {
        name for name, one in functions.items() if any(_FILLS.fullmatch(it.op) for it in one.nodes)
    }
    callers: dict[str, list[str]] = {}
    for name, one in functions.items():
        for node in one.nodes:
            for called in named_by(node.definition):
                callers.setdefault(called, []).append(name)
    waiting = list(filling)
    while waiting:
        fresh = [name for name in callers.get(waiting.pop(), ()) if name not in filling]
        filling.update(fresh)
        waiting += fresh
    return {
        node.name
        for node in graph.nodes
        if _FILLS.fullmatch(node.op) or not filling.isdisjoint(named_by(node.definition))
    }


def refuse_stored_tables(graph: Graph, outputs: Iterable[str], stored: Bundle | V1 | None) -> None:
    """Raise UnsupportedGraphError for a table that only the checkpoint has the content of."""
    tables = [one for one in tables_of(graph, outputs) if one.is_mutable]
    if not tables:
        return
    restored = _restored_names(graph.nodes)
    keys = stored.keys() if stored is not None else ()
    is_restored = any(_imports_restored(one.nodes) for one in graph.functions)
    is_restored |= any(key.endswith(_OBJECT_KEYS) for key in keys)
    for table in tables:
        if is_restored or table.node.name in restored or _has(stored, table):
            raise UnsupportedGraphError(
                f"{table.described} is a table whose content is in the checkpoint and no "
                "constant of the graph; give outputs that do not need it with --outputs",
                node_name=table.node.name,
                op=table.node.op,
            )


def _has(stored: Bundle | V1 | None, table: Table) -> bool:
    """Tell whether a checkpoint has the content of a table under a name of its own."""
    if stored is None:
        return False
    names = (key_to_bytes(table.node.name), table.shared_name)
    return any(
        stored.info(name + _KEYS) is not None and stored.info(name + _VALUES) is not None
        for name in names
        if name
    )


def _restored_names(nodes: Sequence[Node]) -> set[str]:
    """Return the nodes of a graph that a saver fills."""
    by_name = {node.name: node for node in nodes}
    found = set()
    for node in nodes:
        data = _data(node)
        if _IMPORT.fullmatch(node.op) and _comes_from_restore(data[1:], by_name):
            found.add(_origin(data[0], by_name))
    return found


def _imports_restored(nodes: Sequence[Node]) -> bool:
    """Tell whether a function fills a table with what it restores."""
    imports = [node for node in nodes if _IMPORT.fullmatch(node.op)]
    by_name = {node.name: node for node in nodes} if imports else {}
    return any(_comes_from_restore(_data(node)[1:], by_name) for node in imports)


def _comes_from_restore(texts: Iterable[str], nodes: Mapping[str, Node]) -> bool:
    origins = (nodes.get(_origin(text, nodes)) for text in texts)
    return any(node is not None and node.op in _RESTORE for node in origins)


def _origin(text: str, nodes: Mapping[str, Node]) -> str:
    """Return the node whose tensor is handed on."""
    for _ in range(_MAX_STEPS):
        node = nodes.get(producer(text))
        data = _data(node) if node is not None and node.op in ("Identity", "RefIdentity") else []
        if not data:
            break
        text = data[0]
    return producer(text)


def _data(node: Node) -> list[str]:
    return [text for text in node.definition.input if not is_control_input(text)]
