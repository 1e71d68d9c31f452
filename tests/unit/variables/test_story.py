from __future__ import annotations

import pytest

from pbckpt.errors import SelectionError
from pbckpt.protos import NodeDef
from pbckpt.variables.detect import detect
from pbckpt.variables.story import Consumer, Story, tell
from pbckpt.variables.verdict import Outcome
from tests.unit.variables.graphs import const, function, graph, identity, node, variable

READ = "as freezing leaves a reference variable"
NODES = [
    *variable("conv/kernel", 3, 3, 1, 8),
    node("Cast", "half", "conv/kernel/read"),
    node("Conv2D", "conv", "x", "half"),
    node("Relu", "r", "conv/kernel"),
    const("shape", 2, dtype=3),
    node("Reshape", "flat", "conv", "shape"),
]


def told(name: str, *nodes: NodeDef) -> Story:
    whole = graph(*nodes)
    return tell(whole, detect(whole), name)


def test_the_story_of_a_variable() -> None:
    story = told("conv/kernel", *NODES)
    assert (story.node, story.outcome, story.keys) == (
        "conv/kernel",
        Outcome.VARIABLE,
        ("conv/kernel",),
    )
    assert story.reason == f"Identity 'conv/kernel/read' reads it, {READ}"
    assert [one.rule for one in story.evidence] == ["read_identity", "weight_input"]
    assert story.consumers == (
        Consumer("Relu", "r", 0, ()),
        Consumer("Conv2D", "conv", 1, ("Identity 'conv/kernel/read'", "Cast 'half'")),
    )
    assert story.tensor is not None
    assert story.tensor.shape == (3, 3, 1, 8)


def test_a_long_way_is_told_in_its_last_steps() -> None:
    steps = [identity(f"i{number}", f"i{number - 1}" if number else "w") for number in range(40)]
    story = told("w", const("w", 4), *steps, node("Relu", "r", "i39"))
    (consumer,) = story.consumers
    assert len(consumer.through) == 17
    assert consumer.through[:2] == ("24 more", "Identity 'i24'")
    assert consumer.through[-1] == "Identity 'i39'"


@pytest.mark.parametrize("name", ["conv/kernel/read", "conv/kernel/read:0", "half"])
def test_what_reads_a_constant_stands_for_it(name: str) -> None:
    assert told(name, *NODES).node == "conv/kernel"


def test_what_is_no_constant_is_told_by_its_op() -> None:
    with pytest.raises(SelectionError, match=r"^node 'conv' is no constant, but Conv2D(;|$)"):
        told("conv", *NODES)
    loop = [identity("a", "b"), identity("b", "a")]
    with pytest.raises(SelectionError, match=r"^node 'a' is no constant, but Identity(;|$)"):
        told("a", *NODES, *loop)


def test_the_story_of_a_constant() -> None:
    story = told("shape", *NODES)
    assert (story.outcome, story.keys) == (Outcome.CONSTANT, ())
    assert story.reason == "Reshape 'flat' takes it as the shape"
    assert story.consumers == (Consumer("Reshape", "flat", 1, ()),)


def test_the_story_of_an_ambiguous_one() -> None:
    story = told("l/bias", const("l/bias", 4), node("Maximum", "m", "x", "l/bias"))
    assert (story.outcome, story.keys) == (Outcome.AMBIGUOUS, ())
    assert story.reason == "Maximum 'm' compares with it"


def test_a_constant_is_known_by_its_key_and_by_its_output_too() -> None:
    nodes = [
        const("unknown"),
        identity("net/a/ReadVariableOp", "unknown"),
        const("unknown_1"),
        identity("net/b/ReadVariableOp", "unknown_1"),
    ]
    assert told("a/variable", *nodes).node == "unknown"
    assert told("b/variable:0", *nodes).node == "unknown_1"
    assert told("unknown:0", *nodes).keys == ("a/variable",)


def test_a_nodes_name_comes_before_anothers_key() -> None:
    nodes = [const("a"), identity("b/read", "a"), const("b", 2), node("Relu", "r", "b")]
    assert told("b", *nodes).node == "b"


def test_a_merged_constant_has_several_keys() -> None:
    nodes = [*variable("a/bias", 4), identity("b/bias/read", "a/bias")]
    assert told("b/bias", *nodes).keys == ("a/bias", "b/bias")


def test_a_constant_in_a_function() -> None:
    body = function(
        "f", [], [], const("w", 4), identity("w/read", "w"), node("Relu", "r", "w/read")
    )
    whole = graph(node("f", "call"), functions=[body])
    story = tell(whole, detect(whole), "f::w")
    assert story.node == "f::w"
    assert story.consumers == (Consumer("Relu", "f::r", 0, ("Identity 'f::w/read'",)),)


def test_a_name_of_nothing_says_what_is_near() -> None:
    with pytest.raises(SelectionError) as caught:
        told("conv/kernl", *NODES)
    assert str(caught.value) == (
        "no constant or variable is called 'conv/kernl'; did you mean 'conv/kernel'?"
    )
    assert caught.value.unknown == ("conv/kernl",)
    assert caught.value.suggestions == ("conv/kernel",)
    with pytest.raises(SelectionError, match=r"^no constant or variable is called 'zzzzzz'$"):
        told("zzzzzz", *NODES)
    with pytest.raises(SelectionError):
        told("conv", NodeDef(name="conv", op="Relu"))
