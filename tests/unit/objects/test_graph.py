from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbckpt.errors import CorruptFileError
from pbckpt.objects.graph import ObjectVariable, decode_graph
from pbckpt.protos import TrackableObjectGraph

# tf.train.Checkpoint(w=…, b=tf.Variable(…, name="bias")).write of TensorFlow 1.15.
TF1 = (
    b"\n\x0e\n\x05\x08\x01\x12\x01b\n\x05\x08\x02\x12\x01w"
    b"\n6\x124\n\x0eVARIABLE_VALUE\x12\x04bias\x1a\x1cb/.ATTRIBUTES/VARIABLE_VALUE"
    b"\n3\x121\n\x0eVARIABLE_VALUE\x12\x01w\x1a\x1cw/.ATTRIBUTES/VARIABLE_VALUE"
)
# Fields 4 of a value (TensorFlow 1) and 99 of a node and the graph, which we do not know.
UNKNOWN = (
    b"\n\x07\n\x05\x08\x01\x12\x01b"
    b"\n\x1d\x12\x16\n\x01V\x1a\x0fb/.ATTRIBUTES/V\x20\x01\x9a\x06\x02hi"
    b"\x9a\x06\x02ho"
)
RING = b"\n\x07\n\x05\x08\x01\x12\x01a\n\x07\n\x05\x08\x00\x12\x01b"


def test_the_variables_of_a_graph() -> None:
    assert decode_graph(TF1).variables == (
        ObjectVariable("b", "bias", "b/.ATTRIBUTES/VARIABLE_VALUE"),
        ObjectVariable("w", "w", "w/.ATTRIBUTES/VARIABLE_VALUE"),
    )


def test_a_key_that_is_no_objects_is_its_own_path() -> None:
    graph = TrackableObjectGraph()
    node = graph.nodes.add()
    node.attributes.add(name="VARIABLE_VALUE", checkpoint_key="w")
    node.attributes.add(name="no key")
    assert decode_graph(graph.SerializeToString()).variables == (ObjectVariable("w", "", "w"),)


@pytest.mark.parametrize("data", [TF1, UNKNOWN, RING, b"\n\x00", b"\n\x02*\x00"])
def test_a_graph_comes_out_as_it_came_in(data: bytes) -> None:
    assert decode_graph(data).encode() == data
    assert decode_graph(data).edited({}).encode() == data


def test_unknown_fields_survive_an_edit() -> None:
    edited = decode_graph(UNKNOWN).edited({"b/.ATTRIBUTES/V": "c/.ATTRIBUTES/V"})
    assert edited.encode() == UNKNOWN.replace(b"\x12\x01b", b"\x12\x01c").replace(b"b/.", b"c/.")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "without objects", id="nothing"),
        pytest.param(b"\x9a\x06\x02ho", "without objects", id="other fields alone"),
        pytest.param(b"\n\x05", "does not decode", id="a cut message"),
        pytest.param(b"\n\x05\n\x03\x12\x01\xff", "does not decode", id="no UTF-8"),
        pytest.param(b"\n\x04\n\x02\x08\x01", "0 of 1 refers to object 1", id="a child too far"),
        pytest.param(
            b"\n\x0d\n\x0b\x08" + b"\xff" * 9 + b"\x01", "refers to object -1", id="a child below 0"
        ),
        pytest.param(b"\n\x04\x1a\x02\x08\x01", "refers to object 1", id="a slot of no variable"),
        pytest.param(b"\n\x04\x1a\x02\x18\x07", "refers to object 7", id="a slot that is none"),
    ],
)
def test_a_graph_that_cannot_be(data: bytes, says: str) -> None:
    with pytest.raises(CorruptFileError, match=says):
        decode_graph(data)


def chunks() -> st.SearchStrategy[bytes]:
    """Bytes of a graph, cut and put together anew."""
    parts = [TF1[i : i + 7] for i in range(0, len(TF1), 7)] + [
        b"\n",
        b"\x12",
        b"\x1a",
        b"\x02",
        RING,
    ]
    return st.lists(st.sampled_from(parts), max_size=12).map(b"".join)


@given(st.one_of(st.binary(max_size=200), chunks()))
def test_any_bytes_are_a_graph_or_an_error(data: bytes) -> None:
    try:
        graph = decode_graph(data)
    except CorruptFileError:
        return
    assert graph.encode() == data
    edited = graph.edited(dict.fromkeys(variable.key for variable in graph.variables))
    assert edited.variables == ()
    assert decode_graph(edited.encode()).variables == ()
