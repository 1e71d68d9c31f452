from __future__ import annotations

import pytest

from pbckpt.dtypes import DataType
from pbckpt.protos import MetaGraphDef, SignatureDef
from pbckpt.thaw.signature import (
    DEFAULT_SIGNATURE,
    INIT_SIGNATURE,
    NamedTensor,
    Port,
    Signature,
    SignatureNames,
    named_signatures,
)

X = Port("image", "x:0", DataType.FLOAT, (-1, 2))


def test_keys_that_tensorflow_knows() -> None:
    assert DEFAULT_SIGNATURE == "serving_default"
    assert INIT_SIGNATURE == "__saved_model_init_op"


@pytest.mark.parametrize(
    ("port", "data"),
    [
        (
            X,
            (
                b"\n\x03x:0"  # name
                b"\x10\x01"  # dtype
                b"\x1a\x11"  # tensor_shape, of a dimension -1 and one of 2
                b"\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x02\x08\x02"
            ),
        ),
        (Port("s", "s:3", DataType.STRING, ()), b"\n\x03s:3\x10\x07\x1a\x00"),
        (Port("u", "u:0", DataType.INT64, None), b"\n\x03u:0\x10\x09\x1a\x02\x18\x01"),
    ],
    ids=["shape", "scalar", "unknown"],
)
def test_a_port_as_a_message(port: Port, data: bytes) -> None:
    assert port.info().SerializeToString() == data


def test_a_shape_that_is_not_known_says_so() -> None:
    """One that is missing is that of a scalar."""
    assert Port("u", "u:0", DataType.FLOAT, None).info().tensor_shape.unknown_rank
    scalar = Port("s", "s:0", DataType.FLOAT, ()).info()
    assert scalar.HasField("tensor_shape")
    assert not scalar.tensor_shape.unknown_rank


def test_a_signature_as_a_message() -> None:
    made = Signature((X, Port("k", "k:0", DataType.INT32, ())), (Port("y", "y:1", X.dtype, None),))
    found = made.definition()
    assert found.method_name == "tensorflow/serving/predict"
    assert sorted(found.inputs) == ["image", "k"]
    assert (found.inputs["image"].name, found.inputs["k"].dtype) == ("x:0", 3)
    assert [(key, one.name, one.dtype) for key, one in found.outputs.items()] == [("y", "y:1", 1)]


def test_an_empty_signature() -> None:
    assert Signature((), ()).definition() == SignatureDef(method_name="tensorflow/serving/predict")


def test_the_signatures_that_a_graph_came_with() -> None:
    meta = MetaGraphDef()
    meta.signature_def["b"].inputs["in"].name = "x:0"
    meta.signature_def["b"].inputs["a"].name = "k:1"
    meta.signature_def["b"].inputs["a"].tensor_shape.unknown_rank = True
    meta.signature_def["b"].outputs["out"].name = "y:0"
    meta.signature_def["b"].outputs["out"].tensor_shape.dim.add(size=-1)
    meta.signature_def["b"].outputs["out"].tensor_shape.dim.add(size=3)
    meta.signature_def["a"].outputs["sparse"].coo_sparse.values_tensor_name = "v:0"
    meta.signature_def[INIT_SIGNATURE].outputs[INIT_SIGNATURE].name = "init"
    found = named_signatures(meta)
    assert list(found) == ["a", "b"]
    assert found == {
        "a": SignatureNames({}, {"sparse": NamedTensor("", None)}),
        "b": SignatureNames(
            {"a": NamedTensor("k:1", None), "in": NamedTensor("x:0", None)},
            {"out": NamedTensor("y:0", (-1, 3))},
        ),
    }
    assert named_signatures(MetaGraphDef()) == {}
