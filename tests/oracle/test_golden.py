"""The golden files say what TensorFlow says of them, whichever version is asked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.judge import (
    RefusedError,
    TensorFacts,
    TensorFlowJudge,
    TensorRequest,
    digest_payload,
)

GOLDEN = Path(__file__).parent.parent / "golden"
FOLDERS = sorted(path.parent for path in GOLDEN.glob("tf*/*/expected.json"))
CHECKPOINTS = [folder for folder in FOLDERS if not folder.name.startswith("frozen")]
FROZEN = [folder for folder in FOLDERS if folder.name.startswith("frozen")]
CASES = json.loads((GOLDEN / "tensorproto_cases.json").read_bytes())["cases"]
CHANGED_SINCE_1 = {
    "bool: tensor_content of other bytes",  # TensorFlow 1.15 takes any byte for a bool
    "packing: floats, packed and not",  # its protobuf stumbles over packed after unpacked
}


def case_name(folder: Path) -> str:
    return f"{folder.parent.name}-{folder.name}"


def expected_of(folder: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads((folder / "expected.json").read_bytes())


def facts(told: dict[str, Any]) -> TensorFacts:
    return TensorFacts(told["dtype"], tuple(told["shape"]), told["nbytes"], told["sha256"])


def key_of(told: dict[str, Any]) -> bytes:
    return bytes.fromhex(told["key_hex"]) if "key_hex" in told else str(told["key"]).encode()


def test_there_are_golden_files() -> None:
    assert len(CHECKPOINTS) > 20
    assert len(FROZEN) == 4
    assert len(CASES) > 60


@pytest.mark.parametrize("folder", FOLDERS, ids=case_name)
def test_files_are_as_they_were_written(folder: Path) -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "expected.json"
    }
    assert found == expected_of(folder)["files"]


@pytest.mark.parametrize("folder", CHECKPOINTS, ids=case_name)
def test_checkpoint_is_read_as_expected(judge: TensorFlowJudge, folder: Path) -> None:
    expected = expected_of(folder)
    known = judge.dtypes()
    told = [one for one in expected["tensors"] if one["dtype"] in known]
    prefix = folder / expected["prefix"]
    if told:
        wanted = [TensorRequest(key_of(one), one["dtype"]) for one in told]
        assert judge.restore(prefix, wanted) == [facts(one) for one in told]
    if len(told) == len(expected["tensors"]) and "all" not in expected:
        loaded = judge.load(prefix)
        text = [key_of(one).decode("utf-8", "surrogateescape") for one in told]
        assert loaded == dict(zip(text, map(facts, told), strict=True))


@pytest.mark.parametrize("version", ["tf1", "tf2"])
def test_many_is_complete(judge: TensorFlowJudge, version: str) -> None:
    folder = GOLDEN / version / "many"
    everything = expected_of(folder)["all"]
    loaded = judge.load(folder / "ckpt")
    keys = "\n".join(sorted(loaded)).encode("ascii")
    assert len(loaded) == everything["count"]
    assert hashlib.sha256(keys).hexdigest() == everything["keys_sha256"]
    for place, key in enumerate(sorted(loaded)):
        assert loaded[key] == TensorFacts.of(3, (1,), place.to_bytes(4, "little"))


def test_both_versions_wrote_the_same_checkpoints() -> None:
    for folder in CHECKPOINTS:
        other = GOLDEN / "tf2" / folder.name
        if folder.parent.name == "tf1" and folder.name != "dtypes":
            assert expected_of(folder)["files"] == expected_of(other)["files"]


@pytest.mark.parametrize("folder", FROZEN, ids=case_name)
def test_frozen_graph_holds_the_variables(judge: TensorFlowJudge, folder: Path) -> None:
    expected = expected_of(folder)
    consts = judge.decode_graph((folder / expected["graph"]).read_bytes()).consts
    found = {const.name: const.value for const in consts if not const.function}
    held = {one["const"]: facts(one) for one in expected["variables"]}
    assert {name: found[name] for name in held} == held
    assert sorted(found.keys() - held.keys()) == expected["other_constants"]


def test_the_sample_holds_its_variables(judge: TensorFlowJudge) -> None:
    truth = json.loads((GOLDEN / "sample_truth.json").read_bytes())
    sample = GOLDEN.parent.parent / "pbckpt" / "sample" / "frozen_digits.pb"
    consts = judge.decode_graph(sample.read_bytes()).consts
    found = {c.name: c.value for c in consts if isinstance(c.value, TensorFacts)}
    for name, told in truth.items():
        assert (found[name].shape, found[name].sha256) == (tuple(told["shape"]), told["sha256"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["label"]))
def test_tensor_proto_is_decoded_as_expected(judge: TensorFlowJudge, case: dict[str, Any]) -> None:
    if case["dtype"] not in judge.dtypes():
        pytest.skip(f"this TensorFlow has no type {case['dtype']}")
    if judge.version().startswith("1.") and case["label"] in CHANGED_SINCE_1:
        pytest.skip("changed since TensorFlow 1.15")
    proto = bytes.fromhex(case["proto_hex"])
    if "error" in case:
        with pytest.raises(RefusedError):
            judge.parse_tensor(proto, case["dtype"])
        return
    parsed = judge.parse_tensor(proto, case["dtype"])
    strings = [bytes.fromhex(one) for one in case.get("strings_hex", [])]
    value = bytes.fromhex(case["bytes_hex"]) if "bytes_hex" in case else digest_payload(strings)
    assert parsed.facts.shape == tuple(case["shape"])
    assert parsed.payload == value
