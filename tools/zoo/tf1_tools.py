"""The tools that freeze and rewrite graphs, as a table by name.

Freezing tools take a built network, rewriting tools the plain frozen graph.
What a tool does with a graph whose weights are others tells which constants
were made of weights: `perturbed` gives such a graph.

trace: full     the reads `x/read` or `*/ReadVariableOp` and their names are there
       changed  they are there, the value or the name is not the original
       none     only the use of a constant tells
"""

# ruff: noqa: ANN401 - TensorFlow 1.15 has no types

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.tools import freeze_graph, optimize_for_inference_lib
from tensorflow.tools.graph_transforms import TransformGraph

if TYPE_CHECKING:
    from tools.zoo.tf1_build import Built


FOLDED = re.compile(r"__cf__(\d+)")


class Tool(NamedTuple):
    """A tool: `freeze` takes the network, or `rewrite` its frozen graph."""

    trace: str
    freeze: Callable[[Built], Any] | None = None
    rewrite: Callable[[Any, Built], Any] | None = None
    names: Callable[[str], str] | None = None
    rounded: bool = False


def plain(built: Built) -> Any:
    """Freeze with convert_variables_to_constants."""
    with built.graph.as_default():
        return tf.graph_util.convert_variables_to_constants(
            built.session, built.graph.as_graph_def(), built.outputs
        )


def whitelist(built: Built) -> Any:
    """Freeze every second variable, by a whitelist."""
    names = [variable.name for variable in built.variables][::2]
    return tf.graph_util.convert_variables_to_constants(
        built.session,
        built.graph.as_graph_def(),
        built.outputs,
        variable_names_whitelist=names,
    )


def blacklist(built: Built) -> Any:
    """Freeze all variables but every third, by a blacklist."""
    names = [variable.name for variable in built.variables][1::3]
    return tf.graph_util.convert_variables_to_constants(
        built.session,
        built.graph.as_graph_def(),
        built.outputs,
        variable_names_blacklist=names,
    )


def freeze_graph_tool(built: Built) -> Any:
    """Freeze from a checkpoint and a text graph with the freeze_graph tool."""
    folder = Path(tempfile.mkdtemp())
    with built.graph.as_default():
        saver = tf.train.Saver()
        checkpoint = saver.save(built.session, str(folder / "model"), write_meta_graph=False)
        tf.train.write_graph(built.graph, str(folder), "graph.pbtxt")
    return run_freeze_graph(
        built,
        folder,
        input_graph=str(folder / "graph.pbtxt"),
        input_binary=False,
        input_checkpoint=checkpoint,
        restore_op_name="save/restore_all",
        filename_tensor_name="save/Const:0",
    )


def saved_model(built: Built) -> Any:
    """Freeze a SavedModel with the freeze_graph tool."""
    folder = Path(tempfile.mkdtemp())
    graph = built.graph
    with graph.as_default():
        tf.saved_model.simple_save(
            built.session,
            str(folder / "saved"),
            {name: graph.get_tensor_by_name(name + ":0") for name in built.inputs},
            {name: graph.get_tensor_by_name(name + ":0") for name in built.outputs},
            legacy_init_op=tf.tables_initializer(),
        )
    return run_freeze_graph(
        built,
        folder,
        input_graph="",
        input_binary=True,
        input_checkpoint="",
        restore_op_name="",
        filename_tensor_name="",
        input_saved_model_dir=str(folder / "saved"),
    )


def run_freeze_graph(built: Built, folder: Path, **options: Any) -> Any:
    """Run the freeze_graph tool in a graph of its own, and read what it wrote."""
    with tf.Graph().as_default():
        freeze_graph.freeze_graph(
            input_saver="",
            output_node_names=",".join(built.outputs),
            output_graph=str(folder / "frozen.pb"),
            clear_devices=True,
            initializer_nodes="",
            **options,
        )
    graph = tf.GraphDef()
    graph.ParseFromString((folder / "frozen.pb").read_bytes())
    shutil.rmtree(str(folder))
    return graph


def extract_sub_graph(graph: Any, built: Built) -> Any:
    """Take the part that inner outputs need."""
    return tf.graph_util.extract_sub_graph(graph, list(built.network.cut) or built.outputs)


def remove_training_nodes(graph: Any, built: Built) -> Any:
    """Remove Identity and CheckNumerics with the tool for that."""
    return tf.graph_util.remove_training_nodes(graph, protected_nodes=built.outputs)


def optimize_for_inference(graph: Any, built: Built) -> Any:
    """Run optimize_for_inference, which folds batch norms."""
    nodes = {node.name: node for node in graph.node}
    inputs = [name for name in built.inputs if name in nodes]
    types = [nodes[name].attr["dtype"].type for name in inputs]
    return optimize_for_inference_lib.optimize_for_inference(graph, inputs, built.outputs, types)


def transform(*transforms: str) -> Callable[[Any, Built], Any]:
    """Give a tool that runs the Graph Transform Tool."""

    def rewrite(graph: Any, built: Built) -> Any:
        inputs = inputs_of(graph, built)
        return renumbered(TransformGraph(graph, inputs, built.outputs, list(transforms)))

    return rewrite


def renumbered(graph: Any) -> Any:
    """Count what fold_constants made from zero: it counts through all graphs of a process."""
    numbers = {int(number) for node in graph.node for number in FOLDED.findall(node.name)}
    if not numbers:
        return graph
    first = min(numbers)

    def rename(name: str) -> str:
        return FOLDED.sub(lambda match: f"__cf__{int(match.group(1)) - first}", name)

    for node in graph.node:
        node.name = rename(node.name)
        node.input[:] = [rename(each) for each in node.input]
    return graph


def older(rewrite: Callable[[Any, Built], Any]) -> Callable[[Any, Built], Any]:
    """Give a tool the graph with FusedBatchNorm of older versions, the one it knows to fold."""

    def downgrade(graph: Any, built: Built) -> Any:
        copy = tf.GraphDef()
        copy.CopyFrom(graph)
        for node in copy.node:
            if node.op == "FusedBatchNormV3":
                node.op = "FusedBatchNorm"
                node.attr.pop("U", None)
        return rewrite(copy, built)

    return downgrade


def inputs_of(graph: Any, built: Built) -> list[str]:
    """Give the inputs that are in a graph."""
    names = {node.name for node in graph.node}
    return [name for name in built.inputs if name in names]


def grappler(*optimizers: str) -> Callable[[Any, Built], Any]:
    """Give a tool that runs passes of Grappler; none by name are those that TensorFlow runs."""

    def rewrite(graph: Any, built: Built) -> Any:
        with tf.Graph().as_default() as imported:
            tf.import_graph_def(graph, name="")
            meta = tf.train.export_meta_graph(graph_def=imported.as_graph_def(), graph=imported)
        meta.collection_def["train_op"].node_list.value.extend(built.outputs)
        config = tf.ConfigProto(device_count={"GPU": 0})
        rewriter = config.graph_options.rewrite_options
        rewriter.min_graph_nodes = -1
        rewriter.meta_optimizer_iterations = rewriter_config_pb2.RewriterConfig.ONE
        rewriter.optimizers.extend(optimizers)
        return tf_optimizer.OptimizeGraph(config, meta)

    return rewrite


def import_prefix(graph: Any, _built: Built) -> Any:
    """Import under a prefix and write the graph again."""
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="import")
        return imported.as_graph_def()


def renamed(rename: Callable[[str], str]) -> Callable[[Any, Built], Any]:
    """Give a tool that renames all nodes and drops what else has their names."""

    def rewrite(graph: Any, _built: Built) -> Any:
        copy = tf.GraphDef()
        copy.CopyFrom(graph)
        for node in copy.node:
            node.name = rename(node.name)
            node.attr.pop("_class", None)
            node.input[:] = [renamed_input(each, rename) for each in node.input]
        return copy

    return rewrite


def renamed_input(text: str, rename: Callable[[str], str]) -> str:
    """Rename the node in an input."""
    if text.startswith("^"):
        return "^" + rename(text[1:])
    name, colon, port = text.partition(":")
    return rename(name) + colon + port


def hashed(name: str) -> str:
    """Give a name that says nothing."""
    return "op_" + hashlib.sha256(name.encode()).hexdigest()[:10]


def flattened(name: str) -> str:
    """Give a name without scopes, as converters to other formats make them."""
    return "net_" + name.replace("/", "_").replace(".", "_")


def imported(name: str) -> str:
    """Give a name as import_prefix does."""
    return "import/" + name


def drop_class(graph: Any, _built: Built) -> Any:
    """Drop `_class`, as converters do that know only some attributes."""
    copy = tf.GraphDef()
    copy.CopyFrom(graph)
    for node in copy.node:
        node.attr.pop("_class", None)
    return copy


def fp16_cast(graph: Any, built: Built) -> Any:
    """Store float variables in half precision, each followed by a Cast."""
    wanted = {v.name for v in built.variables if v.value.dtype == np.float32}
    copy = tf.GraphDef()
    copy.versions.CopyFrom(graph.versions)
    copy.library.CopyFrom(graph.library)
    for node in graph.node:
        if node.op != "Const" or node.name not in wanted:
            copy.node.add().CopyFrom(node)
            continue
        half = tf.make_ndarray(node.attr["value"].tensor).astype(np.float16)
        const = copy.node.add(name=node.name + "_fp16", op="Const")
        const.attr["dtype"].type = tf.float16.as_datatype_enum
        const.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(half))
        cast = copy.node.add(name=node.name, op="Cast", input=[const.name])
        cast.attr["SrcT"].type = tf.float16.as_datatype_enum
        cast.attr["DstT"].type = tf.float32.as_datatype_enum
    return copy


def typed_fields(graph: Any, _built: Built) -> Any:
    """Write values as lists of numbers, the form of graphs that other languages write."""
    copy = tf.GraphDef()
    copy.CopyFrom(graph)
    for node in copy.node:
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
            tensor = node.attr["value"].tensor
            values = tf.make_ndarray(tensor).ravel().tolist()
            tensor.tensor_content = b""
            tensor.float_val[:] = values
    return copy


def perturbed(graph: Any, built: Built) -> Any:
    """Give the frozen graph with other values in its variables."""
    copy = tf.GraphDef()
    copy.CopyFrom(graph)
    names = {v.name for v in built.variables}
    for node in copy.node:
        if node.op == "Const" and node.name in names:
            value = tf.make_ndarray(node.attr["value"].tensor)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(other_value(value)))
    return copy


def other_value(value: Any) -> Any:
    """Give another value, not even the same when quantized.

    Of integers and bools it is the same ones backwards: they may be places in something.
    """
    if value.dtype.kind in "fV":
        old = value.astype(np.float64)
        return (old * 1.37 + 0.05 * np.sin(11 * old) + 0.011).astype(value.dtype)
    return value.ravel()[::-1].reshape(value.shape)


REMOVE = "remove_nodes(op=Identity, op=CheckNumerics)"
FOLD = "fold_constants(ignore_errors=true)"
QUANTIZE = "quantize_weights(minimum_size=16)"
DEPLOY = ("strip_unused_nodes", REMOVE, FOLD, "fold_batch_norms", "fold_old_batch_norms")
EIGHT = ("add_default_attributes", *DEPLOY, QUANTIZE)
TIDY = ("strip_unused_nodes", "sort_by_execution_order")

NODES = (*DEPLOY, QUANTIZE, "quantize_nodes", *TIDY)

TOOLS: dict[str, Tool] = {
    "plain": Tool("full", freeze=plain),
    "whitelist": Tool("full", freeze=whitelist),
    "blacklist": Tool("full", freeze=blacklist),
    "freeze-graph": Tool("full", freeze=freeze_graph_tool),
    "saved-model": Tool("full", freeze=saved_model),
    "sub-graph": Tool("full", rewrite=extract_sub_graph),
    "training-nodes": Tool("none", rewrite=remove_training_nodes),
    "for-inference": Tool("none", rewrite=optimize_for_inference),
    "tg-strip-sort": Tool("full", rewrite=transform(*TIDY, "remove_device")),
    "tg-remove-identity": Tool("none", rewrite=transform(REMOVE)),
    "tg-fold-constants": Tool("none", rewrite=transform(FOLD)),
    "tg-fold-bn": Tool("none", rewrite=transform(REMOVE, FOLD, "fold_batch_norms")),
    "tg-fold-old-bn": Tool("none", rewrite=older(transform(REMOVE, "fold_old_batch_norms"))),
    "older-deploy": Tool("none", rewrite=older(transform(*DEPLOY))),
    "older-for-inference": Tool("none", rewrite=older(optimize_for_inference)),
    "tg-merge": Tool("changed", rewrite=transform("merge_duplicate_nodes")),
    "tg-weights": Tool("changed", rewrite=transform(QUANTIZE)),
    "tg-nodes": Tool("changed", rewrite=older(transform(*NODES))),
    "tg-round": Tool("changed", rewrite=transform("round_weights(num_steps=256)"), rounded=True),
    "tg-obfuscate": Tool("none", rewrite=transform("obfuscate_names")),
    "tg-atrous": Tool("none", rewrite=transform(REMOVE, FOLD, "flatten_atrous_conv")),
    "tg-deploy": Tool("none", rewrite=transform(*DEPLOY)),
    "tg-eight-bit": Tool("changed", rewrite=older(transform(*EIGHT, *TIDY))),
    "grappler-fold": Tool("none", rewrite=grappler("pruning", "constfold")),
    "grappler-arithmetic": Tool("none", rewrite=grappler("arithmetic", "dependency")),
    "grappler-remap": Tool("none", rewrite=grappler("constfold", "remap", "layout")),
    "grappler-all": Tool("none", rewrite=grappler()),
    "import-prefix": Tool("full", rewrite=import_prefix, names=imported),
    "rename-hash": Tool("none", rewrite=renamed(hashed), names=hashed),
    "rename-flat": Tool("none", rewrite=renamed(flattened), names=flattened),
    "drop-class": Tool("full", rewrite=drop_class),
    "fp16-cast": Tool("changed", rewrite=fp16_cast),
    "typed-fields": Tool("full", rewrite=typed_fields),
}
