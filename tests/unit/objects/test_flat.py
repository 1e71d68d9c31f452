from __future__ import annotations

import pytest

from pbckpt.errors import SelectionError
from pbckpt.objects.flat import check_flat_names, flat_graph, flat_variable_key
from pbckpt.objects.graph import decode_graph
from pbckpt.protos import TrackableObjectGraph

# What TensorFlow 2.21 wrote for variables of these names.
B_AND_W = (
    b"\n\x12\n\x05\x08\x01\x12\x01b\n\x05\x08\x02\x12\x01w*\x02\x08\x01"
    b"\n7\x121\n\x0eVARIABLE_VALUE\x12\x01b\x1a\x1cb/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n7\x121\n\x0eVARIABLE_VALUE\x12\x01w\x1a\x1cw/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
)
B_SAVED = (
    b"\n\x1d\n\x05\x08\x01\x12\x01b\n\x10\x08\x02\x12\x0csave_counter*\x02\x08\x01"
    b"\n7\x121\n\x0eVARIABLE_VALUE\x12\x01b\x1a\x1cb/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\nM\x12G\n\x0eVARIABLE_VALUE\x12\x0csave_counter"
    b"\x1a'save_counter/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
)
ODD = (
    b"\n0\n\x02\x08\x01\n\x05\x08\x02\x12\x01B\n\x07\x08\x03\x12\x03a.b\n\x07\x08\x04\x12\x03a/b"
    b"\n\x05\x08\x05\x12\x01b\n\x06\x08\x06\x12\x02\xc3\xa9*\x02\x08\x01"
    b"\n3\x12-\n\x0eVARIABLE_VALUE\x1a\x1b/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n7\x121\n\x0eVARIABLE_VALUE\x12\x01B\x1a\x1cB/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n<\x126\n\x0eVARIABLE_VALUE\x12\x03a.b\x1a\x1fa..b/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n<\x126\n\x0eVARIABLE_VALUE\x12\x03a/b\x1a\x1fa.Sb/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n7\x121\n\x0eVARIABLE_VALUE\x12\x01b\x1a\x1cb/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n9\x123\n\x0eVARIABLE_VALUE\x12\x02\xc3\xa9"
    b"\x1a\x1d\xc3\xa9/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
)
ENDINGS = (
    b"\n\x17\n\x08\x08\x01\x12\x04a/b/\n\x07\x08\x02\x12\x03a:0*\x02\x08\x01"
    b"\n>\x128\n\x0eVARIABLE_VALUE\x12\x03a/b\x1a!a.Sb.S/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
    b"\n9\x123\n\x0eVARIABLE_VALUE\x12\x01a\x1a\x1ea:0/.ATTRIBUTES/VARIABLE_VALUE*\x02\x08\x01"
)


@pytest.mark.parametrize(
    ("names", "written"),
    [
        pytest.param(["w", "b"], B_AND_W, id="sorted"),
        pytest.param(["b", "B", "a.b", "a/b", "é", ""], ODD, id="odd names"),
        pytest.param(["a/b/", "a:0"], ENDINGS, id="full names are cut"),
        pytest.param([], b"\n\x02*\x00", id="no variables"),
    ],
)
def test_the_bytes_of_write(names: list[str], written: bytes) -> None:
    assert flat_graph(names, save_counter=False) == written


def test_the_bytes_of_save() -> None:
    assert flat_graph(["b"], save_counter=True) == B_SAVED


def by_protobuf(names: list[str]) -> bytes:
    graph = TrackableObjectGraph()
    root = graph.nodes.add()
    for node_id, name in enumerate(sorted(names), 1):
        root.children.add(node_id=node_id, local_name=name)
        node = graph.nodes.add()
        node.attributes.add(
            name="VARIABLE_VALUE", full_name=name, checkpoint_key=flat_variable_key(name)
        )
        node.has_checkpoint_values.value = True
    root.has_checkpoint_values.value = True
    return graph.SerializeToString()


@pytest.mark.parametrize("length", [1, 40, 127, 128, 5000, 20_000])
def test_protobuf_encodes_names_of_any_length_alike(length: int) -> None:
    names = ["x" * length, "y." * (length // 2)]
    assert flat_graph(names, save_counter=False) == by_protobuf(names)


def test_protobuf_encodes_many_names_alike() -> None:
    names = [f"layer{i}/w.{i % 7}" for i in range(17_000)]
    written = flat_graph(names, save_counter=False)
    assert written == by_protobuf(names)
    keys = {variable.key for variable in decode_graph(written).variables}
    assert keys == {flat_variable_key(name) for name in names}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("save_counter", "taken by the Checkpoint itself"),
        ("root", "taken"),
        ("self", "taken"),
        ("_write", "taken"),
        ("__class__", "taken"),
        (".ATTRIBUTES", "splits keys"),
        ("w.ATTRIBUTES", "splits keys"),
        ("w\ud800", "not UTF-8"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_a_name_that_no_checkpoint_can_have(name: str, says: str) -> None:
    with pytest.raises(SelectionError, match=says):
        flat_graph([name], save_counter=False)


@pytest.mark.parametrize(
    "name",
    ["_x", "__x", "save", "write", "read", ".", "..", "/", "\0", "\n", "Root", ".ATTRIBUTES/"],
)
def test_a_name_that_a_checkpoint_can_have(name: str) -> None:
    check_flat_names([name])


def test_all_names_that_cannot_be_are_told_once() -> None:
    with pytest.raises(SelectionError) as caught:
        check_flat_names(["w", "root", "twice", "\ud800", "twice", "b"])
    assert str(caught.value) == (
        "tf.train.Checkpoint cannot have variables of these names: "
        "'root' is taken by the Checkpoint itself, 'twice' is there twice, "
        "'\\ud800' is not UTF-8; rename or leave them out"
    )
