from __future__ import annotations

from collections import Counter

import pytest

from pbckpt.operators import (
    NamedOutput,
    OutputArgument,
    named_output,
    output_arguments,
    output_index,
    output_lists,
)
from pbckpt.operators.outputs_listed import BY_LISTS, NOTHING
from pbckpt.operators.outputs_several import BY_NAMES
from pbckpt.operators.outputs_single import ALONE, BY_NAME


@pytest.mark.parametrize(
    ("op", "outputs"),
    [
        ("NoOp", ()),
        ("MatMul", (OutputArgument("product"),)),
        ("Const", (OutputArgument("output"),)),
        ("LogSoftmax", (OutputArgument("logsoftmax"),)),
        ("ReadVariableOp", (OutputArgument("value"),)),
        ("VarHandleOp", (OutputArgument("resource"),)),
        ("Switch", (OutputArgument("output_false"), OutputArgument("output_true"))),
        ("Split", (OutputArgument("output", "num_split"),)),
        ("While", (OutputArgument("output", "T"),)),
        ("DynamicPartition", (OutputArgument("outputs", "num_partitions"),)),
        (
            "CTCBeamSearchDecoder",
            (
                OutputArgument("decoded_indices", "top_paths"),
                OutputArgument("decoded_values", "top_paths"),
                OutputArgument("decoded_shape", "top_paths"),
                OutputArgument("log_probability"),
            ),
        ),
        ("NoSuchOp", None),
        ("", None),
    ],
)
def test_what_an_op_puts_out(op: str, outputs: tuple[OutputArgument, ...] | None) -> None:
    assert output_arguments(op) == outputs


@pytest.mark.parametrize(
    ("op", "counts"),
    [
        ("NoOp", (0, ())),
        ("Assert", (0, ())),
        ("AssignVariableOp", (0, ())),
        ("Identity", (1, ())),
        ("MatMul", (1, ())),
        ("NoSuchOp", (1, ())),
        ("Switch", (2, ())),
        ("Merge", (2, ())),
        ("FusedBatchNormV3", (6, ())),
        ("Unique", (2, ())),
        ("Split", (0, ("num_split",))),
        ("SplitV", (0, ("num_split",))),
        ("Unpack", (0, ("num",))),
        ("_SwitchN", (0, ("num_outs",))),
        ("While", (0, ("T",))),
        ("If", (0, ("Tout",))),
        ("PartitionedCall", (0, ("Tout",))),
        ("IdentityN", (0, ("T",))),
        ("RestoreV2", (0, ("dtypes",))),
        ("CTCBeamSearchDecoder", (1, ("top_paths", "top_paths", "top_paths"))),
    ],
)
def test_how_many_outputs_an_op_has(op: str, counts: tuple[int, tuple[str, ...]]) -> None:
    assert output_lists(op) == counts


@pytest.mark.parametrize(
    ("op", "index", "named"),
    [
        ("MatMul", 0, NamedOutput("product", 0)),
        ("MatMul", 1, None),
        ("NoOp", 0, None),
        ("Switch", 1, NamedOutput("output_true", 0)),
        ("Split", 3, NamedOutput("output", 3)),
        ("Split", 4, None),
        ("SparseSplit", 3, NamedOutput("output_indices", 3)),
        ("SparseSplit", 4, NamedOutput("output_values", 0)),
        ("SparseSplit", 11, NamedOutput("output_shape", 3)),
        ("SparseSplit", 12, None),
        ("CTCBeamSearchDecoder", 5, NamedOutput("decoded_shape", 1)),
        ("CTCBeamSearchDecoder", 6, NamedOutput("log_probability", 0)),
        ("CTCBeamSearchDecoder", 7, None),
        ("ParseSingleExample", 1, NamedOutput("sparse_values", 1)),
        ("ParseSingleExample", 2, NamedOutput("dense_values", 0)),
        ("ParseSingleExample", 3, None),
    ],
)
def test_an_output_by_name(op: str, index: int, named: NamedOutput | None) -> None:
    lengths = {"num_split": 4, "top_paths": 2, "num_sparse": 0, "sparse_types": 2, "Tdense": 1}
    assert named_output(output_arguments(op) or (), index, lengths.__getitem__) == named
    if named is not None:
        assert output_index(op, *named, lengths.__getitem__) == index


def test_lists_of_no_known_length_count_for_nothing() -> None:
    assert output_index("CTCBeamSearchDecoder", "log_probability", 0) == 0
    assert output_index("CTCBeamSearchDecoder", "decoded_indices", 1) == 1


def test_an_op_stands_in_one_row() -> None:
    rows = [ops for table in (BY_NAME, BY_NAMES, BY_LISTS) for ops in table.values()]
    ops = Counter(op for row in [*rows, NOTHING] for op in row.split())
    ops.update(pair.split()[0] for pair in ALONE.split(","))
    assert [op for op, count in ops.items() if count > 1] == []
