from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbckpt.matching.plan import MatchBy
from pbckpt.matching.roles import known_role, role_of_name
from tests.unit.matching import sides
from tests.unit.matching.sides import pairs, ways

if TYPE_CHECKING:
    from pbckpt.matching.match import Match


def matched(sources: list[str], targets: list[str], *, ordered: bool = False) -> Match:
    return sides.matched(sources, targets, MatchBy.STRUCTURE, ordered=ordered)


def ambiguous(found: Match) -> dict[str, tuple[str, ...]]:
    return {one.target.key: one.candidates for one in found.ambiguous}


def test_other_words_for_the_same_role() -> None:
    found = matched(
        ["net/conv/weights 3x2", "net/conv/biases 2", "net/bn/scale 2"],
        ["conv/kernel 3x2", "conv/bias 2", "bn/gamma 2"],
    )
    assert pairs(found) == {
        "conv/kernel": "net/conv/weights",
        "conv/bias": "net/conv/biases",
        "bn/gamma": "net/bn/scale",
    }
    assert {how for how, _ in ways(found).values()} == {"structure"}


def test_the_only_one_of_its_shape() -> None:
    found = matched(["a/x 3x2", "b/y 2x5"], ["p 2x5", "q 3x2"])
    assert pairs(found) == {"p": "b/y", "q": "a/x"}
    assert ways(found)["p"] == ("structure", 0.65)


def test_a_family_pulls_the_others() -> None:
    found = matched(
        ["enc/w 3x2", "enc/b 2", "dec/w 2x5", "dec/b 2"],
        ["one/kernel 3x2", "one/bias 2", "two/kernel 2x5", "two/bias 2"],
    )
    assert pairs(found) == {
        "one/kernel": "enc/w",
        "one/bias": "enc/b",
        "two/kernel": "dec/w",
        "two/bias": "dec/b",
    }
    assert ways(found)["one/bias"] == ("structure", 0.8)


def test_two_equally_good_choices_are_none() -> None:
    found = matched(["a/x 2x2", "b/y 2x2"], ["p 2x2"])
    assert pairs(found) == {}
    assert ambiguous(found) == {"p": ("a/x", "b/y")}
    assert [one.key for one in found.left_over] == ["a/x", "b/y"]
    assert found.missing == ()


def test_one_source_for_two_targets() -> None:
    found = matched(["a/x 2x2"], ["p 2x2", "q 2x2"])
    assert pairs(found) == {}
    assert ambiguous(found) == {"p": ("a/x",), "q": ("a/x",)}


def test_as_many_of_both_are_still_a_choice() -> None:
    found = matched(["a/x 2x2", "b/y 2x2"], ["p 2x2", "q 2x2"])
    assert pairs(found) == {}
    assert ambiguous(found) == {"p": ("a/x", "b/y"), "q": ("a/x", "b/y")}


def test_roles_decide_between_equal_shapes() -> None:
    found = matched(
        ["n/v1 4 gamma", "n/v2 4 beta", "n/v3 4 moving_mean", "n/v4 4 moving_variance"],
        ["m/gamma 4", "m/beta 4", "m/moving_mean 4", "m/moving_variance 4"],
    )
    assert pairs(found) == {
        "m/gamma": "n/v1",
        "m/beta": "n/v2",
        "m/moving_mean": "n/v3",
        "m/moving_variance": "n/v4",
    }


def test_roles_that_differ_do_not_fit() -> None:
    found = matched(["n/x 4 gamma"], ["m/beta 4"])
    assert (pairs(found), ambiguous(found)) == ({}, {})
    assert [one.target.key for one in found.missing] == ["m/beta"]


def test_a_table_may_be_called_weights() -> None:
    assert pairs(matched(["n/x 4x2 embeddings"], ["m/weights 4x2"])) == {"m/weights": "n/x"}


def test_numbers_in_names_tell_the_order() -> None:
    found = matched(
        ["layer_10/x 2x2", "layer_9/x 2x2", "layer_2/x 2x2"],
        ["dense 2x2", "dense_1 2x2", "dense_2 2x2"],
    )
    assert pairs(found) == {
        "dense": "layer_2/x",
        "dense_1": "layer_9/x",
        "dense_2": "layer_10/x",
    }
    assert ways(found)["dense"] == ("structure", 0.6)


def test_places_tell_the_order() -> None:
    found = matched(["a 2x2", "mid 3x3", "b 2x2"], ["p 2x2", "mid 3x3", "q 2x2"], ordered=True)
    assert pairs(found) == {"p": "a", "mid": "mid", "q": "b"}
    assert ways(found)["p"] == ("structure", 0.6)


def test_places_of_a_crossed_order_say_nothing() -> None:
    found = matched(
        ["one 5x5", "two 3x3", "a 2x2", "b 2x2"],
        ["two 3x3", "one 5x5", "p 2x2", "q 2x2"],
        ordered=True,
    )
    assert pairs(found) == {"one": "one", "two": "two"}
    assert ambiguous(found) == {"p": ("a", "b"), "q": ("a", "b")}


def test_scalars_need_a_role() -> None:
    found = matched(["a"], ["b"])
    assert (pairs(found), ambiguous(found)) == ({}, {})
    assert pairs(matched(["n/x alpha"], ["m/alpha"])) == {"m/alpha": "n/x"}


def test_types_of_another_kind_do_not_fit() -> None:
    assert pairs(matched(["a 2x2 int32"], ["b 2x2"])) == {}
    found = matched(["a 2x2 float16"], ["b 2x2"])
    assert [one.pair.source.key for one in found.wrong_dtype] == ["a"]


def test_optimizers_and_averages_get_nothing() -> None:
    found = matched(["a 2x2"], ["w/Adam 2x2 slot", "w/ExponentialMovingAverage 2x2"])
    assert (pairs(found), ambiguous(found)) == ({}, {})


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("net/weights", "kernel"),
        ("W", "kernel"),
        ("W_conv1", "kernel"),
        ("b_fc2", "bias"),
        ("dense/bias/.ATTRIBUTES/VARIABLE_VALUE", "bias"),
        ("bn/running_var", "moving_variance"),
        ("bn/scale", "gamma"),
        ("kernel_1", "kernel"),
        ("h1", ""),
        ("global_step", ""),
        ("weightsless", ""),
        ("", ""),
    ],
)
def test_roles_of_names(name: str, role: str) -> None:
    assert role_of_name(name) == role


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("kernel", "kernel"),
        ("recurrent_bias", "bias"),
        ("moving_mean", "moving_mean"),
        ("scale", ""),
        ("weight", ""),
        ("matrix", ""),
        ("peephole", ""),
        ("state", ""),
        ("", ""),
    ],
)
def test_roles_that_graphs_tell(word: str, role: str) -> None:
    """What scales a quantized value is no gamma, and anything can be a weight."""
    assert known_role(word) == role


def test_many_are_matched_in_time() -> None:
    """Nothing is compared with everything."""
    count = 3000
    sources = [f"net/block_{at}/w {at % 50 + 1}x3" for at in range(count)]
    targets = [f"model/layer{at}/kernel {at % 50 + 1}x3" for at in range(count)]
    found = matched(sources, targets)
    assert len(found.matched) == count
    assert all(pair.source.key == f"net/block_{pair.target.key[11:-7]}/w" for pair in found.matched)
