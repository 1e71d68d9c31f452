from __future__ import annotations

from pbckpt.matching.parts import join_parts
from tests.unit.matching.sides import source, target


def joined(sources: list[str], targets: list[str]) -> list[tuple[str, tuple[int, ...], int]]:
    found = join_parts([source(text) for text in sources], [target(text) for text in targets])
    return [(one.key, one.shape, one.axis) for one in found]


PARTS = ["e/part_0 11x12", "e/part_1 10x12", "e/part_2 10x12"]


def test_parts_become_one() -> None:
    assert joined(["a 2", *PARTS, "z 3"], ["e 31x12"]) == [
        ("a", (2,), 0),
        ("e", (31, 12), 0),
        ("z", (3,), 0),
    ]
    (whole,) = join_parts([source(text) for text in PARTS], [])
    assert whole.parts == ("e/part_0", "e/part_1", "e/part_2")


def test_parts_are_joined_by_number() -> None:
    sources = [f"e/part_{at} {at + 1}" for at in (10, *range(10))]
    (whole,) = join_parts([source(text) for text in sources], [])
    assert whole.parts[1:3] == ("e/part_1", "e/part_2")
    assert whole.parts[10] == "e/part_10"
    assert whole.shape == (66,)


def test_the_target_tells_the_dimension() -> None:
    parts = ["e/part_0 2x2", "e/part_1 2x2"]
    assert joined(parts, ["e 2x4"]) == [("e", (2, 4), 1)]
    assert joined(parts, ["e 4x2"]) == [("e", (4, 2), 0)]
    assert joined(parts, []) == [("e", (4, 2), 0)]


def test_names_alone_are_no_proof() -> None:
    gap = ["e/part_0 2", "e/part_2 2"]
    assert joined(gap, []) == [("e/part_0", (2,), 0), ("e/part_2", (2,), 0)]
    shapes = ["e/part_0 2x3", "e/part_1 3x2"]
    assert [key for key, _, _ in joined(shapes, [])] == ["e/part_0", "e/part_1"]
    types = ["e/part_0 2", "e/part_1 2 float16"]
    assert [key for key, _, _ in joined(types, [])] == ["e/part_0", "e/part_1"]
    scalars = ["e/part_0", "e/part_1"]
    assert [key for key, _, _ in joined(scalars, [])] == ["e/part_0", "e/part_1"]


def test_parts_that_the_target_wants_stay() -> None:
    assert [key for key, _, _ in joined(PARTS, ["e/part_0 11x12"])] == [
        "e/part_0",
        "e/part_1",
        "e/part_2",
    ]


def test_a_whole_beside_its_parts() -> None:
    keys = [key for key, _, _ in joined(["e 31x12", *PARTS], ["e 31x12"])]
    assert keys == ["e", "e/part_0", "e/part_1", "e/part_2"]
