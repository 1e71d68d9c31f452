from __future__ import annotations

import time

import pytest

from pbckpt.bundle.entry import Extent
from pbckpt.bundle.slices import bounds, covers, part_shape, slice_key
from pbckpt.errors import LimitError

WHOLE = Extent(0, None)


@pytest.mark.parametrize(
    ("name", "part", "key"),
    [
        pytest.param(
            b"part", (Extent(0, 4), Extent(0, 4)), "00 70617274 0001 0102 80 84 80 84", id="rows"
        ),
        pytest.param(
            b"w", (Extent(0, 2), WHOLE), "00 77 0001 0102 80 82 80 7f", id="whole columns"
        ),
        pytest.param(
            b"a\x00b\xff", (Extent(0, 2),), "00 61 00ff 62 ff00 0001 0101 80 82", id="odd name"
        ),
        pytest.param(b"", (Extent(0, 1),), "00 0001 0101 80 81", id="no name"),
        pytest.param(b"s", (), "00 73 0001 00", id="scalar"),
        pytest.param(b"\x00\xff", (), "00 00ff ff00 0001 00", id="00 and ff"),
        pytest.param(b"\xff\x00", (), "00 ff00 00ff 0001 00", id="ff and 00"),
        pytest.param(b"\xff\xff", (), "00 ff00 ff00 0001 00", id="ff twice"),
        pytest.param(b"\x00\x01", (), "00 00ff 01 0001 00", id="as the end of a name"),
        pytest.param(b"r", (WHOLE,) * 254, "00 72 0001 01fe" + "807f" * 254, id="rank 254"),
    ],
)
def test_the_key_of_a_slice(name: bytes, part: tuple[Extent, ...], key: str) -> None:
    assert slice_key(name, part) == bytes.fromhex(key)


@pytest.mark.parametrize(
    ("number", "ordered"),
    [
        (0, "80"),
        (1, "81"),
        (63, "bf"),
        (64, "c040"),
        (100, "c064"),
        (8191, "dfff"),
        (8192, "e02000"),
        (0x424242, "f0424242"),
        ((1 << 27) - 1, "f7ffffff"),
        (1 << 27, "f808000000"),
        (1 << 34, "fc0400000000"),
        (1 << 41, "fe020000000000"),
        (1 << 48, "ff01000000000000"),
        ((1 << 55) - 1, "ff7fffffffffffff"),
        (1 << 55, "ff8080000000000000"),
        ((1 << 62) - 1, "ffbfffffffffffffff"),
        (1 << 62, "ffc04000000000000000"),
        ((1 << 63) - 1, "ffc07fffffffffffffff"),
    ],
)
def test_a_number_of_each_length(number: int, ordered: str) -> None:
    expected = "00 78 0001 0101" + ordered + "81"
    assert slice_key(b"x", (Extent(number, 1),)) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("number", "ordered"),
    [(-1, "7f"), (-64, "40"), (-65, "3fbf"), (-8192, "2000"), (-8193, "1fdfff")],
)
def test_a_number_below_zero(number: int, ordered: str) -> None:
    expected = "00 78 0001 0101" + ordered + "81"
    assert slice_key(b"x", (Extent(number, 1),)) == bytes.fromhex(expected)


def test_keys_sort_as_their_places_do() -> None:
    starts = [0, 1, 63, 64, 100, 8191, 8192, 1 << 20, 1 << 40, 1 << 62]
    keys = [slice_key(b"w", (Extent(start, 7),)) for start in starts]
    assert keys == sorted(keys)


def test_keys_sort_as_their_names_do() -> None:
    names = [
        b"",
        b"\x00",
        b"\x00\x01",
        b"\x01",
        b"a",
        b"a\x00",
        b"a\x01",
        b"ab",
        b"\xff",
        b"\xff\xff",
    ]
    keys = [slice_key(name, (Extent(0, 7),)) for name in names]
    assert keys == sorted(keys)


def part(*extents: tuple[int, int] | None) -> tuple[Extent, ...]:
    return tuple(WHOLE if extent is None else Extent(*extent) for extent in extents)


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        pytest.param((4,), [part((0, 4))], id="all of it"),
        pytest.param((4,), [part(None)], id="the whole dimension"),
        pytest.param((4,), [part((0, 1)), part((1, 3))], id="two parts"),
        pytest.param((4,), [part((1, 3)), part((0, 1))], id="in another order"),
        pytest.param((4, 2), [part((0, 2), None), part((2, 2), None)], id="rows"),
        pytest.param((4, 2), [part(None, (0, 1)), part(None, (1, 1))], id="columns"),
        pytest.param((4, 2), [part((0, 3), None), part((3, 1), (0, 2))], id="both forms"),
        pytest.param(
            (3, 3),
            [
                part((0, 1), (0, 2)),
                part((0, 2), (2, 1)),
                part((2, 1), (1, 2)),
                part((1, 2), (0, 1)),
                part((1, 1), (1, 1)),
            ],
            id="a wheel around its middle",
        ),
        pytest.param((0, 3), [part(None, None)], id="no elements"),
        pytest.param((), [()], id="a scalar"),
    ],
)
def test_parts_that_cover_their_tensor(
    shape: tuple[int, ...], parts: list[tuple[Extent, ...]]
) -> None:
    assert covers(shape, parts)


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        pytest.param((4,), [part((0, 3))], id="a hole at the end"),
        pytest.param((4,), [part((1, 3))], id="a hole at the start"),
        pytest.param((4,), [part((0, 1)), part((2, 2))], id="a hole in the middle"),
        pytest.param((4,), [part((0, 4)), part((0, 4))], id="a part twice"),
        pytest.param((4,), [part((0, 3)), part((2, 2))], id="parts that overlap"),
        pytest.param((4,), [part((0, 2)), part((1, 2))], id="as many elements, but not all"),
        pytest.param((4, 2), [part((0, 2), None), part((1, 2), None)], id="rows that overlap"),
        pytest.param((4, 2), [part(None, (0, 1)), part(None, (0, 1))], id="a column twice"),
        pytest.param((2, 2), [part(None, None), part((0, 1), (0, 1))], id="a part within another"),
        pytest.param((), [(), ()], id="a scalar twice"),
    ],
)
def test_parts_that_do_not_cover_their_tensor_once(
    shape: tuple[int, ...], parts: list[tuple[Extent, ...]]
) -> None:
    assert not covers(shape, parts)


def in_time(shape: tuple[int, ...], parts: list[tuple[Extent, ...]]) -> bool:
    start = time.perf_counter()
    assert covers(shape, parts)
    return time.perf_counter() - start < 1


def test_many_rows_are_compared_in_a_moment() -> None:
    assert in_time((3000, 2), [part((start, 1), None) for start in range(3000)])


def test_many_columns_are_compared_in_a_moment() -> None:
    assert in_time((2, 3000), [part(None, (start, 1)) for start in range(3000)])


def test_a_large_grid_is_compared_in_a_moment() -> None:
    grid = [part((row, 1), (column, 1)) for row in range(100) for column in range(100)]
    assert in_time((100, 100), grid)
    assert not covers((100, 100), grid[:-1])
    assert not covers((100, 100), [*grid, grid[0]])
    assert not covers((100, 100), [*grid[:-1], grid[0]])


def test_a_staircase_of_cubes_is_compared_in_a_moment() -> None:
    parts = [part((x, 1), (y, 1), (z, 1)) for x in range(16) for y in range(16) for z in range(16)]
    assert in_time((16, 16, 16), parts[::-1])


def test_places_far_apart_take_no_time() -> None:
    assert in_time((1 << 62,), [part((0, 1 << 61)), part((1 << 61, 1 << 61))])
    assert not covers((1 << 62,), [part((0, 1 << 61)), part((1 << 61, (1 << 61) - 1))])


def test_dimensions_that_are_not_cut_do_not_count() -> None:
    whole = [part(*[None] * 200, (0, 1)), part(*[None] * 200, (1, 1))]
    assert covers((3,) * 200 + (2,), whole)


@pytest.mark.parametrize("rank", [8, 9, 254])
def test_more_than_eight_dimensions_are_not_cut(rank: int) -> None:
    first = part(*[(0, 1)] * rank)
    second = part((1, 1), *[None] * (rank - 1))
    if rank == 8:
        assert not covers((2,) * rank, [first, second])
        return
    with pytest.raises(LimitError) as caught:
        covers((2,) * rank, [first, second])
    assert (caught.value.limit, caught.value.value, caught.value.maximum) == ("dimensions", rank, 8)


def test_no_parts_cover_nothing() -> None:
    assert not covers((4,), [])
    assert not covers((), [])
    assert not covers((0, 3), [])


@pytest.mark.parametrize(
    ("shape", "place", "expected", "ends"),
    [
        ((4, 2), part((1, 2), None), (2, 2), ((1, 3), (0, 2))),
        ((4, 2), part(None, (1, 1)), (4, 1), ((0, 4), (1, 2))),
        ((), (), (), ()),
        ((0,), part(None), (0,), ((0, 0),)),
    ],
)
def test_the_shape_and_the_bounds_of_a_part(
    shape: tuple[int, ...],
    place: tuple[Extent, ...],
    expected: tuple[int, ...],
    ends: tuple[tuple[int, int], ...],
) -> None:
    assert part_shape(shape, place) == expected
    assert bounds(shape, place) == ends
