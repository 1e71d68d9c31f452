from __future__ import annotations

import pytest

from pbckpt.operators import output_lists


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
