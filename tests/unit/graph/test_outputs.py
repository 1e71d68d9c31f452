from __future__ import annotations

import pytest

from pbckpt.graph.outputs import output_length
from pbckpt.protos import NodeDef


@pytest.mark.parametrize(
    ("number", "length"), [(3, 3), (0, 0), (-1, 0), (1 << 62, 65536), (-(1 << 63), 0)]
)
def test_a_number_of_outputs(number: int, length: int) -> None:
    node = NodeDef(name="s", op="Split")
    node.attr["num_split"].i = number
    assert output_length(node, "num_split") == length


def test_a_list_of_types() -> None:
    node = NodeDef(name="c", op="PartitionedCall")
    node.attr["Tout"].list.type.extend([1, 3])
    assert output_length(node, "Tout") == 2


def test_an_attribute_that_is_not_there_or_of_another_kind() -> None:
    node = NodeDef(name="c", op="PartitionedCall")
    node.attr["f"].func.name = "g"
    assert output_length(node, "Tout") == output_length(node, "f") == 0
    assert list(node.attr) == ["f"]
