"""Tables whose content is in the checkpoint are not frozen empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from pbckpt.protos import GraphDef, MetaGraphDef
from tests.unit.variables.graphs import const, function, node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pbckpt.protos import FunctionDef, NodeDef

FAST = pbckpt.Durability.NONE
KEYS = np.array([1, 2], np.int64)
X = node("Placeholder", "x")
FIND = node("LookupTableFindV2", "y", "table", "x")


def table(op: str = "MutableHashTableV2", shared_name: str = "") -> NodeDef:
    made = node(op, "table")
    made.attr["shared_name"].s = shared_name.encode()
    return made


def freeze(
    folder: Path,
    *nodes: NodeDef,
    functions: Sequence[FunctionDef] = (),
    keys: Sequence[str] = ("step",),
    how: pbckpt.Functions = pbckpt.Functions.KEEP,
) -> list[str]:
    tensors = dict.fromkeys(keys, KEYS)
    pbckpt.save_checkpoint(tensors, folder / "m", durability=FAST)
    meta = MetaGraphDef(graph_def=GraphDef(node=nodes))
    meta.graph_def.library.function.extend(functions)
    (folder / "m.meta").write_bytes(meta.SerializeToString())
    target = folder / "f.pb"
    pbckpt.freeze(folder / "m.meta", target, outputs=["y"], functions=how, durability=FAST)
    return [one.name for one in GraphDef.FromString(target.read_bytes()).node]


MESSAGE = (
    "node 'table' ({op}){inside} is a table whose content is in the checkpoint and no constant of "
    "the graph; give outputs that do not need it with --outputs"
)
RESTORED = [
    node("RestoreV2", "r", "prefix", "names", "slices"),
    node("Identity", "i", "r:1"),
    node("LookupTableImportV2", "import", "table", "r", "i"),
]


def refused(
    folder: Path, *nodes: NodeDef, inside: str = "", op: str = "", **options: object
) -> None:
    with pytest.raises(pbckpt.UnsupportedGraphError) as caught:
        freeze(folder, *nodes, **options)  # type: ignore[arg-type]
    op = op or "MutableHashTableV2"
    assert MESSAGE.format(op=op, inside=inside) in str(caught.value)
    assert (caught.value.node_name, caught.value.op) == ("table", op)
    assert not (folder / "f.pb").exists()


@pytest.mark.parametrize(
    "op",
    [
        "MutableHashTable",
        "MutableHashTableV2",
        "MutableHashTableOfTensorsV2",
        "MutableDenseHashTableV2",
        "AnonymousMutableHashTable",
        "AnonymousMutableDenseHashTable",
    ],
)
def test_a_table_that_a_saver_fills(tmp_path: Path, op: str) -> None:
    refused(tmp_path, X, table(op), FIND, *RESTORED, op=op)


@pytest.mark.parametrize(
    ("keys", "shared_name"),
    [
        (["table-keys", "table-values"], ""),
        (["words-keys", "words-values"], "words"),
        (["t/.ATTRIBUTES/table-keys", "t/.ATTRIBUTES/table-values"], "table_2"),
    ],
)
def test_a_table_whose_content_the_checkpoint_has(
    tmp_path: Path, keys: Sequence[str], shared_name: str
) -> None:
    refused(tmp_path, X, table(shared_name=shared_name), FIND, keys=keys)


def test_a_table_that_a_function_restores(tmp_path: Path) -> None:
    restore = [
        node("RestoreV2", "r", "p", "p", "p"),
        node("LookupTableImportV2", "import", "t", "r:tensors:0", "r:tensors:1"),
    ]
    functions = [function("restore", ["p", "t"], [], *restore)]
    refused(tmp_path, X, table(), FIND, functions=functions)


@pytest.mark.parametrize("how", [pbckpt.Functions.KEEP, pbckpt.Functions.INLINE])
def test_a_table_of_a_function(tmp_path: Path, how: pbckpt.Functions) -> None:
    find = node("LookupTableFindV2", "n", "table:table_handle:0", "a")
    made = function("f", ["a"], ["n:values:0"], table(), find)
    for one in (*made.signature.input_arg, *made.signature.output_arg):
        one.type = 9
    call = node("PartitionedCall", "y", "x", f="f")
    keys = ["t/.ATTRIBUTES/table-keys", "t/.ATTRIBUTES/table-values"]
    if how is pbckpt.Functions.KEEP:
        refused(tmp_path, X, call, functions=[made], keys=keys, inside=" of function 'f'")
    else:
        with pytest.raises(pbckpt.UnsupportedGraphError, match="node 'y/table'"):
            freeze(tmp_path, X, call, functions=[made], keys=keys, how=how)


def test_tables_that_constants_fill(tmp_path: Path) -> None:
    """So does one that changes, where nothing says that it was stored."""
    fill = [const("k", 2), node("LookupTableImportV2", "import", "table", "k", "k")]
    find = node("LookupTableFindV2", "y", "table", "x", "^import")
    keys = ["other-keys", "other-values", "table-keys"]
    found = freeze(tmp_path, X, table(), *fill, find, keys=keys)
    assert found == ["x", "table", "k", "import", "y"]


def test_a_table_that_does_not_change(tmp_path: Path) -> None:
    """Nothing restores it, whatever else is restored."""
    functions = [function("restore", ["p", "t"], [], *RESTORED)]
    keys = ["t/.ATTRIBUTES/table-keys", "t/.ATTRIBUTES/table-values"]
    nodes = [X, table("HashTableV2"), FIND]
    assert freeze(tmp_path, *nodes, functions=functions, keys=keys) == ["x", "table", "y"]


def test_a_stored_table_that_no_output_needs(tmp_path: Path) -> None:
    assert freeze(tmp_path, X, node("Neg", "y", "x"), table(), *RESTORED) == ["x", "y"]
