"""Checkpoints in the form of a target: TensorFlow restores them with the program's own code."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import pbckpt
from tests.oracle.judge import TensorFacts, TensorFlowJudge, tensor_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

convert = partial(pbckpt.convert, durability=pbckpt.Durability.NONE)
STEP = pbckpt.Edits(settings=("global_step=int64:7",))
STATES = ("previous_state_c", "previous_state_h")


class Network(NamedTuple):
    """The variables of a network, by their names without a scope, and what it computes."""

    tensors: dict[str, TensorFacts]
    output: TensorFacts
    step: int = 0

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Network:
        tensors = {one["name"]: tensor_facts(one) for one in answer["tensors"]}
        return cls(tensors, tensor_facts(answer["output"]), answer.get("step", 0))


class Maker:
    """Makes one network: frozen, saved untrained, and restored."""

    def __init__(self, judge: TensorFlowJudge, directory: Path, network: str) -> None:
        self.judge = judge
        self.directory = directory
        self.frozen = directory / "frozen.pb"
        self._network = network

    def freeze(self, scope: str = "", parts: int = 0) -> Network:
        form = self._form(scope, (), parts)
        return Network.of(self.judge.ask("freeze_network", seed=1, out=str(self.frozen), **form))

    def save(self, scope: str = "", excluded: tuple[str, ...] = (), parts: int = 0) -> Path:
        """Save it untrained, and return the prefix."""
        answer = self.judge.ask(
            "save_network",
            seed=2,
            prefix=str(self.directory / "fresh"),
            **self._form(scope, excluded, parts),
        )
        return Path(answer["path"])

    def restore(
        self, prefix: Path, scope: str = "", excluded: tuple[str, ...] = (), parts: int = 0
    ) -> Network:
        form = self._form(scope, excluded, parts)
        return Network.of(self.judge.ask("restore_network", prefix=str(prefix), **form))

    def _form(self, scope: str, excluded: tuple[str, ...], parts: int) -> dict[str, Any]:
        return {
            "network": self._network,
            "scope": scope,
            "excluded": excluded,
            "parts": parts or None,
        }


@pytest.fixture
def convnet(judge: TensorFlowJudge, tmp_path: Path) -> Maker:
    return Maker(judge, tmp_path, "convnet")


@pytest.fixture
def speech(judge: TensorFlowJudge, tmp_path: Path) -> Maker:
    return Maker(judge, tmp_path, "speech")


# -- a fresh copy of the network


@pytest.mark.parametrize("ending", ["", ".meta"], ids=["checkpoint", "meta graph"])
def test_an_untrained_network(convnet: Maker, tmp_path: Path, ending: str) -> None:
    frozen = convnet.freeze()
    fresh = convnet.save()
    report = convert(
        convnet.frozen, tmp_path / "m", like=pbckpt.Like(f"{fresh}{ending}"), edits=STEP
    )
    assert report.added == ("global_step",)
    assert convnet.judge.list_keys(tmp_path / "m") == convnet.judge.list_keys(fresh)
    restored = convnet.restore(tmp_path / "m")
    assert restored == frozen._replace(step=7)


def test_what_is_missing_is_kept(convnet: Maker, tmp_path: Path) -> None:
    frozen = convnet.freeze()
    like = pbckpt.Like(convnet.save(), missing=pbckpt.OnMissing.KEEP)
    convert(convnet.frozen, tmp_path / "m", like=like)
    assert convnet.restore(tmp_path / "m") == frozen._replace(step=1000)


def test_what_is_missing_is_made(convnet: Maker, tmp_path: Path) -> None:
    frozen = convnet.freeze()
    like = pbckpt.Like(convnet.save(), missing=pbckpt.OnMissing.INIT)
    convert(convnet.frozen, tmp_path / "m", like=like)
    assert convnet.restore(tmp_path / "m") == frozen._replace(step=0)


def test_an_index_of_names(convnet: Maker, tmp_path: Path) -> None:
    frozen = convnet.freeze()
    index = tmp_path / "names.txt"
    index.write_text("".join(f"{name}:0\n" for name in frozen.tensors) + "global_step int64 []\n")
    convert(convnet.frozen, tmp_path / "m", like=pbckpt.Like(index), edits=STEP)
    assert convnet.restore(tmp_path / "m") == frozen._replace(step=7)


def test_a_partitioned_network(convnet: Maker, tmp_path: Path) -> None:
    """TensorFlow restores parts of the same cut, and the whole."""
    frozen = convnet.freeze()
    like = pbckpt.Like(convnet.save("net", parts=2))
    edits = STEP._replace(add_prefix="net/")
    convert(convnet.frozen, tmp_path / "m", like=like, edits=edits)
    assert convnet.restore(tmp_path / "m", "net", parts=2) == frozen._replace(step=7)
    assert convnet.restore(tmp_path / "m", "net") == frozen._replace(step=7)


def test_a_partitioned_meta_graph(convnet: Maker, tmp_path: Path) -> None:
    frozen = convnet.freeze()
    like = pbckpt.Like(f"{convnet.save('net', parts=3)}.meta", pbckpt.MatchBy.SUFFIX)
    convert(convnet.frozen, tmp_path / "m", like=like, edits=STEP)
    assert convnet.restore(tmp_path / "m", "net", parts=3) == frozen._replace(step=7)


@pytest.mark.parametrize("parts", [0, 2, 3], ids=["whole", "the same cut", "another cut"])
def test_a_network_frozen_in_parts(convnet: Maker, tmp_path: Path, parts: int) -> None:
    frozen = convnet.freeze("net", parts=2)
    like = pbckpt.Like(convnet.save("net", parts=parts))
    convert(convnet.frozen, tmp_path / "m", like=like, edits=STEP)
    assert convnet.restore(tmp_path / "m", "net", parts=parts) == frozen._replace(step=7)


# -- a speech network, under another prefix and without its state


@pytest.mark.parametrize("match", [pbckpt.MatchBy.NAME, pbckpt.MatchBy.SUFFIX])
def test_a_speech_network(speech: Maker, tmp_path: Path, match: pbckpt.MatchBy) -> None:
    frozen = speech.freeze()
    fresh = speech.save("model/deepspeech", STATES)
    edits = STEP._replace(selection=pbckpt.Selection(exclude=("previous_state_*",)))
    if match is pbckpt.MatchBy.NAME:
        edits = edits._replace(add_prefix="model/deepspeech/")
    report = convert(speech.frozen, tmp_path / "m", like=pbckpt.Like(fresh, match), edits=edits)
    assert report.warnings == ()
    assert speech.judge.list_keys(tmp_path / "m") == speech.judge.list_keys(fresh)
    restored = speech.restore(tmp_path / "m", "model/deepspeech", STATES)
    assert {name: restored.tensors[name] for name in restored.tensors if name not in STATES} == {
        name: frozen.tensors[name] for name in frozen.tensors if name not in STATES
    }
    assert restored.step == 7


def test_a_speech_network_with_its_state(speech: Maker, tmp_path: Path) -> None:
    """It computes what was frozen, and the state is left over where it is not asked for."""
    frozen = speech.freeze()
    fresh = speech.save("model/deepspeech")
    like = pbckpt.Like(fresh, pbckpt.MatchBy.SUFFIX)
    convert(speech.frozen, tmp_path / "m", like=like, edits=STEP)
    assert speech.restore(tmp_path / "m", "model/deepspeech") == frozen._replace(step=7)
    without = pbckpt.Like(speech.save("model/deepspeech", STATES), pbckpt.MatchBy.SUFFIX)
    report = pbckpt.match_target(speech.frozen, without, edits=STEP)
    assert [one.key for one in report.match.left_over] == list(STATES)


# -- objects


@pytest.mark.parametrize("call", ["read", "restore"])
def test_objects(convnet: Maker, object_judge: TensorFlowJudge, tmp_path: Path, call: str) -> None:
    """The object graph is the target's; `restore` counts saves, `read` does not."""
    frozen = convnet.freeze()
    fresh = object_judge.ask("save_objects", seed=2, prefix=str(tmp_path / "objects"))["path"]
    convert(convnet.frozen, tmp_path / "m", like=pbckpt.Like(fresh), edits=STEP)
    assert object_judge.list_keys(tmp_path / "m") == object_judge.list_keys(Path(fresh))
    answer = object_judge.ask("restore_objects_like", prefix=str(tmp_path / "m"), call=call)
    found = {one["name"]: tensor_facts(one) for one in answer["tensors"]}
    assert found == frozen.tensors
    assert answer["step"] == 7
    assert answer["refused"][1] == ""
    assert (answer["refused"][0] == "") == (call == "restore")
