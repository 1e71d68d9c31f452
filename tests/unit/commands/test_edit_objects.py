"""Edits of object-based checkpoints: objects move, go, get other values or plain names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import (
    FAST,
    GOLDEN,
    GRAPH,
    OBJECT,
    Node,
    files,
    held,
    listing,
    paths,
    placed,
    saved,
    saved_objects,
)

if TYPE_CHECKING:
    from pathlib import Path

MODULE = GOLDEN / "tf2" / "saved_model" / "module" / "variables" / "variables"
W = ("float32", (2, 3), [[0, 1, 2], [3, 4, 5]])
B = ("float32", (3,), [7, 8, 9])
NAME, BOTH = (pbckpt.Layout(format=form) for form in (pbckpt.Format.NAME, pbckpt.Format.BOTH))
BY_OBJECT = pbckpt.Layout(format=pbckpt.Format.OBJECT)
ONE, TWO = np.float32(1), np.float32(2)
PATHS_WARNING = "full names are missing or not unique, so tensors are called by their object paths"


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Return a checkpoint of both forms whose paths are not its names."""
    pbckpt.edit(MODULE, tmp_path / "both", layout=BOTH, durability=FAST)
    return tmp_path / "both"


def edited(
    source: Path, target: Path, edits: pbckpt.Edits, layout: pbckpt.Layout | None = None
) -> pbckpt.EditReport:
    return pbckpt.edit(source, target, edits=edits, layout=layout, durability=FAST)


def test_an_object_moves_to_its_new_path(tmp_path: Path) -> None:
    report = edited(MODULE, tmp_path / "m", pbckpt.Edits(renames=("W=layer/kernel",)))
    assert [(one.old, one.new) for one in report.tensors] == [("B", "B"), ("W", "layer/kernel")]
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "layer/kernel" + OBJECT: W}
    assert paths(tmp_path / "m") == [("B", "b"), ("layer/kernel", "w")]
    # The data stays in the order of the objects, the graph at the end.
    assert placed(tmp_path / "m")["layer/kernel" + OBJECT] == (0, 12, 24)
    assert placed(tmp_path / "m")[GRAPH][1] == 36


def test_an_object_moves_with_what_lies_below_it(tmp_path: Path) -> None:
    source = saved_objects(
        tmp_path / "m",
        {"model/w": ONE, "model/b": TWO, "model/w/.OPTIMIZER_SLOT/opt/m": ONE},
        Node({"model": 1, "opt": 4}),
        Node({"w": 2, "b": 3}),
        Node({}, "model/w", "w"),
        Node({}, "model/b", "b"),
        Node({}, slots=((2, "m", 5),)),
        Node({}, "model/w/.OPTIMIZER_SLOT/opt/m", "w/Adam"),
    )
    edits = pbckpt.Edits(renames=(r"model/w/*=net/v/\1", "model/w=net/v", "model/b=net/b"))
    edited(source, tmp_path / "out", edits)
    assert paths(tmp_path / "out") == [
        ("net/v", "w"),
        ("net/b", "b"),
        ("net/v/.OPTIMIZER_SLOT/opt/m", "w/Adam"),
    ]
    # There and back again: the graph is the one that it was, edge by edge.
    back = pbckpt.Edits(renames=(r"re:net/v(.*)=model/w\1", "net/b=model/b"))
    edited(tmp_path / "out", tmp_path / "back", back)
    assert held(tmp_path / "back") == held(source)
    assert paths(tmp_path / "back") == paths(source)


def test_an_object_in_the_way_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(pbckpt.SelectionError, match="several tensors want one name"):
        edited(MODULE, tmp_path / "m", pbckpt.Edits(renames=("W=B",)))
    with pytest.raises(pbckpt.SelectionError, match="cannot become"):
        edited(MODULE, tmp_path / "m", pbckpt.Edits(renames=("W=a.b",)))
    assert listing(tmp_path) == []


def test_an_object_is_dropped(tmp_path: Path) -> None:
    report = edited(MODULE, tmp_path / "m", pbckpt.Edits(pbckpt.Selection(exclude=("W",))))
    assert report.dropped == (("W", "matches --exclude 'W'"),)
    assert held(tmp_path / "m") == {"B" + OBJECT: B}
    assert paths(tmp_path / "m") == [("B", "b")]


def test_patterns_look_at_full_names_and_keys_too(tmp_path: Path) -> None:
    for number, pattern in enumerate(("W", "w", "W" + OBJECT, "re:[wW]")):
        edits = pbckpt.Edits(pbckpt.Selection(include=(pattern,)))
        edited(MODULE, tmp_path / str(number), edits)
        assert held(tmp_path / str(number)) == {"W" + OBJECT: W}


def test_slots_are_dropped_with_their_references(tmp_path: Path) -> None:
    source = saved_objects(
        tmp_path / "m",
        {"w": ONE, "w/.OPTIMIZER_SLOT/opt/m": TWO, "opt/iter": np.int64(3)},
        Node({"w": 1, "opt": 2}),
        Node({}, "w", "w"),
        Node({"iter": 4}, slots=((1, "m", 3),)),
        Node({}, "w/.OPTIMIZER_SLOT/opt/m", "Adam/w/m"),
        Node({}, "opt/iter", "Adam/iter"),
    )
    report = edited(source, tmp_path / "out", pbckpt.Edits(drop_slots=True))
    assert sorted(report.dropped) == [
        ("opt/iter", "an optimizer's own state"),
        ("w/.OPTIMIZER_SLOT/opt/m", "an optimizer's slot of w"),
    ]
    assert held(tmp_path / "out") == {"w" + OBJECT: ("float32", (), 1)}
    assert paths(tmp_path / "out") == [("w", "w")]


def test_a_value_is_set(tmp_path: Path) -> None:
    edits = pbckpt.Edits(settings=("W=float32:[[5, 4, 3], [2, 1, 0]]",))
    report = edited(MODULE, tmp_path / "m", edits)
    assert held(tmp_path / "m") == {
        "B" + OBJECT: B,
        "W" + OBJECT: ("float32", (2, 3), [[5, 4, 3], [2, 1, 0]]),
    }
    assert paths(tmp_path / "m") == paths(MODULE)
    assert report.tensors[-1] == pbckpt.EditedTensor("", "W", pbckpt.DataType.FLOAT, (2, 3))


def test_nothing_can_be_set_that_no_object_owns(tmp_path: Path) -> None:
    edits = pbckpt.Edits(settings=("new=int64:1", "W=float32:1", "other=int64:2"))
    with pytest.raises(pbckpt.SelectionError, match="cannot add 'new', 'other' to an") as caught:
        edited(MODULE, tmp_path / "m", edits)
    assert caught.value.unknown == ("new", "other")
    assert listing(tmp_path) == []
    edited(MODULE, tmp_path / "m", pbckpt.Edits(settings=("new=int64:1",)), NAME)
    assert held(tmp_path / "m") == {"b": B, "new": ("int64", (), 1), "w": W}


@pytest.mark.parametrize("layout", [None, BOTH], ids=["object", "both"])
def test_no_object_owns_a_new_average(layout: pbckpt.Layout | None, tmp_path: Path) -> None:
    edits = pbckpt.Edits(ema=pbckpt.Ema.FROM_RAW)
    for dry_run in (True, False):
        with pytest.raises(pbckpt.SelectionError, match="object"):
            pbckpt.edit(MODULE, tmp_path / "m", edits=edits, layout=layout, dry_run=dry_run)
    assert listing(tmp_path) == []
    edited(MODULE, tmp_path / "m", edits, NAME)
    average = "/ExponentialMovingAverage"
    assert held(tmp_path / "m") == {"b": B, "b" + average: B, "w": W, "w" + average: W}


def test_a_value_is_cast(tmp_path: Path) -> None:
    edited(MODULE, tmp_path / "m", pbckpt.Edits(casts=("W=float16",)))
    assert held(tmp_path / "m")["W" + OBJECT] == ("float16", *W[1:])
    assert paths(tmp_path / "m") == paths(MODULE)


# Forms.


def test_objects_get_the_names_of_their_variables(tmp_path: Path) -> None:
    report = edited(MODULE, tmp_path / "m", pbckpt.Edits(), NAME)
    assert files(tmp_path / "m") == files(
        saved(
            tmp_path / "expected",
            {"b": np.array(B[2], np.float32), "w": np.array(W[2], np.float32)},
        )
    )
    assert report.warnings == ()


def test_objects_and_names_share_their_bytes(both: Path) -> None:
    assert placed(both) == {
        "B" + OBJECT: (0, 0, 12),
        "W" + OBJECT: (0, 12, 24),
        GRAPH: (0, 36, 217),
        "b": (0, 0, 12),
        "w": (0, 12, 24),
    }
    assert files(both)[".data-00000-of-00001"] == files(MODULE)[".data-00000-of-00001"]
    assert held(both) == {"B" + OBJECT: B, "W" + OBJECT: W, "b": B, "w": W}


def test_both_forms_become_one(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "object", pbckpt.Edits(), BY_OBJECT)
    assert files(tmp_path / "object") == files(MODULE)
    edited(both, tmp_path / "name", pbckpt.Edits(), NAME)
    assert held(tmp_path / "name") == {"b": B, "w": W}
    edited(both, tmp_path / "copy", pbckpt.Edits())
    assert files(tmp_path / "copy") == files(both)


def test_names_become_objects(tmp_path: Path) -> None:
    tensors = {"a/b": ONE, "c": TWO}
    source = saved(tmp_path / "m", tensors)
    for form in (BY_OBJECT, BOTH):
        expected = saved(tmp_path / f"expected {form.format}", tensors, form)
        target = tmp_path / f"edited {form.format}"
        edited(source, target, pbckpt.Edits(), form)
        assert files(target) == files(expected)
        edited(target, tmp_path / f"back {form.format}", pbckpt.Edits(), NAME)
        assert files(tmp_path / f"back {form.format}") == files(source)
    assert held(tmp_path / f"expected {BOTH.format}") == {
        "a.Sb" + OBJECT: ("float32", (), 1),
        "a/b": ("float32", (), 1),
        "c": ("float32", (), 2),
        "c" + OBJECT: ("float32", (), 2),
    }


def test_names_become_objects_that_count_saves(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"w": ONE})
    counted = BY_OBJECT._replace(save_counter=4)
    edited(source, tmp_path / "out", pbckpt.Edits(), counted)
    assert held(tmp_path / "out")["save_counter" + OBJECT] == ("int64", (), 4)
    # It is no variable of the model.
    edited(tmp_path / "out", tmp_path / "back", pbckpt.Edits(), NAME)
    assert held(tmp_path / "back") == {"w": ("float32", (), 1)}


def test_objects_count_saves(tmp_path: Path) -> None:
    counted = BY_OBJECT._replace(save_counter=4)
    source = saved(tmp_path / "m", {"w": ONE}, BY_OBJECT._replace(save_counter=1))
    edited(source, tmp_path / "out", pbckpt.Edits(), counted)
    assert held(tmp_path / "out")["save_counter" + OBJECT] == ("int64", (), 4)


def test_objects_count_saves_from_now_on(tmp_path: Path) -> None:
    counted = BY_OBJECT._replace(save_counter=4)
    edited(MODULE, tmp_path / "out", pbckpt.Edits(), counted)
    assert held(tmp_path / "out")["save_counter" + OBJECT] == ("int64", (), 4)


@pytest.mark.parametrize(
    "second",
    [Node({}, "two", "same"), Node({}, "two")],
    ids=["repeated", "missing"],
)
@pytest.mark.parametrize("layout", [NAME, BOTH], ids=["name", "both"])
def test_paths_stand_in_for_full_names(second: Node, layout: pbckpt.Layout, tmp_path: Path) -> None:
    source = saved_objects(
        tmp_path / "m",
        {"one": ONE, "two": TWO},
        Node({"one": 1, "two": 2}),
        Node({}, "one", "same"),
        second,
    )
    report = edited(source, tmp_path / "out", pbckpt.Edits(), layout)
    assert report.warnings == (PATHS_WARNING,)
    assert [one.new for one in report.tensors] == ["one", "two"]
    names = {key for key in held(tmp_path / "out") if not key.endswith(OBJECT)}
    assert names == {"one", "two"}


def test_both_forms_are_renamed_by_name(both: Path, tmp_path: Path) -> None:
    """Programs that restore by objects go on finding them."""
    edited(both, tmp_path / "m", pbckpt.Edits(renames=("w=kernel",)))
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "W" + OBJECT: W, "b": B, "kernel": W}
    assert placed(tmp_path / "m")["kernel"] == placed(tmp_path / "m")["W" + OBJECT]


def test_a_mapping_of_both_forms_is_renamed_in_both(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"b": TWO, "w": ONE}, BOTH)
    edited(source, tmp_path / "out", pbckpt.Edits(renames=("w=a",)))
    expected = saved(tmp_path / "expected", {"b": TWO, "a": ONE}, BOTH)
    assert files(tmp_path / "out") == files(expected)


def test_both_forms_are_renamed_to_objects(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "m", pbckpt.Edits(renames=("W=kernel",)), BY_OBJECT)
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "kernel" + OBJECT: W}
    assert paths(tmp_path / "m") == [("B", "b"), ("kernel", "w")]


def test_both_forms_lose_a_tensor(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "m", pbckpt.Edits(pbckpt.Selection(exclude=("w",))))
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "b": B}
    assert paths(tmp_path / "m") == [("B", "b")]


def test_both_forms_are_cast(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "m", pbckpt.Edits(casts=("w=float64",)))
    wide = ("float64", *W[1:])
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "W" + OBJECT: wide, "b": B, "w": wide}


def test_both_forms_get_a_value(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "m", pbckpt.Edits(settings=("w=float32:5",)))
    five = ("float32", (), 5)
    assert held(tmp_path / "m") == {"B" + OBJECT: B, "W" + OBJECT: five, "b": B, "w": five}


def test_objects_in_shards(both: Path, tmp_path: Path) -> None:
    edited(both, tmp_path / "m", pbckpt.Edits(), pbckpt.Layout(num_shards=2))
    assert len(files(tmp_path / "m")) == 3
    assert held(tmp_path / "m") == held(both)
    where = placed(tmp_path / "m")
    assert (where["w"], where["b"]) == (where["W" + OBJECT], where["B" + OBJECT])


def test_slices_have_no_form_among_objects(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "partitioned" / "ckpt"
    with pytest.raises(pbckpt.SelectionError, match="tensors: 'embedding', 'wide'; join"):
        edited(source, tmp_path / "m", pbckpt.Edits(), BY_OBJECT)
    assert listing(tmp_path) == []
    pbckpt.edit(source, tmp_path / "m", layout=BY_OBJECT, join_slices=True, durability=FAST)
    assert held(tmp_path / "m")["wide" + OBJECT] == held(source)["wide"]


def test_names_that_no_checkpoint_object_can_have(tmp_path: Path) -> None:
    source = saved(tmp_path / "m", {"_write": ONE, "root": ONE, "w": ONE, "\udcff": ONE})
    with pytest.raises(pbckpt.SelectionError) as caught:
        edited(source, tmp_path / "out", pbckpt.Edits(), BY_OBJECT)
    for name in ("'_write'", "'root'", r"'\udcff'"):
        assert name in str(caught.value)
    assert "'w'" not in str(caught.value)


def test_a_checkpoint_of_no_variables(tmp_path: Path) -> None:
    source = GOLDEN / "tf2" / "zero_object" / "ckpt"
    edited(source, tmp_path / "m", pbckpt.Edits(), NAME)
    assert held(tmp_path / "m") == {}
