from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.edits.averages import Ema
from pbckpt.edits.candidate import Candidate
from pbckpt.edits.plan import Edits, plan_edits
from pbckpt.edits.selection import Selection
from pbckpt.errors import SelectionError

EMA = "ExponentialMovingAverage"


def candidates(*names: str, shape: tuple[int, ...] = (2,)) -> list[Candidate]:
    return [Candidate((name,), DataType.FLOAT, shape) for name in names]


def planned(names: list[Candidate], ema: Ema, **edits: object) -> list[tuple[str, str]]:
    plan = plan_edits(names, Edits(ema=ema, **edits))  # type: ignore[arg-type]
    return [(tensor.old, tensor.new) for tensor in plan.tensors]


def test_an_average_takes_the_place_of_its_variable() -> None:
    names = candidates("w", f"w/{EMA}", "b")
    plan = plan_edits(names, Edits(ema=Ema.TO_RAW))
    assert [(t.source, t.old, t.new) for t in plan.tensors] == [
        (2, "b", "b"),
        (1, f"w/{EMA}", "w"),
    ]
    assert plan.dropped == ((0, f"its average 'w/{EMA}' takes its place"),)


def test_an_average_without_its_variable_gets_the_name() -> None:
    assert planned(candidates(f"a/w/{EMA}", "w", f"w/{EMA}"), Ema.TO_RAW) == [
        (f"a/w/{EMA}", "a/w"),
        (f"w/{EMA}", "w"),
    ]


def test_an_average_made_in_a_scope() -> None:
    """TensorFlow 1.15 and 2.21: ExponentialMovingAverage.apply in a variable scope ``net``."""
    names = candidates("net/d/w", f"net/net/d/w/{EMA}", "net/d/b")
    assert planned(names, Ema.TO_RAW) == [("net/d/b", "net/d/b"), (f"net/net/d/w/{EMA}", "net/d/w")]


def test_a_variable_that_is_left_out_still_has_its_average() -> None:
    names = candidates("net/w", f"s/net/w/{EMA}")
    selection = Selection(exclude=("net/w",))
    assert planned(names, Ema.TO_RAW, selection=selection) == [(f"s/net/w/{EMA}", "net/w")]


def test_an_average_of_another_shape_is_refused() -> None:
    names = [*candidates("w"), *candidates(f"w/{EMA}", shape=(3,))]
    with pytest.raises(SelectionError, match=r"differ in shape: 'w/\w+' \[3\], 'w' \[2\]"):
        planned(names, Ema.TO_RAW)


def test_no_averages() -> None:
    with pytest.raises(SelectionError, match=f"to-raw matches nothing: no name ends in {EMA}"):
        planned(candidates("w", EMA, f"/{EMA}"), Ema.TO_RAW)
    with pytest.raises(SelectionError, match="from-raw matches nothing: no variable lacks"):
        planned(candidates("w/.ATTRIBUTES/VARIABLE_VALUE"), Ema.FROM_RAW)


def test_variables_are_stored_as_their_averages_too() -> None:
    names = [
        *candidates("w", "w/Adam", "bn/moving_mean", "bn/moving_variance", "bn/beta"),
        *candidates("v", f"v/{EMA}"),
        *candidates("beta1_power", shape=()),
        Candidate(("global_step",), DataType.INT64, ()),
        Candidate(("half",), DataType.BFLOAT16, (1,)),
    ]
    added = [pair for pair in planned(names, Ema.FROM_RAW) if pair[0] != pair[1]]
    assert added == [
        ("bn/beta", f"bn/beta/{EMA}"),
        ("half", f"half/{EMA}"),
        ("w", f"w/{EMA}"),
    ]


def test_both_names_have_one_source() -> None:
    plan = plan_edits(candidates("w"), Edits(ema=Ema.FROM_RAW))
    assert [(t.source, t.old, t.new) for t in plan.tensors] == [(0, "w", "w"), (0, "w", f"w/{EMA}")]
    assert plan.dropped == ()


def test_there_and_back() -> None:
    there = planned(candidates("b", "w"), Ema.FROM_RAW)
    names = candidates(*(new for _, new in there))
    assert planned(names, Ema.TO_RAW) == [(f"b/{EMA}", "b"), (f"w/{EMA}", "w")]
