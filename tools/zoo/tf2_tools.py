"""The tools that rewrite a frozen graph: TensorFlow's own, and habits of the world.

Each takes a `Frozen` and gives one: the graph that the tool leaves, with the
names under which the variables' constants are to be looked for in it, and what
the tool did to trace and names. Whether a value is really still there is not
said here: the truth compares bytes.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.tools import optimize_for_inference_lib

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.zoo.tf2_freezers import Frozen
    from tools.zoo.tf2_networks import Kit

HALVES_FROM, BYTES_FROM = 3, 12


def grappler(kit: Kit, frozen: Frozen, *passes: str) -> Frozen:
    """Have Grappler optimize the graph by some of its passes."""
    tf = kit.tf
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen.graph, name="")
    meta = tf.compat.v1.train.export_meta_graph(graph_def=graph.as_graph_def(), graph=graph)
    meta.collection_def["train_op"].node_list.value.extend(frozen.outputs)
    config = config_pb2.ConfigProto()
    options = config.graph_options.rewrite_options
    options.optimizers.extend(passes)
    options.min_graph_nodes, options.meta_optimizer_iterations = -1, 2
    optimized = tf_optimizer.OptimizeGraph(config, meta)
    return frozen._replace(
        graph=optimized,
        trace=remaining(frozen, optimized),
        tool=f"Grappler: {', '.join(passes)}",
        style="Identity removed, constants folded",
    )


def remaining(frozen: Frozen, graph: Any) -> str:
    """Tell what is left of the trace: all Identity nodes behind the variables, or not."""
    there = {node.name: node.op for node in graph.node}
    held = set(frozen.origin.values())
    readers = [n.name for n in frozen.graph.node if n.op == "Identity" and n.input[0] in held]
    kept = all(there.get(name) == "Identity" for name in readers)
    return "full" if kept and all(there.get(name) == "Const" for name in held) else "none"


def grappler_fold(kit: Kit, frozen: Frozen) -> Frozen:
    """Fold constants, functions inlined before."""
    return grappler(kit, frozen, "function", "constfold", "arithmetic", "dependency")


def grappler_layout(kit: Kit, frozen: Frozen) -> Frozen:
    """Remap to fused ops, after folding and layout."""
    passes = ("pruning", "constfold", "layout", "remap", "arithmetic", "dependency")
    return grappler(kit, frozen, *passes)


def grappler_common(kit: Kit, frozen: Frozen) -> Frozen:
    """Remove what is there twice, without folding."""
    return grappler(kit, frozen, "pruning", "arithmetic", "dependency")


def training_nodes(kit: Kit, frozen: Frozen) -> Frozen:
    """Remove Identity and CheckNumerics as graph_util does."""
    remove = kit.tf.compat.v1.graph_util.remove_training_nodes
    graph = remove(frozen.graph, protected_nodes=list(frozen.outputs))
    graph.library.CopyFrom(frozen.graph.library)
    graph.versions.CopyFrom(frozen.graph.versions)
    trace = remaining(frozen, graph)
    return frozen._replace(
        graph=graph,
        trace=trace,
        tool=f"{frozen.tool}; remove_training_nodes",
        style="Identity removed" if trace == "none" else frozen.style,
    )


def uncontrolled(frozen: Frozen) -> Frozen:
    """Drop control inputs.

    TensorFlow 2 makes its outputs wait for every read, and so keeps the Identity
    nodes from the tools that would remove them.
    """
    graph = type(frozen.graph)()
    graph.CopyFrom(frozen.graph)
    for node in graph.node:
        node.input[:] = [entry for entry in node.input if not entry.startswith("^")]
    return frozen._replace(graph=graph)


def direct(kit: Kit, frozen: Frozen) -> Frozen:
    """Remove Identity nodes, and before them what keeps them."""
    return training_nodes(kit, uncontrolled(frozen))


def for_inference(_: Kit, frozen: Frozen) -> Frozen:
    """Fold batch norms and remove Identity by optimize_for_inference."""
    frozen = uncontrolled(frozen)
    kinds = {node.name: node.attr["dtype"].type for node in frozen.graph.node}
    graph = optimize_for_inference_lib.optimize_for_inference(
        frozen.graph,
        list(frozen.inputs),
        list(frozen.outputs),
        [kinds[name] for name in frozen.inputs],
    )
    graph.library.CopyFrom(frozen.graph.library)
    graph.versions.CopyFrom(frozen.graph.versions)
    return frozen._replace(
        graph=graph,
        trace=remaining(frozen, graph),
        tool="optimize_for_inference",
        style="Identity removed, batch norm folded",
    )


def renamed(frozen: Frozen, new: Callable[[str], str], **facts: Any) -> Frozen:
    """Give every node of the graph another name; functions stay as they are."""
    graph = type(frozen.graph)()
    graph.CopyFrom(frozen.graph)
    names = {node.name: new(node.name) for node in graph.node}
    for node in graph.node:
        node.name = names[node.name]
        node.attr.pop("_class", None)
        node.input[:] = [renamed_input(entry, names) for entry in node.input]
    return frozen._replace(
        graph=graph,
        inputs=tuple(names[name] for name in frozen.inputs),
        outputs=tuple(names[name] for name in frozen.outputs),
        origin={name: names[node] for name, node in frozen.origin.items() if node in names},
        **facts,
    )


def renamed_input(entry: str, names: dict[str, str]) -> str:
    """Rename the node in an input, `^` and output number kept."""
    control, bare = entry[: entry.startswith("^")], entry.lstrip("^")
    node, colon, output = bare.partition(":")
    return f"{control}{names[node]}{colon}{output}"


def numbered(_: Kit, frozen: Frozen) -> Frozen:
    """Call the nodes n0, n1, n2, the way obfuscators do."""
    count = iter(range(10**6))
    style = f"{frozen.style}; names n0.."
    return renamed(
        frozen, lambda _: f"n{next(count)}", trace="none", names_kept=False,
        tool=f"{frozen.tool}; renamed", style=style,
    )  # fmt: skip


def hashed(_: Kit, frozen: Frozen) -> Frozen:
    """Call the nodes by a hash of their name."""
    style = f"{frozen.style}; hashed names"
    return renamed(
        frozen, lambda name: "t" + hashlib.sha256(name.encode()).hexdigest()[:10], trace="none",
        names_kept=False, tool=f"{frozen.tool}; hashed names", style=style,
    )  # fmt: skip


def prefixed(kit: Kit, frozen: Frozen) -> Frozen:
    """Import the graph below a prefix, as a program that embeds it does."""
    prefix = "embedded/net"
    with kit.tf.Graph().as_default() as graph:
        kit.tf.import_graph_def(frozen.graph, name=prefix)

    def put(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{prefix}/{name}" for name in names)

    return frozen._replace(
        graph=graph.as_graph_def(),
        inputs=put(frozen.inputs),
        outputs=put(frozen.outputs),
        origin={name: f"{prefix}/{node}" for name, node in frozen.origin.items()},
        tool=f"{frozen.tool}; import_graph_def",
        style=f"{frozen.style}, below {prefix}/",
    )


def stripped(_: Kit, frozen: Frozen) -> Frozen:
    """Drop what does not compute: attributes with an underscore, debug info, versions."""
    graph = type(frozen.graph)()
    graph.CopyFrom(frozen.graph)
    functions = (function.node_def for function in graph.library.function)
    for node in [*graph.node, *(node for body in functions for node in body)]:
        node.ClearField("experimental_debug_info")
        node.ClearField("device")
        for key in [key for key in node.attr if key.startswith("_")]:
            node.attr.pop(key)
    graph.ClearField("debug_info")
    return frozen._replace(
        graph=graph, tool=f"{frozen.tool}; attributes stripped", style=f"{frozen.style}, bare"
    )


def floats(kit: Kit, graph: Any, least: int) -> list[tuple[Any, Any]]:
    """List the float constants of a graph from some size on."""
    found = []
    for node in graph.node:
        if node.op == "Const" and node.attr["dtype"].type == kit.tf.float32.as_datatype_enum:
            value = kit.tf.make_ndarray(node.attr["value"].tensor)
            if value.size >= least:
                found.append((node, value))
    return found


def set_const(kit: Kit, node: Any, name: str, value: Any) -> None:
    """Make a node a Const."""
    node.Clear()
    node.name, node.op = name, "Const"
    node.attr["value"].tensor.CopyFrom(kit.tf.make_tensor_proto(value))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype


def add_node(kit: Kit, graph: Any, name: str, op: str, *inputs: str, **types: Any) -> None:
    """Add a node whose attributes are types."""
    node = graph.node.add(name=name, op=op, input=inputs)
    for key, dtype in types.items():
        node.attr[key].type = kit.tf.as_dtype(dtype).as_datatype_enum


def half_weights(kit: Kit, frozen: Frozen) -> Frozen:
    """Keep constants in half precision, and a Cast under the old name."""
    graph, origin = type(frozen.graph)(), dict(frozen.origin)
    graph.CopyFrom(frozen.graph)
    moved = {}
    for node, value in floats(kit, graph, HALVES_FROM):
        name = node.name
        moved[name] = f"{name}/fp16"
        set_const(kit, node, moved[name], value.astype(np.float16))
        add_node(kit, graph, name, "Cast", moved[name], SrcT="half", DstT="float")
    origin = {name: moved.get(node, node) for name, node in origin.items()}
    return frozen._replace(
        graph=graph, origin=origin, trace="changed", tool=f"{frozen.tool}; fp16 weights",
        style=f"half Const x/fp16 -> Cast x; {frozen.style}",
    )  # fmt: skip


def byte_weights(kit: Kit, frozen: Frozen) -> Frozen:
    """Keep constants as bytes with one scale each: Cast and Mul under the old name."""
    graph, origin = type(frozen.graph)(), dict(frozen.origin)
    graph.CopyFrom(frozen.graph)
    moved = {}
    for node, value in floats(kit, graph, BYTES_FROM):
        name, scale = node.name, np.float32((np.abs(value).max() or 1.0) / 127.0)
        moved[name] = f"{name}/int8"
        set_const(kit, node, moved[name], np.round(value / scale).astype(np.int8))
        set_const(kit, graph.node.add(), f"{name}/scale", scale)
        add_node(kit, graph, f"{name}/wide", "Cast", moved[name], SrcT="int8", DstT="float")
        add_node(kit, graph, name, "Mul", f"{name}/wide", f"{name}/scale", T="float")
    origin = {name: moved.get(node, node) for name, node in origin.items()}
    return frozen._replace(
        graph=graph, origin=origin, trace="changed", tool=f"{frozen.tool}; int8 weights",
        style=f"int8 Const x/int8 -> Cast -> Mul x/scale; {frozen.style}",
    )  # fmt: skip


def merged(_: Kit, frozen: Frozen) -> Frozen:
    """Keep one of constants that are equal, a variable's before another."""
    graph = type(frozen.graph)()
    graph.CopyFrom(frozen.graph)
    owned = set(frozen.origin.values())
    constants = [node for node in graph.node if node.op == "Const"]
    kept: dict[bytes, str] = {}
    for node in sorted(constants, key=lambda node: node.name not in owned):
        kept.setdefault(node.attr["value"].SerializeToString(deterministic=True), node.name)
    names = {node.name: node.name for node in graph.node}
    for node in constants:
        names[node.name] = kept[node.attr["value"].SerializeToString(deterministic=True)]
    left = [node for node in graph.node if names[node.name] == node.name]
    for node in left:
        node.input[:] = [renamed_input(entry, names) for entry in node.input]
    readers = {n.input[0]: n.name for n in frozen.graph.node if n.op == "Identity"}
    again = type(frozen.graph)(node=left, library=graph.library, versions=graph.versions)
    moved = {name: node for name, node in frozen.origin.items() if names[node] != node}
    return frozen._replace(
        graph=again, trace="changed", tool=f"{frozen.tool}; equal constants merged",
        origin={name: names[node] for name, node in frozen.origin.items()},
        merged={name: readers.get(node, "") for name, node in moved.items()},
        style=f"{frozen.style}; duplicates merged",
    )  # fmt: skip


def in_function(kit: Kit, frozen: Frozen) -> Frozen:
    """Put the whole graph into one function that the graph calls."""
    tf, pruned = kit.tf, wrapped(kit, frozen)
    specs = [tf.TensorSpec(t.shape, t.dtype) for t in pruned.inputs]
    outer = tf.function(lambda *inputs: pruned(*inputs)).get_concrete_function(*specs)  # noqa: PLW0108 - traced
    graph = outer.graph.as_graph_def()
    return frozen._replace(
        graph=graph,
        inputs=tuple(t.op.name for t in outer.inputs),
        outputs=tuple(t.op.name for t in outer.outputs),
        origin=inside(graph.library, frozen),
        tool=f"{frozen.tool}; wrapped into a function",
        style=f"in a function: {frozen.style}",
    )


def wrapped(kit: Kit, frozen: Frozen) -> Any:
    """Make the graph a function again, as programs that run frozen graphs do."""
    tf = kit.tf

    def load() -> None:
        tf.import_graph_def(frozen.graph, name="")

    whole = tf.compat.v1.wrap_function(load, [])
    get = whole.graph.get_tensor_by_name
    outputs = [get(f"{name}:0") for name in frozen.outputs]
    return whole.prune([get(f"{name}:0") for name in frozen.inputs], outputs)


def inside(library: Any, frozen: Frozen) -> dict[str, str]:
    """Find the function of a library that the graph went into."""
    wanted = set(frozen.origin.values())
    for function in library.function:
        if wanted <= {node.name for node in function.node_def}:
            start = function.signature.name
            return {name: f"{start}::{node}" for name, node in frozen.origin.items()}
    raise ValueError(sorted(wanted))


TOOLS = {
    "fold": grappler_fold,
    "layout": grappler_layout,
    "common": grappler_common,
    "training": training_nodes,
    "direct": direct,
    "inference": for_inference,
    "n0": numbered,
    "hash": hashed,
    "prefix": prefixed,
    "bare": stripped,
    "fp16": half_weights,
    "int8": byte_weights,
    "merge": merged,
    "call": in_function,
}
