"""TensorFlow's registry holds the tables of ops: their names, slots and words.

Each TensorFlow has some of the ops, so each checks the rows that it can; a version
that has nearly all of them says also that none was made up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pbckpt.operators.arguments import ARGUMENTS
from pbckpt.operators.calls import CALLS
from pbckpt.operators.newer_attributes import newer_attributes
from pbckpt.operators.output_types import OutputType, output_types
from pbckpt.operators.outputs import known_ops, output_arguments
from pbckpt.operators.passing import PASSING, Change
from pbckpt.operators.weights import WEIGHTS
from pbckpt.protos import AttrValue
from tests.oracle.judge import INTERPRETER_VARIABLE

if TYPE_CHECKING:
    from pbckpt.operators.signatures import Signature, Signatures

SCRIPT = Path(__file__).with_name("tensorflow_ops.py")
TIMEOUT = 300
# Removed in TensorFlow 2, of builds for oneDNN alone, and those of libraries of their own.
NOT_IN_TENSORFLOW_2 = {
    "Addons>EmbeddingBag",
    "Addons>GatherTree",
    "Addons>SkipGramGenerateCandidates",
    "AdjustHsvInYiq",
    "BucketizeWithInputBoundaries",
    "CompareAndBitpack",
    "FusedConv2DBiasActivation",
    "GatherTree",
    "MaskedMatmul",
    "ReduceSliceMax",
    "ReduceSliceMin",
    "ReduceSliceProd",
    "ReduceSliceSum",
    "SkipGramGenerateCandidates",
    "TryRpc",
    "_MklToTf",
}
# Removed in TensorFlow 2 as well; only what they put out is known of them.
OUTPUTS_OF_TENSORFLOW_1 = re.compile(
    r"(Load|Retrieve)TPUEmbedding\w+GradAccumDebug|TensorForest\w+|\w*BigQueryReader\w*"
    r"|GcsConfigure\w+|RemoteFusedGraphExecute|Rpc|_Mkl(Maximum|Mul|SquaredDifference|Sub)"
)
# Two lists, tensors on the device and those on the host, of which the table knows the start.
IN_TWO_LISTS = {"_FusedQuantizedConv2D", "_FusedQuantizedDepthwiseConv2D", "_QuantizedMatMul"}
# What TensorFlow calls an input of a role.
NAMES = {
    "kernel": {"filter", "rhs", "w", "w_ru", "w_c", "weights"},
    "depthwise_kernel": {"filter"},
    "bias": {"bias", "b", "b_ru", "b_c", "biases"},
    "gamma": {"scale", "gamma"},
    "beta": {"offset", "beta"},
    "moving_mean": {"mean", "m"},
    "moving_variance": {"variance", "v"},
    "embeddings": {
        "data",
        "embedding_table",
        "operand",
        "params",
        "resource",
        "w_in",
        "w_out",
    },
    "peephole": {"wci", "wcf", "wco"},
    "state": {"input_h", "input_c", "h_prev", "cs_prev"},
    "matrix": {"a", "b", "inputs", "lhs", "rhs", "x", "y"},
    "scale": {
        "scales",
        "lhs_scales",
        "rhs_scales",
        "input_scales",
        "output_scales",
    },
    "weight": {"centers", "params", "weights"},
}
# Those of the slots that are handed on.
VALUES = {
    "biases",
    "concat",
    "data",
    "input",
    "inputs",
    "operand",
    "params",
    "resource",
    "resources",
    "tensor",
    "update",
    "value",
    "values",
    "weights",
    "x",
}


class Definition(NamedTuple):
    """An op: names of inputs and outputs, with whether they are lists."""

    inputs: list[tuple[str, bool]]
    outputs: list[tuple[str, bool]]
    attributes: dict[str, str]
    lengths: list[str]
    defaults: dict[str, str]
    types: list[tuple[str, str, bool]]


class Registry(NamedTuple):
    version: str
    ops: dict[str, Definition]

    def is_complete(self) -> bool:
        major, minor = self.version.split(".")[:2]
        return (int(major), int(minor)) >= (2, 21)


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The ops of the TensorFlow that the environment names."""
    python = os.environ[INTERPRETER_VARIABLE]
    done = subprocess.run(
        [python, SCRIPT], check=True, stdout=subprocess.PIPE, timeout=TIMEOUT, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return Registry(answer["version"], {op: Definition(**d) for op, d in answer["ops"].items()})


def faults(signature: Signature, inputs: list[tuple[str, bool]]) -> list[str]:
    """Say where the shape of a signature is not that of the inputs."""
    if len(signature.words) > len(inputs):
        return [f"has {len(inputs)} inputs"]
    if signature.stars and len(signature.words) != len(inputs):
        return ["must name all inputs, because of its star"]
    return [
        f"slot {place}, {name!r}, is {'a' if is_list else 'no'} list"
        for place, (name, is_list) in enumerate(inputs[: len(signature.words)])
        if is_list != (place in signature.stars)
    ]


def rows(signatures: Signatures, registry: Registry) -> dict[str, Signature]:
    """Return what is said of each op of the registry, by names of oneDNN's too."""
    found = {op: signatures.signature(op) for op in registry.ops.keys() - IN_TWO_LISTS}
    return {op: signature for op, signature in found.items() if signature is not None}


def words(
    signatures: Signatures, registry: Registry
) -> list[tuple[str, str, str, list[tuple[str, bool]]]]:
    """Return op, word and TensorFlow's name for each slot of which something is said."""
    return [
        (op, word, name, registry.ops[op].inputs)
        for op, signature in rows(signatures, registry).items()
        for word, (name, _) in zip(signature.words, registry.ops[op].inputs, strict=False)
        if word not in ("", "-")
    ]


EACH = {"weights": WEIGHTS, "arguments": ARGUMENTS} | {
    change.value: signatures for change, signatures in PASSING.items()
}


@pytest.mark.parametrize("table", EACH)
def test_slots_are_those_of_the_registry(table: str, registry: Registry) -> None:
    found = rows(EACH[table], registry)
    assert found
    wrong = {op: faults(signature, registry.ops[op].inputs) for op, signature in found.items()}
    assert {op: what for op, what in wrong.items() if what} == {}


@pytest.mark.parametrize("table", [*EACH, "outputs", "calls"])
def test_no_op_is_made_up(table: str, registry: Registry) -> None:
    if not registry.is_complete():
        pytest.skip("a TensorFlow that lacks newer ops")
    named = {"outputs": known_ops(), "calls": set(CALLS)}
    ops = named[table] if table in named else {op for op, _ in EACH[table]}
    missing = ops - registry.ops.keys() - NOT_IN_TENSORFLOW_2
    assert [op for op in missing if not OUTPUTS_OF_TENSORFLOW_1.fullmatch(op)] == []


def test_arguments_bear_tensorflows_names(registry: Registry) -> None:
    wrong = [row for row in words(ARGUMENTS, registry) if row[1] != row[2]]
    assert wrong == []


def test_roles_are_of_inputs_of_such_names(registry: Registry) -> None:
    wrong = [row for row in words(WEIGHTS, registry) if row[2] not in role_names(row[1])]
    assert wrong == []


def role_names(role: str) -> set[str]:
    ends = {"range_min": "min", "range_max": "max"}
    if role not in ends:
        return NAMES[role]
    end = ends[role]
    things = "a b bias filter freezed_output input range features summand x y t m v beta gamma"
    return (
        {end, f"input_{end}s", f"input_{end}es", f"requested_output_{end}"}
        | {f"{end}_{thing}" for thing in things.split()}
        | {f"{thing}_{end}" for thing in things.split()}
    )


@pytest.mark.parametrize("change", PASSING)
def test_what_is_handed_on_is_a_value(change: Change, registry: Registry) -> None:
    wrong = [row for row in words(PASSING[change], registry) if row[2] not in VALUES]
    assert wrong == []


def test_no_slot_is_a_weight_and_an_argument(registry: Registry) -> None:
    named = {(op, name) for op, _, name, _ in words(ARGUMENTS, registry)}
    assert not named & {(op, name) for op, _, name, _ in words(WEIGHTS, registry)}


def test_outputs_are_those_of_the_registry(registry: Registry) -> None:
    """Of all ops: in their order, by their names, with what says how long a list is."""
    expected = {
        op: [(name, length) for (name, _), length in zip(one.outputs, one.lengths, strict=True)]
        for op, one in registry.ops.items()
    }
    found = {op: output_arguments(op) for op in expected}
    assert {
        op: outputs
        for op, outputs in found.items()
        if outputs is None or [*outputs] != expected[op]
    } == {}


def test_types_of_outputs_are_those_of_the_registry(registry: Registry) -> None:
    """Of all ops: by what attribute, which type without it, and whether that is a list."""
    wrong = {}
    for op, definition in registry.ops.items():
        expected = [OutputType(*one) for one in definition.types]
        found = list(output_types(op) or ())
        if not registry.is_complete():
            found = [as_before(one, definition) for one in found]
        if found != expected:
            wrong[op] = (found, expected)
    assert wrong == {}


def as_before(found: OutputType, definition: Definition) -> OutputType:
    """Return a type as a TensorFlow has it that lacks the attribute, or a default for it."""
    if not found.attr or not found.label:
        return found
    if found.attr not in definition.attributes:
        return found._replace(attr="")
    return found if found.attr in definition.defaults else found._replace(label="")


def test_calls_name_attributes_that_are_functions(registry: Registry) -> None:
    for op in CALLS.keys() & registry.ops.keys():
        attributes = registry.ops[op].attributes
        functions = {name for name, kind in attributes.items() if "func" in kind}
        assert set(CALLS[op].functions) == functions, op


def test_every_op_that_runs_functions_is_known_or_left_out(registry: Registry) -> None:
    left_out = ("Dataset", "Iterator", "Xla", "_Xla", "TPUCompile", "_TPU", "Risc", "Rpc", "Func")
    assert [
        op
        for op, definition in registry.ops.items()
        if any("func" in kind for kind in definition.attributes.values())
        and op not in CALLS
        and not any(word in op for word in left_out)
    ] == []


def test_newer_attributes_are_none_that_115_has(registry: Registry) -> None:
    if not registry.version.startswith("1.15."):
        pytest.skip("a TensorFlow that has newer attributes")
    assert [
        (op, name)
        for op, definition in registry.ops.items()
        for name in newer_attributes(op)
        if name in definition.attributes
    ] == []


def test_newer_attributes_have_the_defaults_of_the_registry(registry: Registry) -> None:
    if not registry.is_complete():
        pytest.skip("a TensorFlow that lacks newer attributes")
    wrong = [
        (op, name, default)
        for op, definition in registry.ops.items()
        for name, default in newer_attributes(op).items()
        if default != default_of(definition, name)
    ]
    assert wrong == []


def default_of(definition: Definition, name: str) -> tuple[str, object] | None:
    """Return the field and the value of an attribute's default, as the table has them."""
    if name not in definition.defaults:
        return None
    value = AttrValue.FromString(bytes.fromhex(definition.defaults[name]))
    field = str(value.WhichOneof("value"))
    if field == "list":
        return ("list", ()) if not value.list.ByteSize() else None
    found: object = getattr(value, field)
    # A table of decimals, and a message of single precision.
    return (field, float(f"{found:.6g}") if isinstance(found, float) else found)
