from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.dtypes import DataType
from pbckpt.matching.plan import MatchBy
from tests.unit.matching.sides import matched, pairs, ways

if TYPE_CHECKING:
    from pbckpt.matching.match import Match

SUFFIX = MatchBy.SUFFIX


def missing(found: Match) -> dict[str, tuple[str, ...]]:
    return {one.target.key: one.nearest for one in found.missing}


def left_over(found: Match) -> list[str]:
    return [one.key for one in found.left_over]


# -- exact names


def test_the_same_name() -> None:
    found = matched(["b 2", "w 2x3", "state 2"], ["w 2x3", "b 2"])
    assert ways(found) == {"w": ("name", 1.0), "b": ("name", 1.0)}
    assert pairs(found) == {"w": "w", "b": "b"}
    assert left_over(found) == ["state"]
    assert (found.missing, found.wrong_shape, found.wrong_dtype) == ((), (), ())


def test_what_is_missing_has_its_nearest_names() -> None:
    found = matched(["conv1/weights 2", "fc/weights 2"], ["conv1/weight 2"])
    assert missing(found) == {"conv1/weight": ("conv1/weights", "fc/weights")}
    assert left_over(found) == ["conv1/weights", "fc/weights"]


def test_a_rule_is_told() -> None:
    found = matched(["new/w=>net/w 2"], ["net/w 2"])
    assert ways(found) == {"net/w": ("rule", 1.0)}
    assert found.matched[0].reason == "renamed from 'new/w'"


def test_what_was_renamed_is_not_found_by_its_old_name() -> None:
    found = matched(["w=>v 2"], ["w 2"])
    assert pairs(found) == {}
    assert left_over(found) == ["v"]


def test_what_objects_are_called() -> None:
    key = "model/w/.ATTRIBUTES/VARIABLE_VALUE"
    assert pairs(matched(["dense/kernel 2"], [f"dense/kernel={key} 2"])) == {key: "dense/kernel"}
    assert pairs(matched(["model/w 2"], [f"dense/kernel={key} 2"])) == {key: "model/w"}


def test_a_name_of_two_targets_is_none() -> None:
    """Two layers that programs call the same, at different places."""
    found = matched(["kernel 2"], ["kernel=a/w 2", "kernel=b/w 2"])
    assert pairs(found) == {}
    assert list(missing(found)) == ["a/w", "b/w"]


def test_keys_come_before_other_names() -> None:
    found = matched(["a 2", "b 2"], ["b=a 2", "a=b 2"])
    assert pairs(found) == {"a": "a", "b": "b"}


# -- what does not fit


def problems(one: str, other: str) -> list[str]:
    return [misfit.problem for misfit in matched([f"w {one}"], [f"w {other}"]).wrong_shape]


def test_wrong_shapes() -> None:
    assert problems("2x3", "3x2") == ["transposed, it would fit"]
    assert problems("2x3x4", "3x2x4") == ["with its dimensions in another order, it would fit"]
    assert problems("2x3", "6") == ["reshaped, it would fit"]
    assert problems("2x3", "2x4") == ["no reshape makes it fit"]
    assert problems("2x3", "2x3") == []


def test_a_wrong_shape_is_in_no_other_list() -> None:
    found = matched(["w 2x3 float64"], ["w 2x4"])
    assert (found.matched, found.missing, found.left_over, found.wrong_dtype) == ((), (), (), ())


def test_wrong_types() -> None:
    found = matched(["w 2 float64", "s 2 string"], ["w 2 bfloat16", "s 2"])
    told = [(one.pair.target.key, one.problem, one.can_cast) for one in found.wrong_dtype]
    assert told == [
        ("w", "a cast would make it fit", True),
        ("s", "no cast makes it fit", False),
    ]


def test_what_is_not_known_of_a_target_fits() -> None:
    found = matched(["w 2 float64"], ["w 2 float64"])
    assert found.matched[0].target.dtype is DataType.DOUBLE


# -- ends of names


def test_other_prefixes() -> None:
    found = matched(
        ["new/h1 2x3", "new/fw/kernel 4", "new/state 1x3"],
        ["model/net/h1 2x3", "model/net/fw/kernel 4"],
        SUFFIX,
    )
    assert pairs(found) == {"model/net/h1": "new/h1", "model/net/fw/kernel": "new/fw/kernel"}
    assert ways(found)["model/net/h1"] == ("suffix", 0.9)
    assert (
        found.matched[0].reason == "the same after new/ in the graph and model/net/ in the target"
    )
    assert left_over(found) == ["new/state"]


def test_no_suffix_unless_asked_for() -> None:
    assert pairs(matched(["w 2"], ["net/w 2"])) == {}
    assert pairs(matched(["w 2"], ["net/w 2"], SUFFIX)) == {"net/w": "w"}


def test_the_longest_end_counts_first() -> None:
    found = matched(["a/conv/w 2", "b/conv/w 2"], ["net/b/conv/w 2"], SUFFIX)
    assert pairs(found) == {"net/b/conv/w": "b/conv/w"}


def test_an_end_of_two_is_no_choice() -> None:
    found = matched(["a/conv/w 2", "b/conv/w 2"], ["net/conv/w 2"], SUFFIX)
    assert pairs(found) == {}
    assert missing(found) == {"net/conv/w": ("b/conv/w", "a/conv/w")}
    found = matched(["net/conv/w 2"], ["a/conv/w 2", "b/conv/w 2"], SUFFIX)
    assert pairs(found) == {}


def test_one_component_alone_proves_nothing() -> None:
    found = matched(["a/kernel 2", "b/bias 3"], ["x/kernel 2", "y/bias 3"], SUFFIX)
    assert pairs(found) == {}


def test_ends_are_of_whole_components() -> None:
    assert pairs(matched(["conv1 2", "v 2"], ["a/xconv1 2"], SUFFIX)) == {}


def test_slots_have_no_values_in_a_graph() -> None:
    assert pairs(matched(["x/w/Adam 2"], ["net/w/Adam 2"], SUFFIX)) == {"net/w/Adam": "x/w/Adam"}
    assert pairs(matched(["x/w/Adam 2"], ["net/w/Adam 2 slot"], SUFFIX)) == {}
