"""Write one entry of the zoo: freeze, rewrite, compare, and leave graph and truth."""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

from tools.zoo import tf2_freezers, tf2_tools
from tools.zoo.tf2_truth import Original, doubles, originals, truth

if TYPE_CHECKING:
    from tools.zoo.tf2_freezers import Frozen
    from tools.zoo.tf2_networks import Kit

__all__ = ["Way", "originals", "write"]


class Way(NamedTuple):
    """How a network is frozen, rewritten and written."""

    freezer: str
    tool: str
    form: str


def write(kit: Kit, network: Any, values: dict[str, Original], way: Way, entry: Path) -> None:
    """Make one entry."""
    session = hasattr(network, "session")
    freezers: dict[str, Any] = tf2_freezers.FREEZERS
    if session:
        freezers = tf2_freezers.SESSION_FREEZERS
    after = freezers[way.freezer](kit, network)
    if way.tool:
        after = tf2_tools.TOOLS[way.tool](kit, after)
    entry.mkdir(parents=True)
    after = FORMS[way.form](kit, after, entry)
    told = {"id": entry.name, **truth(kit, after, values)}
    (entry / "truth.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    counts: dict[str, int] = {}
    for variable in told["variables"].values():
        counts[variable["status"]] = counts.get(variable["status"], 0) + 1
    size = sum(path.stat().st_size for path in entry.rglob("*") if path.is_file())
    print(entry.name, len(after.graph.node), size, counts, doubles(kit, after, told), flush=True)


def as_binary(_: Kit, frozen: Frozen, entry: Path) -> Frozen:
    """Write the graph in binary form."""
    (entry / "frozen.pb").write_bytes(frozen.graph.SerializeToString(deterministic=True))
    return frozen


def as_text(_: Kit, frozen: Frozen, entry: Path) -> Frozen:
    """Write the graph in text form."""
    (entry / "frozen.pbtxt").write_text(text_format.MessageToString(frozen.graph), encoding="utf-8")
    return frozen._replace(tool=f"{frozen.tool}; text", style=f"{frozen.style}; text GraphDef")


def as_saved_model(kit: Kit, frozen: Frozen, entry: Path) -> Frozen:
    """Write the frozen graph as a function of a SavedModel without variables."""
    module = kit.tf.Module()
    module.serve = tf2_tools.wrapped(kit, frozen)
    with tempfile.TemporaryDirectory() as folder:
        kit.tf.saved_model.save(module, folder, signatures=module.serve)
        raw = (Path(folder) / "saved_model.pb").read_bytes()
    saved = saved_model_pb2.SavedModel.FromString(raw)
    graph = saved.meta_graphs[0].graph_def
    (entry / "saved_model").mkdir()
    raw = saved.SerializeToString(deterministic=True)
    (entry / "saved_model" / "saved_model.pb").write_bytes(raw)
    return frozen._replace(
        graph=graph,
        origin=tf2_tools.inside(graph.library, frozen),
        tool=f"{frozen.tool}; saved again",
        style=f"in a function of a SavedModel: {frozen.style}",
    )


FORMS = {"": as_binary, "text": as_text, "saved": as_saved_model}
