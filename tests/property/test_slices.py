"""Parts of a tensor, against a grid on which every place is counted."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pbckpt.bundle.entry import Extent
from pbckpt.bundle.slices import bounds, covers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.bundle.entry import TensorSlice

often = settings(deadline=None, max_examples=200)

GRIDS = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@st.composite
def extents(draw: st.DrawFn, size: int) -> Extent:
    start = draw(st.integers(0, size - 1))
    length = draw(st.integers(1, size - start))
    return draw(st.sampled_from([Extent(start, length), Extent(0, None), Extent(0, size)]))


@st.composite
def parts_of(draw: st.DrawFn, shape: Sequence[int]) -> list[TensorSlice]:
    places = st.tuples(*(extents(size) for size in shape))
    return draw(st.lists(places, max_size=6))


@st.composite
def cuts_of(draw: st.DrawFn, shape: Sequence[int]) -> list[TensorSlice]:
    """Boxes that cover the shape, each cut from a larger one."""
    boxes = [tuple((0, size) for size in shape)]
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(boxes) - 1))
        wide = [axis for axis, (start, end) in enumerate(boxes[place]) if end - start > 1]
        if not wide:
            continue
        axis = draw(st.sampled_from(wide))
        box = boxes.pop(place)
        start, end = box[axis]
        middle = draw(st.integers(start + 1, end - 1))
        boxes += [
            (*box[:axis], (start, middle), *box[axis + 1 :]),
            (*box[:axis], (middle, end), *box[axis + 1 :]),
        ]
    return [tuple(Extent(start, end - start) for start, end in box) for box in boxes]


def counted(shape: Sequence[int], parts: Sequence[TensorSlice]) -> bool:
    """Tell whether every place is in one part, by counting."""
    counts: Counter[tuple[int, ...]] = Counter()
    for part in parts:
        counts.update(product(*(range(start, end) for start, end in bounds(shape, part))))
    return all(counts[place] == 1 for place in product(*map(range, shape)))


@often
@given(GRIDS, st.data())
def test_any_parts(shape: tuple[int, ...], data: st.DataObject) -> None:
    parts = data.draw(parts_of(shape))
    assert covers(shape, parts) == counted(shape, parts)


@often
@given(GRIDS, st.data())
def test_boxes_that_were_cut_from_the_whole_cover_it(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    parts = data.draw(cuts_of(shape).flatmap(st.permutations))
    assert counted(shape, parts)
    assert covers(shape, parts)


@often
@given(GRIDS, st.data())
def test_boxes_that_cover_but_for_one_that_was_changed(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    parts = data.draw(cuts_of(shape))
    assume(len(parts) > 1)
    number = data.draw(st.integers(0, len(parts) - 1))
    change = data.draw(st.sampled_from(["leave out", "twice", "another"]))
    if change == "leave out":
        parts.pop(number)
    elif change == "twice":
        parts.append(parts[number])
    else:
        parts[number] = data.draw(st.tuples(*(extents(size) for size in shape)))
    assert covers(shape, parts) == counted(shape, parts)
