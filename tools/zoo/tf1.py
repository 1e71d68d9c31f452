"""Make the TensorFlow 1 half of the zoo: build, freeze, rewrite, and tell the truth.

    PYTHON -m tools.zoo.tf1 [NAME ...]        PYTHON has TensorFlow 1.15

Each network becomes `tests/golden/zoo/{open,held}/tf1-NAME` (frozen plainly) and
`tf1-NAME-TOOL`. Run from the root of the project; a second run gives the same bytes.
"""

# ruff: noqa: ANN401, E402 - TensorFlow 1.15 has no types, and logs unless told before

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.simplefilter("ignore")

import tensorflow as tf

tf.logging.set_verbosity(tf.logging.ERROR)

from tools.zoo import tf1_control, tf1_fields, tf1_networks, tf1_others, tf1_sequences
from tools.zoo.tf1_build import NETWORKS, Built, Network, build
from tools.zoo.tf1_tools import TOOLS, Tool, perturbed
from tools.zoo.truth import Frozen, consts_of, digest, dtype_of, identity_of, make_truth, write

ZOO = Path(__file__).resolve().parents[2] / "tests" / "golden" / "zoo"
MODULES = (tf1_networks, tf1_fields, tf1_sequences, tf1_others, tf1_control)


def main(names: list[str]) -> int:
    """Make the graphs of the networks with these names, or of all.

    Each in a process of its own: TensorFlow numbers functions through a whole process.
    """
    failed = []
    for name, net in NETWORKS.items():
        if not names or name in names:
            process = multiprocessing.get_context("fork").Process(target=make, args=(net,))
            process.start()
            process.join()
            if process.exitcode:
                failed.append(name)
    if failed:
        print("failed:", *failed)
    return 1 if failed else 0


def make(net: Network) -> None:
    """Make all graphs of a network."""
    built = build(net)
    base = TOOLS["plain"].freeze(built)  # type: ignore[misc]
    others = perturbed(base, built)
    write_one(built, "plain", base, base, None)
    for name in net.tools:
        tool = TOOLS[name]
        if tool.freeze:
            write_one(built, name, tool.freeze(built), base, None)
        elif tool.rewrite:
            graph = tool.rewrite(base, built)
            depends = changed(graph, tool.rewrite(others, built))
            write_one(built, name, graph, base, depends)
    built.session.close()


def changed(graph: Any, other: Any) -> set[str]:
    """Give the constants that have other values, or are missing, in the other graph."""
    theirs = {k: identity_of(v) for k, v in consts_of(other, tf.make_ndarray).items()}
    ours = {k: identity_of(v) for k, v in consts_of(graph, tf.make_ndarray).items()}
    if set(ours) != set(theirs):
        print("  other constants:", sorted(set(ours) ^ set(theirs)))
    return {name for name, identity in ours.items() if theirs.get(name) != identity}


def write_one(built: Built, name: str, graph: Any, base: Any, depends: set[str] | None) -> None:
    """Write one graph with its truth, after loading it as TensorFlow does."""
    load(graph)
    net, tool = built.network, TOOLS[name]
    # Session tools freeze the same variables; a sub-graph needs fewer of them.
    alive = {node.name for node in base.node}
    if name == "sub-graph":
        alive = {node.name for node in graph.node}
    frozen = Frozen(
        graph=graph,
        make_ndarray=tf.make_ndarray,
        names=new_names(base, tool),
        alive=alive,
        depends=depends,
        rounded=tool.rounded,
    )
    label = "tf1-" + net.name + ("" if name == "plain" else "-" + name)
    head = {
        "id": label,
        "trace": tool.trace,
        "style": net.style,
        "tool": name,
        "tf": tf.__version__,
    }
    truth = make_truth(built.variables, frozen, head)
    if net.first:
        tell_first(net, graph, truth)
    write(ZOO / net.home / label, graph, truth)
    report(label, graph, truth)


def tell_first(net: Network, graph: Any, truth: dict[str, Any]) -> None:
    """Tell apart what were variables of a graph that was frozen before."""
    consts = consts_of(graph, tf.make_ndarray)
    others = truth["consts_not_variables"]
    truth["consts_not_variables"] = [name for name in others if name not in net.first]
    truth["variables_of_first_freeze"] = {
        name: {
            "dtype": dtype_of(consts[name]),
            "shape": list(consts[name].shape),
            "sha256": digest(consts[name]),
            "const": name,
            "status": "exact",
        }
        for name in net.first
    }


def new_names(base: Any, tool: Tool) -> dict[str, str]:
    """Give the new names that a tool gives to the nodes of the plain frozen graph."""
    if tool.names is None:
        return {}
    return {node.name: tool.names(node.name) for node in base.node}


def load(graph: Any) -> None:
    """Import a graph, which fails if it is not a good one.

    Some tools leave `_class` with names of nodes that are gone, which only Python minds.
    """
    copy = tf.GraphDef()
    copy.CopyFrom(graph)
    for node in copy.node:
        node.attr.pop("_class", None)
    with tf.Graph().as_default():
        tf.import_graph_def(copy, name="")


def report(label: str, graph: Any, truth: dict[str, Any]) -> None:
    """Print a line about a graph."""
    counts: dict[str, int] = {}
    for record in truth["variables"].values():
        counts[record["status"]] = counts.get(record["status"], 0) + 1
    others, derived = truth["consts_not_variables"], truth.get("derived_consts", [])
    names = "" if truth["names_kept"] else ", no names"
    tail = f"{counts}, {len(others)} others, {len(derived)} derived{names}"
    print(f"{label:48} {graph.ByteSize():6} bytes, {tail}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
