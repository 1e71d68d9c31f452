from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.edits.selection import Select, Selection
from pbckpt.errors import SelectionError
from pbckpt.graph.constant import ConstantTensor
from pbckpt.variables.evidence import Evidence, Strength
from pbckpt.variables.select import plan_selection
from pbckpt.variables.variable import Detection, Skipped, Variable
from pbckpt.wire.span import Span

TENSOR = ConstantTensor(DataType.FLOAT, (1,), 1, (Span.of(b"\x00\x00\x80\x3f"),))
AXIS = ConstantTensor(DataType.INT32, (), 1, (Span.of(b"\x01\x00\x00\x00"),))


def variable(key: str, node: str | None = None) -> Variable:
    return Variable(key, node or key, TENSOR, trainable=True, rule="read_identity", reason="read")


def skipped(node: str) -> Skipped:
    return Skipped(node, AXIS, "no trace of a variable")


HANDLE = Skipped("handle", None, "node 'handle': no value to store")
DETECTION = Detection(
    (variable("conv/kernel"), variable("conv/bias"), variable("m/MatMul", "m/MatMul/resource")),
    (skipped("axis"), HANDLE, skipped("conv/shape")),
)


def taken(selection: Selection, detection: Detection = DETECTION) -> list[str]:
    return [variable.key for variable in plan_selection(detection, selection).variables]


def left(selection: Selection, detection: Detection = DETECTION) -> dict[str, str]:
    return {s.node: s.reason for s in plan_selection(detection, selection).skipped}


def refusal(selection: Selection, detection: Detection = DETECTION) -> SelectionError:
    with pytest.raises(SelectionError) as caught:
        plan_selection(detection, selection)
    return caught.value


def test_what_was_detected_is_taken_by_ascending_key() -> None:
    plan = plan_selection(DETECTION, Selection())
    assert plan.variables == (
        DETECTION.variables[1],
        DETECTION.variables[0],
        *DETECTION.variables[2:],
    )
    assert plan.skipped == DETECTION.skipped


def test_keys_ascend_as_their_bytes_do() -> None:
    names = ["b", "a/b", "a", "a0", "é", "\U0001f600", "\uffff", "Z", "a b", "a\0"]
    keys = taken(Selection(), Detection(tuple(map(variable, names)), ()))
    assert keys == ["Z", "a", "a\0", "a b", "a/b", "a0", "b", "é", "\uffff", "\U0001f600"]
    assert keys == sorted(names, key=str.encode)


def test_all_takes_every_constant_that_can_be_stored() -> None:
    plan = plan_selection(DETECTION, Selection(Select.ALL))
    assert [(v.key, v.rule, v.trainable) for v in plan.variables] == [
        ("axis", "all", False),
        ("conv/bias", "read_identity", True),
        ("conv/kernel", "read_identity", True),
        ("conv/shape", "all", False),
        ("m/MatMul", "read_identity", True),
    ]
    assert plan.variables[0].reason == "every constant was asked for"
    assert plan.variables[0].tensor is AXIS
    assert plan.skipped == (HANDLE,)


WEIGHT = Evidence("weight_input", Strength.STRONG, "Conv2D 'c' takes it")
STATE = Evidence("weight_input", Strength.SLIGHT, "LSTMBlockCell 'c' takes it")
MIXED = Detection(
    (
        variable("a")._replace(evidence=(WEIGHT,)),
        variable("b")._replace(evidence=(STATE,)),
        variable("c")._replace(rule="usual_name", reason="its name"),
    ),
    (
        skipped("axis"),
        skipped("k")._replace(evidence=(WEIGHT,)),
        HANDLE._replace(evidence=(WEIGHT,)),
    ),
)


def test_traced_takes_what_freezing_left_a_trace_of() -> None:
    plan = plan_selection(MIXED, Selection(Select.TRACED))
    assert plan.variables == MIXED.variables[:2]
    assert {s.node: s.reason for s in plan.skipped}["c"] == (
        "freezing left no trace on it: its name"
    )


def test_weights_takes_what_ops_take_as_weights() -> None:
    plan = plan_selection(MIXED, Selection(Select.WEIGHTS))
    assert [(v.key, v.rule) for v in plan.variables] == [("a", "read_identity"), ("k", "weights")]
    assert plan.variables[1].reason == "an operation takes it as a weight"
    reasons = {s.node: s.reason for s in plan.skipped}
    assert reasons["b"] == reasons["c"] == "no operation takes it as a weight"
    assert reasons["handle"] == "node 'handle': no value to store"


@pytest.mark.parametrize(("select", "keys"), [(Select.TRACED, "abk"), (Select.WEIGHTS, "abk")])
def test_take_adds_to_any_policy(select: Select, keys: str) -> None:
    assert taken(Selection(select, take=("b", "k")), MIXED) == list(keys)


def test_include_keeps_what_matches() -> None:
    assert taken(Selection(include=("conv/*",))) == ["conv/bias", "conv/kernel"]
    assert taken(Selection(include=("re:.*bias", "m/*"))) == ["conv/bias", "m/MatMul"]
    reasons = left(Selection(include=("conv/k*",)))
    assert reasons["conv/bias"] == "matches no --include pattern"
    assert reasons["m/MatMul/resource"] == "matches no --include pattern"
    assert reasons["axis"] == "no trace of a variable"


def test_exclude_drops_what_matches() -> None:
    assert taken(Selection(exclude=("conv/*",))) == ["m/MatMul"]
    reasons = left(Selection(exclude=("*bias", "conv/*")))
    assert reasons["conv/bias"] == "matches --exclude '*bias'"
    assert reasons["conv/kernel"] == "matches --exclude 'conv/*'"


@pytest.mark.parametrize("pattern", ["m/MatMul", "m/MatMul/resource"])
def test_include_and_exclude_look_at_key_and_node(pattern: str) -> None:
    assert taken(Selection(include=(pattern,))) == ["m/MatMul"]
    assert taken(Selection(exclude=(pattern,))) == ["conv/bias", "conv/kernel"]


@pytest.mark.parametrize("pattern", ["X", "X/part_0", "X/part_1", "c1", "*/part_1"])
def test_any_part_stands_for_its_variable(pattern: str) -> None:
    parts = (variable("X/part_0", "c0"), variable("X/part_1", "c1"))
    detection = Detection((variable("X", "c0")._replace(parts=parts), variable("y")), ())
    assert taken(Selection(exclude=(pattern,)), detection) == ["y"]
    assert taken(Selection(include=(pattern,)), detection) == ["X"]


def test_exclude_looks_at_what_include_left() -> None:
    assert taken(Selection(include=("conv/*",), exclude=("*bias",))) == ["conv/kernel"]
    error = refusal(Selection(include=("conv/*",), exclude=("m/MatMul",)))
    assert error.unknown == ("m/MatMul",)


def test_take_adds_constants_under_the_names_of_their_nodes() -> None:
    plan = plan_selection(DETECTION, Selection(take=("a*", "conv/shape")))
    assert [(v.key, v.rule, v.reason) for v in plan.variables[:1]] == [
        ("axis", "take", "matches --take 'a*'")
    ]
    assert [v.key for v in plan.variables] == [
        "axis",
        "conv/bias",
        "conv/kernel",
        "conv/shape",
        "m/MatMul",
    ]


def test_take_comes_last() -> None:
    selection = Selection(include=("conv/kernel",), exclude=(), take=("axis", "conv/bias"))
    assert taken(selection) == ["axis", "conv/bias", "conv/kernel"]


def test_taking_what_is_taken_changes_nothing() -> None:
    plan = plan_selection(DETECTION, Selection(take=("conv/kernel", "m/MatMul/resource")))
    assert plan == plan_selection(DETECTION, Selection())


def test_take_knows_a_variable_by_its_key_too() -> None:
    assert "m/MatMul" in taken(Selection(take=("m/MatMul",)))


def test_a_variable_that_is_dropped_and_taken_again_is_the_same() -> None:
    for name in ("m/MatMul", "m/MatMul/resource"):
        selection = Selection(exclude=("m/*",), take=(name,))
        assert plan_selection(DETECTION, selection) == plan_selection(DETECTION, Selection())


def test_all_then_include_then_exclude() -> None:
    selection = Selection(Select.ALL, include=("conv/*", "axis"), exclude=("*/bias",))
    assert taken(selection) == ["axis", "conv/kernel", "conv/shape"]


def test_a_constant_without_a_value_cannot_be_taken() -> None:
    error = refusal(Selection(take=("handle",)))
    assert str(error) == "matches --take 'handle', but node 'handle': no value to store"


def test_patterns_that_match_nothing_are_all_named_with_what_is_near() -> None:
    error = refusal(Selection(include=("conv/kernl", "conv/*", "zzz")))
    assert str(error) == (
        "--include matches nothing: 'conv/kernl' (nearest: conv/kernel, conv/bias); 'zzz'"
    )
    assert error.unknown == ("conv/kernl", "zzz")
    assert error.suggestions == ("conv/kernel", "conv/bias")


def test_an_exclude_that_matches_nothing() -> None:
    error = refusal(Selection(exclude=("conv/bia",)))
    assert str(error) == "--exclude matches nothing: 'conv/bia' (nearest: conv/bias, conv/kernel)"


def test_a_take_that_matches_nothing_offers_all_constants() -> None:
    error = refusal(Selection(take=("axs", "conv/shap")))
    assert str(error) == (
        "--take matches nothing: 'axs' (nearest: axis); "
        "'conv/shap' (nearest: conv/shape, conv/bias, conv/kernel)"
    )


def test_include_offers_keys_and_nodes_but_no_constants() -> None:
    error = refusal(Selection(include=("m/MatMu",)))
    assert error.suggestions == ("m/MatMul", "m/MatMul/resource")
    assert refusal(Selection(include=("axis",))).suggestions == ()


def test_a_broken_pattern_is_refused_before_anything_else() -> None:
    assert refusal(Selection(include=("re:(",))).unknown == ("re:(",)


def test_a_selection_that_leaves_nothing() -> None:
    error = refusal(Selection(exclude=("*",)))
    assert str(error) == (
        "the selection leaves none of the 3 variables; loosen --include or --exclude"
    )


def test_a_start_that_leaves_nothing() -> None:
    error = refusal(Selection(Select.TRACED, exclude=("*",)))
    assert str(error) == (
        "the selection leaves none of the 3 variables; loosen --select, --include or --exclude"
    )


def test_a_graph_without_constants_is_not_frozen() -> None:
    error = refusal(Selection(), Detection((), ()))
    assert str(error) == (
        "the graph has no constants, so it holds no weights: it is not a frozen graph; "
        "freeze it with its checkpoint first"
    )


def test_a_graph_without_traces_of_variables() -> None:
    error = refusal(Selection(), Detection((), DETECTION.skipped))
    assert str(error) == (
        "no variable was found among 3 constants: none bears a trace of freezing, "
        "and none is used as a weight. See them with pbckpt inspect, "
        "then name those to take with --take PATTERN, "
        "or take every constant with --select all"
    )


def test_what_is_known_of_constants_without_traces_is_told() -> None:
    weight = skipped("Const")._replace(evidence=(WEIGHT,))
    doubtful = skipped("mean")._replace(is_ambiguous=True)
    ending = (
        "See them with pbckpt inspect, then name those to take with --take PATTERN, or take every "
        "constant with --select all"
    )
    error = refusal(Selection(), Detection((), (weight,)))
    assert str(error) == (
        "no variable was found among 1 constant: none bears a trace of freezing, and 'Const' is "
        f"used as a weight, which --select weights takes. {ending}"
    )
    error = refusal(Selection(), Detection((), (doubtful, doubtful._replace(node="std"))))
    assert str(error) == (
        "no variable was found among 2 constants: none bears a trace of freezing, and 2 are, such "
        f"as 'mean', ambiguous. {ending}"
    )
    error = refusal(Selection(), Detection((), (doubtful, weight)))
    assert "of freezing, 'mean' is ambiguous, and 'Const' is used as a weight, which" in str(error)


def test_an_ambiguous_constant_that_is_excluded_is_so_no_more() -> None:
    doubtful = skipped("mean")._replace(is_ambiguous=True)
    detection = Detection((variable("w"),), (skipped("axis"), doubtful))
    assert plan_selection(detection, Selection()).skipped[1].is_ambiguous
    settled = plan_selection(detection, Selection(exclude=("m*",)))
    assert [(one.node, one.is_ambiguous, one.reason) for one in settled.skipped] == [
        ("axis", False, "no trace of a variable"),
        ("mean", False, "matches --exclude 'm*'"),
    ]
    assert refusal(Selection(exclude=("axis",)), detection).unknown == ("axis",)


def test_a_selection_that_leaves_the_only_variable_out() -> None:
    error = refusal(Selection(exclude=("*",)), Detection((variable("w"),), ()))
    assert str(error) == (
        "the selection leaves the only variable out; loosen --include or --exclude"
    )


def test_constants_of_such_a_graph_can_be_taken() -> None:
    detection = Detection((), DETECTION.skipped)
    assert taken(Selection(take=("axis",)), detection) == ["axis"]
    assert taken(Selection(Select.ALL), detection) == ["axis", "conv/shape"]


def test_two_nodes_with_one_key_are_an_error_that_names_both() -> None:
    detection = Detection((variable("m", "m/resource"),), (skipped("m"),))
    assert taken(Selection(), detection) == ["m"]
    error = refusal(Selection(take=("m",)), detection)
    assert str(error) == (
        "nodes 'm/resource' and 'm' would both be stored as 'm'; leave one out with --exclude"
    )


def test_a_selection_does_not_change_the_detection() -> None:
    before = Detection(tuple(DETECTION.variables), tuple(DETECTION.skipped))
    plan_selection(DETECTION, Selection(Select.ALL, exclude=("conv/*",)))
    assert before == DETECTION


@pytest.mark.parametrize(
    ("key", "fault"), [("", "under an empty name"), ("\ud800", "cannot be written as bytes")]
)
def test_keys_that_no_checkpoint_holds(key: str, fault: str) -> None:
    error = refusal(Selection(), Detection((variable(key, "w"),), ()))
    assert fault in str(error)
