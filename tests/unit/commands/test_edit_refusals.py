"""Edits that cannot be made: all that is wrong is told at once, and nothing is written."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pbckpt
from tests.unit.commands.material import FAST, files, held, listing, saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPLACE = pbckpt.OnExisting.REPLACE


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tensors = {f"layer{at:02}/w": np.float32(at) for at in range(30)}
    return saved(tmp_path / "in" / "m", tensors)


def refusal(model: Path, edits: pbckpt.Edits) -> pbckpt.SelectionError:
    """Return the error of an edit, which must leave nothing behind."""
    target = model.parent.parent / "out" / "m"
    with pytest.raises(pbckpt.SelectionError) as caught:
        pbckpt.edit(model, target, edits=edits, durability=FAST)
    assert not target.parent.exists()
    with pytest.raises(pbckpt.SelectionError, match=re.escape(str(caught.value))):
        pbckpt.edit(model, target, edits=edits, dry_run=True)
    return caught.value


def test_every_rule_that_matches_nothing_is_told(model: Path) -> None:
    error = refusal(
        model,
        pbckpt.Edits(
            pbckpt.Selection(include=("layer*", "x*"), exclude=("yyy",), take=("z", "z2")),
            drop_slots=True,
            ema=pbckpt.Ema.TO_RAW,
            renames=("layer1/w=a", {"layer00/w": "b", "gone": "c"}, "re:q.*=d"),
            strip_prefix="net/",
            casts=("*=float16", "layer3/v=float16"),
        ),
    )
    assert str(error) == (
        "--include matches nothing: 'x*'; "
        "--exclude matches nothing: 'yyy'; "
        "--drop-slots matches nothing: no tensor is known as an optimizer's; "
        "--take matches nothing: 'z'; 'z2'; "
        "--ema to-raw matches nothing: no name ends in ExponentialMovingAverage; "
        "--rename matches nothing: 'layer1/w' (nearest: layer21/w, layer19/w, layer18/w); "
        "'re:q.*'; "
        "--map matches nothing: 'gone'; "
        "--strip-prefix matches nothing: 'net/'; "
        "--cast matches nothing: 'layer3/v' (nearest: layer23/w, layer13/w, layer03/w)"
    )
    assert error.unknown == (
        "x*",
        "yyy",
        "z",
        "z2",
        "layer1/w",
        "re:q.*",
        "gone",
        "net/",
        "layer3/v",
    )
    assert "layer21/w" in error.suggestions


def test_a_rule_looks_at_what_earlier_ones_left(model: Path) -> None:
    selection = pbckpt.Selection(include=("layer0*",), exclude=("layer1*",))
    assert refusal(model, pbckpt.Edits(selection)).unknown == ("layer1*",)
    renames = ("layer00/w=a", "layer00/w=b")
    assert refusal(model, pbckpt.Edits(renames=renames)).unknown == ("layer00/w",)


def test_every_crowded_name_is_told(model: Path) -> None:
    renames = (r"re:layer.(\d)/w=w\1", "w9=w8", "re:w[67]=seven")
    message = str(refusal(model, pbckpt.Edits(renames=renames)))
    crowd = "'layer00/w' and 'layer10/w' and 'layer20/w' would be stored as 'w0'"
    eight = "'layer08/w' and 'layer09/w' and 'layer18/w' and 3 more would be stored as 'w8'"
    assert message.startswith(f"several tensors want one name: {crowd}; ")
    assert eight in message
    assert message.count("would be stored as") == 8
    assert message.endswith("; rename them apart, or leave one out with --exclude")


def test_long_lists_are_cut_in_the_message_alone(model: Path) -> None:
    error = refusal(model, pbckpt.Edits(renames=tuple(f"{at}%=x" for at in range(50))))
    assert str(error).endswith("; and 30 more")
    assert error.unknown == tuple(f"{at}%" for at in range(50))
    pairs = {f"layer{at:02}/w": f"layer{at % 2:02}/w" for at in range(30)}
    many = refusal(model, pbckpt.Edits(renames=(pairs,)))
    assert "and 12 more would be stored as 'layer00/w'" in str(many)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (pbckpt.Edits(pbckpt.Selection(exclude=("*",))), "leaves none of the 30 tensors"),
        (pbckpt.Edits(strip_prefix="layer00/w"), "under an empty name"),
        (pbckpt.Edits(renames=("layer00/w=",)), "is not OLD=NEW"),
        (pbckpt.Edits(renames=("layer00/w",)), "is not OLD=NEW"),
        (pbckpt.Edits(renames=("=x",)), "is not OLD=NEW"),
        (pbckpt.Edits(renames=("re:(=x",)), "is not a regular expression"),
        (pbckpt.Edits(renames=(r"layer*=\2",)), "cannot be a new name: invalid group"),
        (pbckpt.Edits(renames="a=b"), "come as a list of texts"),  # type: ignore[arg-type]
        (pbckpt.Edits(renames=("layer00/w=\ud800",)), "cannot be written as bytes"),
    ],
)
def test_edits_that_make_no_sense(edits: pbckpt.Edits, message: str, model: Path) -> None:
    assert message in str(refusal(model, edits))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (pbckpt.Layout(num_shards=0), "--shards (num_shards) is at least 1, not 0"),
        (pbckpt.Layout(max_shard_bytes=-1), "is at least 1, not -1"),
        (pbckpt.Layout(num_shards=2, max_shard_bytes=9), "exclude each other"),
        pytest.param(
            pbckpt.Layout(save_counter=1),
            "counts no saves",
        ),
        (pbckpt.Layout(shard_of=lambda _: -1), "is not negative"),
    ],
)
def test_layouts_that_make_no_sense(
    layout: pbckpt.Layout, message: str, model: Path, tmp_path: Path
) -> None:
    for dry_run in (False, True):
        with pytest.raises(pbckpt.SelectionError, match=re.escape(message)):
            pbckpt.edit(model, tmp_path / "m", layout=layout, dry_run=dry_run)
    assert listing(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n", "line 1: not two columns"),
        ("a,b\nc\n", "line 2: not two columns"),
        ("", "holds no names"),
        ("a,b\na,c\n", "has two rows for 'a'"),
        ('{"a": 1}', "the new name of 'a' is not a text"),
        ('{"a": "b"', "is not a JSON object"),
        ('{"a": "b", "a": "c"}', "has two rows for 'a'"),
        ('"a,b\n', "line 2: "),
    ],
)
def test_maps_that_are_none(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "map").write_text(text)
    with pytest.raises(pbckpt.SelectionError, match=re.escape(message)):
        pbckpt.read_map(tmp_path / "map")


def test_maps_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pbckpt.read_map(tmp_path / "map")
    (tmp_path / "map").write_bytes(b"a,\xff\n")
    with pytest.raises(pbckpt.SelectionError, match="not UTF-8 at byte 2"):
        pbckpt.read_map(tmp_path / "map")


def test_sources_and_targets_that_cannot_be(model: Path, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.MissingFileError, match=r"no checkpoint .*nothing"):
        pbckpt.edit(tmp_path / "nothing", tmp_path / "m")
    with pytest.raises(pbckpt.PathError, match="whose prefix holds"):
        pbckpt.edit(model, tmp_path / "a[b")
    with pytest.raises(pbckpt.PathError, match="names a directory"):
        pbckpt.edit(model, f"{tmp_path}{os.sep}", dry_run=True)
    assert listing(tmp_path) == ["in"]


# Damage.


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Return a checkpoint with one wrong bit, near the end of the larger tensor."""
    tensors = {"a": np.arange(100, dtype=np.float32), "b": np.ones(1 << 20, np.float32)}
    prefix = saved(tmp_path / "in" / "m", tensors)
    shard = prefix.with_name("m.data-00000-of-00001")
    data = bytearray(shard.read_bytes())
    data[-5] ^= 1
    shard.write_bytes(data)
    return prefix


COMMANDS: dict[str, Callable[[Path, Path], object]] = {
    "edit": lambda source, out: pbckpt.edit(source, out, durability=FAST),
    "cast": lambda source, out: pbckpt.edit(
        source, out, edits=pbckpt.Edits(casts=("*=float64",)), durability=FAST
    ),
    "shards": lambda source, out: pbckpt.edit(
        source, out, layout=pbckpt.Layout(num_shards=2), durability=FAST
    ),
    "merge": lambda source, out: pbckpt.merge([source], out, durability=FAST),
    "average": lambda source, out: pbckpt.average([source, source], out, durability=FAST),
    "npz": lambda source, out: pbckpt.unpack(source, f"{out}.npz", durability=FAST),
    "safetensors": lambda source, out: pbckpt.unpack(source, f"{out}.safetensors", durability=FAST),
    "diff": lambda source, _: pbckpt.diff(source, source),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_damage_is_noticed_and_nothing_is_left(command: str, damaged: Path, tmp_path: Path) -> None:
    with pytest.raises(pbckpt.ChecksumError, match="checksum of a tensor") as caught:
        COMMANDS[command](damaged, tmp_path / "out" / "m")
    assert (caught.value.file, caught.value.offset) == (f"{damaged}.data-00000-of-00001", 400)
    assert listing(tmp_path) == ["in"]
    assert listing(tmp_path / "in") == ["checkpoint", "m.data-00000-of-00001", "m.index"]


def test_damage_in_place_leaves_all_as_it_was(damaged: Path) -> None:
    before = files(damaged)
    with pytest.raises(pbckpt.ChecksumError):
        pbckpt.edit(damaged, damaged, on_existing=REPLACE, durability=FAST)
    assert files(damaged) == before
    assert listing(damaged.parent) == ["checkpoint", "m.data-00000-of-00001", "m.index"]


def test_what_is_whole_can_be_saved_from_a_damaged_file(damaged: Path, tmp_path: Path) -> None:
    edits = pbckpt.Edits(pbckpt.Selection(exclude=("b",)))
    pbckpt.edit(damaged, tmp_path / "n", edits=edits, durability=FAST)
    assert held(tmp_path / "n") == {"a": ("float32", (100,), list(range(100)))}


def test_a_data_file_that_is_gone(damaged: Path, tmp_path: Path) -> None:
    damaged.with_name("m.data-00000-of-00001").unlink()
    with pytest.raises(pbckpt.MissingFileError, match="no such file"):
        pbckpt.edit(damaged, tmp_path / "out" / "m", durability=FAST)
    assert listing(tmp_path) == ["in"]
