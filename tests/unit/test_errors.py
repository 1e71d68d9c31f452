from __future__ import annotations

import inspect
import pickle
import re

import pytest

import pbckpt
from pbckpt import errors
from pbckpt.errors import (
    BundleError,
    ChecksumError,
    CorruptFileError,
    DurabilityError,
    GraphDecodeError,
    GraphError,
    InvalidGraphError,
    LimitError,
    MatchError,
    MissingFileError,
    NotCommittedError,
    PathError,
    PbckptError,
    SelectionError,
    UnknownKeyError,
    UnsupportedBundleError,
    UnsupportedGraphError,
    WriteError,
)

EVERY_ERROR = [
    PbckptError,
    GraphError,
    GraphDecodeError,
    InvalidGraphError,
    UnsupportedGraphError,
    SelectionError,
    MatchError,
    BundleError,
    CorruptFileError,
    ChecksumError,
    MissingFileError,
    UnsupportedBundleError,
    UnknownKeyError,
    PathError,
    LimitError,
    WriteError,
    NotCommittedError,
    DurabilityError,
]

# One of each, with all that it can hold, and what it says.
EXAMPLES: list[tuple[PbckptError, str]] = [
    (PbckptError("what"), "what"),
    (GraphError("what"), "what"),
    (
        GraphDecodeError("a cut field", offset=7),
        (
            "not a GraphDef: a cut field at byte 7; "
            "the file is cut short or damaged, or is no frozen graph; copy it again"
        ),
    ),
    (InvalidGraphError("no dtype", node_name="a/w"), "node 'a/w': no dtype"),
    (
        UnsupportedGraphError("a SavedModel", kind="saved_model", node_name="n", op="Const"),
        "a SavedModel",
    ),
    (SelectionError("nothing fits 'x*'", unknown=["x*"], suggestions=["xy"]), "nothing fits 'x*'"),
    (
        MatchError("1 missing in the graph: 'w'", report=None, unknown=["w"]),
        "1 missing in the graph: 'w'",
    ),
    (BundleError("what"), "what"),
    (
        CorruptFileError("a bad size", file="m.index", offset=9, expected="4", actual="5"),
        "m.index: a bad size at byte 9 (expected 4, found 5)",
    ),
    (
        ChecksumError("the checksum differs", file="m.data", offset=0, expected="00", actual="01"),
        "m.data: the checksum differs at byte 0 (expected 00, found 01)",
    ),
    (MissingFileError("m.index: no such file", file="m.index"), "m.index: no such file"),
    (UnsupportedBundleError("V1"), "V1"),
    (
        UnknownKeyError("ww", prefix="m", suggestions=["w", "v"]),
        "no key 'ww' in checkpoint m; nearest: w, v",
    ),
    (PathError("m exists"), "m exists"),
    (
        LimitError("the nodes", limit="max_nodes", value=12, maximum=10),
        "the nodes: 12 is over the limit max_nodes of 10",
    ),
    (WriteError("what"), "what"),
    (
        NotCommittedError(28, "m was not written", "m.index"),
        "m was not written",
    ),
    (DurabilityError("what"), "what"),
]


def drawing() -> list[str]:
    """Return the lines that draw the tree: the second paragraph of the docstring."""
    return (errors.__doc__ or "").split("\n\n")[1].splitlines()


def drawn_tree() -> dict[str, str]:
    """Return the parent of each error, as the module's docstring draws it."""
    parents = {}
    path: list[str] = []
    for line in drawing():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        path[depth:] = [name]
        parents[name] = path[depth - 1] if depth else "Exception"
    return parents


def real_tree() -> dict[str, str]:
    found = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, BaseException) and cls.__module__ == errors.__name__
    }
    return {name: cls.__bases__[0].__name__ for name, cls in found.items()}


def test_the_tree_that_is_drawn_is_the_tree_that_is_there() -> None:
    assert drawn_tree() == real_tree()


def test_the_tree_has_every_error_of_this_file() -> None:
    assert set(real_tree()) == {cls.__name__ for cls in EVERY_ERROR}
    assert [type(error) for error, _ in EXAMPLES] == EVERY_ERROR


def test_the_drawing_tells_each_attribute() -> None:
    by_name = {line.split()[0]: re.findall(r"\.(\w+)", line) for line in drawing()}
    for error, _ in EXAMPLES:
        for attribute in by_name[type(error).__name__]:
            assert hasattr(error, attribute), (type(error), attribute)


@pytest.mark.parametrize("cls", EVERY_ERROR)
def test_every_error_is_public(cls: type[PbckptError]) -> None:
    assert getattr(pbckpt, cls.__name__) is cls


@pytest.mark.parametrize(("error", "message"), EXAMPLES)
def test_what_an_error_says(error: PbckptError, message: str) -> None:
    assert str(error) == message


def test_an_error_passes_from_one_process_to_another() -> None:
    for error, message in EXAMPLES:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(copy), str(copy)) == (type(error), message)
        assert vars(copy) == vars(error)


def test_some_errors_are_also_errors_of_python() -> None:
    assert {cls for cls in EVERY_ERROR if issubclass(cls, OSError)} == {NotCommittedError}
    assert {cls for cls in EVERY_ERROR if issubclass(cls, KeyError)} == {UnknownKeyError}


def test_an_error_of_writing_has_what_the_system_said() -> None:
    error = NotCommittedError(28, "m was not written", "m.index")
    assert (error.errno, error.strerror, error.filename) == (28, "m was not written", "m.index")


def test_an_unknown_key_without_neighbours() -> None:
    error = UnknownKeyError("w", prefix="m")
    assert str(error) == "no key 'w' in checkpoint m"
    assert error.suggestions == ()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CorruptFileError("a bad size"), "a bad size at byte 0"),
        (CorruptFileError("a bad size", offset=9), "a bad size at byte 9"),
        (CorruptFileError("a bad size", file="m"), "m: a bad size at byte 0"),
        (CorruptFileError("bad", actual="5"), "bad at byte 0"),
        (CorruptFileError("bad", offset=3, advice="remove it"), "bad at byte 3; remove it"),
        (
            CorruptFileError("bad", expected="4", actual="5", advice="remove it"),
            "bad at byte 0 (expected 4, found 5); remove it",
        ),
        (CorruptFileError("bad", expected="4"), "bad at byte 0 (expected 4, found )"),
    ],
)
def test_a_corrupt_file_says_what_is_known(error: CorruptFileError, message: str) -> None:
    assert str(error) == message


def test_a_file_is_named_on_the_way_up() -> None:
    inner = ChecksumError("differs", offset=5, expected="1", actual="2", advice="copy it again")
    outer = inner.in_file("m.data", base=100)
    assert type(outer) is ChecksumError
    assert str(outer) == "m.data: differs at byte 105 (expected 1, found 2); copy it again"
    assert str(inner) == "differs at byte 5 (expected 1, found 2); copy it again"


def test_a_file_that_is_named_stays_named() -> None:
    inner = CorruptFileError("cut", file="m.data", offset=5)
    assert inner.in_file("m.index", base=100) is inner
    assert str(inner) == "m.data: cut at byte 5"


def test_lists_are_kept_as_they_were() -> None:
    unknown = ["x*"]
    error = SelectionError("nothing", unknown=unknown)
    unknown.append("y*")
    assert error.unknown == ("x*",)
    assert error.suggestions == ()


def test_a_limit_has_its_numbers() -> None:
    error = LimitError("the nodes", limit="max_nodes", value=12, maximum=10)
    assert (error.limit, error.value, error.maximum) == ("max_nodes", 12, 10)


def test_a_kind_of_file_needs_no_node() -> None:
    error = UnsupportedGraphError("a SavedModel", kind="saved_model")
    assert (error.kind, error.node_name, error.op) == ("saved_model", "", "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidGraphError("no dtype", node_name="w"), "g.pb: node 'w': no dtype"),
        (UnsupportedGraphError("g.pb: a SavedModel", kind="saved_model"), "g.pb: a SavedModel"),
    ],
)
def test_the_file_of_a_graph_is_named_once(error: GraphError, message: str) -> None:
    assert error.in_file("g.pb") is error
    assert error.in_file("other.pb").file == "g.pb"
    assert str(error) == message
