from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.dtypes import DataType
from pbckpt.edits.averages import Ema
from pbckpt.edits.candidate import Candidate
from pbckpt.edits.casts import parse_cast
from pbckpt.edits.plan import EditPlan, Edits, Planned, plan_edits
from pbckpt.edits.renames import parse_map, parse_rename
from pbckpt.edits.selection import Select, Selection
from pbckpt.edits.settings import Setting, parse_setting
from pbckpt.errors import SelectionError
from pbckpt.names import key_to_bytes


def candidate(name: str, dtype: DataType = DataType.FLOAT) -> Candidate:
    return Candidate((name,), dtype, (2,))


MODEL = [
    candidate("conv/w"),
    candidate("conv/b"),
    candidate("conv/w/Adam"),
    Candidate(("global_step",), DataType.INT64, ()),
]


def new_names(edits: Edits, candidates: list[Candidate] = MODEL) -> dict[str, str]:
    return {tensor.old: tensor.new for tensor in plan_edits(candidates, edits).tensors}


def refusal(edits: Edits, candidates: list[Candidate] = MODEL) -> SelectionError:
    with pytest.raises(SelectionError) as caught:
        plan_edits(candidates, edits)
    return caught.value


def test_without_edits_everything_stays() -> None:
    assert plan_edits(MODEL) == EditPlan(
        (
            Planned(1, "conv/b", "conv/b", DataType.FLOAT),
            Planned(0, "conv/w", "conv/w", DataType.FLOAT),
            Planned(2, "conv/w/Adam", "conv/w/Adam", DataType.FLOAT),
            Planned(3, "global_step", "global_step", DataType.INT64),
        ),
        (),
        (),
    )


def test_nothing_of_nothing() -> None:
    assert plan_edits([]) == EditPlan((), (), ())


def test_names_ascend_as_their_bytes_do() -> None:
    # The byte ff sorts after the four bytes of a smiley, its escape before them.
    names = ["\U0001f600", "\udcff", "\uffff", "a/b", "a", "a0", "Z"]
    plan = plan_edits(list(map(candidate, names)))
    assert [tensor.new for tensor in plan.tensors] == [
        "Z", "a", "a/b", "a0", "\uffff", "\U0001f600", "\udcff",
    ]  # fmt: skip


def test_the_order_of_the_choice() -> None:
    selection = Selection(Select.ALL, ("conv/*",), ("*/b",), ("*/Adam", "*_step"))
    plan = plan_edits(MODEL, Edits(selection, drop_slots=True))
    assert [tensor.new for tensor in plan.tensors] == ["conv/w", "conv/w/Adam", "global_step"]
    assert plan.dropped == ((1, "matches --exclude '*/b'"),)
    plan = plan_edits(MODEL, Edits(Selection(include=("conv/*",)), drop_slots=True))
    assert plan.dropped == (
        (2, "an optimizer's slot of conv/w"),
        (3, "matches no --include pattern"),
    )


def test_patterns_look_at_every_name() -> None:
    both = [Candidate(("key", "node/resource"), DataType.FLOAT, ()), candidate("other")]
    for pattern in ("key", "node/*"):
        assert new_names(Edits(Selection(include=(pattern,))), both) == {"key": "key"}
        plan = plan_edits(both, Edits(casts=(f"{pattern}=half",)))
        assert [t.dtype for t in plan.tensors] == [DataType.HALF, DataType.FLOAT]


def test_the_order_of_the_renames() -> None:
    edits = Edits(
        renames=({"conv/w": "layer/w"}, r"layer/*=net/\1", parse_rename("conv/b=layer/b")),
        strip_prefix="net/",
        add_prefix="m/",
    )
    assert new_names(edits) == {
        "conv/w": "m/w",
        "conv/b": "m/layer/b",
        "conv/w/Adam": "m/conv/w/Adam",
        "global_step": "m/global_step",
    }


def test_renames_see_the_names_of_averages() -> None:
    names = [candidate("w"), candidate("w/ExponentialMovingAverage")]
    assert new_names(Edits(ema=Ema.TO_RAW, renames=("w=v",)), names) == {
        "w/ExponentialMovingAverage": "v"
    }


def test_casts_see_old_and_new_names_and_the_last_one_wins() -> None:
    edits = Edits(
        renames=("conv/w=v", "conv/b=c"),
        casts=("conv/*=half", "v=bfloat16", parse_cast("global_step=int32")),
    )
    assert {t.new: t.dtype.label for t in plan_edits(MODEL, edits).tensors} == {
        "v": "bfloat16",
        "c": "float16",
        "conv/w/Adam": "float16",
        "global_step": "int32",
    }


def test_casts_that_cannot_be_are_all_told() -> None:
    names = [candidate("s", DataType.STRING), candidate("q", DataType.QINT8), candidate("w")]
    error = refusal(Edits(casts=("*=half",)), names)
    assert str(error) == (
        "--cast cannot change: 's' from string to float16; 'q' from qint8 to float16"
    )


def test_what_no_cast_matches_may_be_of_any_type() -> None:
    names = [candidate("s", DataType.STRING), candidate("v", DataType.VARIANT), candidate("w")]
    plan = plan_edits(names, Edits(casts=("w=half",)))
    assert [tensor.dtype.label for tensor in plan.tensors] == ["string", "variant", "float16"]


def test_settings_replace_and_add() -> None:
    edits = Edits(settings=("global_step=int64:5", "a=float:1", parse_setting("z=bool:true")))
    plan = plan_edits(MODEL, edits)
    assert plan.settings == (
        Setting("a", DataType.FLOAT, (), 1.0),
        Setting("global_step", DataType.INT64, (), 5),
        Setting("z", DataType.BOOL, (), True),  # noqa: FBT003 - a value
    )
    assert [tensor.new for tensor in plan.tensors] == ["conv/b", "conv/w", "conv/w/Adam"]
    assert plan.dropped == ((3, "--set gives 'global_step' another value"),)


def test_settings_know_the_new_names() -> None:
    edits = Edits(renames=("conv/w=v",), settings=("conv/w=int8:1", "conv/b=int8:2"))
    assert new_names(edits) == {
        "conv/w": "v",
        "conv/w/Adam": "conv/w/Adam",
        "global_step": "global_step",
    }


def test_one_of_two_names_can_be_set() -> None:
    edits = Edits(ema=Ema.FROM_RAW, settings=("w=int8:1",))
    plan = plan_edits([candidate("w")], edits)
    assert [tensor.new for tensor in plan.tensors] == ["w/ExponentialMovingAverage"]
    assert plan.dropped == ()


def test_everything_can_be_set_instead() -> None:
    plan = plan_edits(MODEL, Edits(Selection(exclude=("*",)), settings=("x=int8:1",)))
    assert (plan.tensors, len(plan.settings), len(plan.dropped)) == ((), 1, 4)


def test_a_selection_that_leaves_nothing() -> None:
    assert str(refusal(Edits(Selection(exclude=("*",))))) == (
        "the selection leaves none of the 4 tensors; loosen --include or --exclude"
    )


def test_two_tensors_of_one_name() -> None:
    error = refusal(Edits(renames=("conv/*=v",)))
    assert str(error) == (
        "several tensors want one name: 'conv/w' and 'conv/b' and 'conv/w/Adam' would be stored "
        "as 'v'; rename them apart, or leave one out with --exclude"
    )
    error = refusal(Edits(renames=("*=v",)))
    assert "'conv/w' and 'conv/b' and 'conv/w/Adam' and 1 more would be stored" in str(error)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    edits = Edits(
        Selection(include=("conw/*", "*"), exclude=("zzz",), take=("yyy",)),
        drop_slots=True,
        ema=Ema.TO_RAW,
        renames=("conv/w=conv/b", "conv/x=y", parse_map("a,b", "m.csv")),
        strip_prefix="p/",
        casts=("qqq=half",),
        settings=("s=int8:1", "s=int8:2"),
    )
    names = [candidate("conv/w"), candidate("conv/b"), candidate("conv/k")]
    error = refusal(edits, names)
    assert str(error) == (
        "--include matches nothing: 'conw/*' (nearest: conv/w, conv/k, conv/b); "
        "--exclude matches nothing: 'zzz'; "
        "--drop-slots matches nothing: no tensor is known as an optimizer's; "
        "--take matches nothing: 'yyy'; "
        "--ema to-raw matches nothing: no name ends in ExponentialMovingAverage; "
        "--rename matches nothing: 'conv/x' (nearest: conv/w, conv/k, conv/b); "
        "--map m.csv matches nothing: 'a'; "
        "--strip-prefix matches nothing: 'p/'; "
        "--cast matches nothing: 'qqq'; "
        "--set gives more than one value: 's'; "
        "several tensors want one name: 'conv/w' and 'conv/b' would be stored as 'conv/b'; "
        "rename them apart, or leave one out with --exclude"
    )
    assert error.unknown == ("conw/*", "zzz", "yyy", "conv/x", "a", "p/", "qqq")


@pytest.mark.parametrize(
    ("edits", "fact"),
    [
        (
            Edits(strip_prefix="conv/w"),
            (
                "'conv/w' would be stored under an empty name; change --strip-prefix, --rename or "
                "--map, or leave it out with --exclude"
            ),
        ),
        (Edits(add_prefix="\ud800"), "a key cannot be written as bytes: '\\ud800conv/w'"),
    ],
)
def test_names_that_no_key_can_have(edits: Edits, fact: str) -> None:
    assert fact in str(refusal(edits))


@pytest.mark.parametrize(
    "edits",
    [
        Edits(Selection(include="*")),  # type: ignore[arg-type]
        Edits(renames="a=b"),  # type: ignore[arg-type]
        Edits(casts="a=half"),  # type: ignore[arg-type]
        Edits(settings="a=int8:1"),  # type: ignore[arg-type]
    ],
)
def test_one_text_is_no_list(edits: Edits) -> None:
    assert "come as a list of texts, not as one text" in str(refusal(edits))


@pytest.mark.parametrize(
    "edits",
    [
        Edits(Selection(take=("re:(",))),
        Edits(renames=("re:(=b",)),
        Edits(casts=("a=b",)),
        Edits(settings=("a",)),
    ],
)
def test_texts_are_parsed(edits: Edits) -> None:
    refusal(edits)


NAMES = st.sampled_from(["a", "b", "c", "a/b", "a/Adam", "a/ExponentialMovingAverage", "d\udcff"])
PATTERNS = st.lists(st.sampled_from(["*", "a*", "?", "re:(.)/.*", "a", "b", "zz"]), max_size=2)
RENAMES = st.sampled_from(
    [r"*=x/\1", r"a=b", r"b=a", r"re:(.)/(.*)=\2/\1", r"?=\1", "*=z", {"a": "b", "b": "a"}]
)
EDITS = st.builds(
    Edits,
    selection=st.builds(
        Selection,
        include=PATTERNS.map(tuple),
        exclude=PATTERNS.map(tuple),
        take=PATTERNS.map(tuple),
    ),
    drop_slots=st.booleans(),
    ema=st.none() | st.sampled_from(Ema),
    renames=st.lists(RENAMES, max_size=3).map(tuple),
    strip_prefix=st.sampled_from(["", "a", "x/"]),
    add_prefix=st.sampled_from(["", "p", "\udcff"]),
    casts=st.lists(st.sampled_from(["*=half", "a=int8"]), max_size=2).map(tuple),
    settings=st.lists(st.sampled_from(["a=int8:1", "x=int8:1"]), max_size=2).map(tuple),
)


@given(st.lists(NAMES, unique=True).map(lambda names: list(map(candidate, names))), EDITS)
def test_no_tensor_is_lost_and_no_name_is_wanted_twice(
    candidates: list[Candidate], edits: Edits
) -> None:
    try:
        plan = plan_edits(candidates, edits)
    except SelectionError:
        return
    kept = {tensor.source for tensor in plan.tensors}
    dropped = [source for source, _ in plan.dropped]
    assert sorted([*kept, *dropped]) == list(range(len(candidates)))
    assert all(reason for _, reason in plan.dropped)
    keys = [key_to_bytes(tensor.new) for tensor in plan.tensors]
    assert keys == sorted(set(keys))
    set_keys = [key_to_bytes(setting.name) for setting in plan.settings]
    assert not set(keys) & set(set_keys)
    assert all(tensor.old == candidates[tensor.source].names[0] for tensor in plan.tensors)


def many(count: int) -> list[Candidate]:
    return [candidate(f"block_{n % 97}/layer_{n}/kernel") for n in range(count)]


def test_a_plan_without_edits_is_fast() -> None:
    candidates = many(20_000)
    started = time.process_time()
    plan_edits(candidates)
    # About 0.06 s where it was written; a slow machine is no failure.
    assert time.process_time() - started < 3


def test_patterns_over_many_names_take_a_time_that_grows_with_them() -> None:
    candidates = many(20_000)
    edits = Edits(
        Selection(include=("block_*", "re:.*kernel"), exclude=("*/layer_1?/*",)),
        drop_slots=False,
        renames=(r"block_*/layer_*/*=b\1/l\2/\3", *[f"b{n}/l{n}/kernel=n{n}" for n in range(9)]),
        casts=("*=half", "b*=bfloat16"),
    )
    started = time.process_time()
    plan = plan_edits(candidates, edits)
    assert len(plan.tensors) == 19_990
    assert plan.tensors[-1].new == "n8"
    # About 0.4 s where it was written.
    assert time.process_time() - started < 15


def test_slots_of_many_names_take_a_time_that_grows_with_them() -> None:
    model = many(10_000)
    slots = [candidate(f"opt/{tensor.names[0]}/Adam") for tensor in model]
    started = time.process_time()
    plan = plan_edits([*model, *slots], Edits(drop_slots=True))
    assert len(plan.tensors) == 10_000
    assert time.process_time() - started < 15


def test_thousands_of_plain_renames_are_looked_up() -> None:
    renames = tuple(f"block_{n % 97}/layer_{n}/kernel=n{n}" for n in range(1000))
    started = time.process_time()
    plan = plan_edits(many(10_000), Edits(renames=renames))
    assert sum(tensor.new.startswith("n") for tensor in plan.tensors) == 1000
    assert time.process_time() - started < 15
