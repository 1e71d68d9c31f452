"""Real TensorFlow's op definitions, as one JSON object on the original stdout.

    {"version": TEXT, "ops": {OP: {"inputs": [[NAME, IS_LIST]], "outputs": [[NAME, IS_LIST]],
                                   "attributes": {NAME: TYPE}, "lengths": [ATTRIBUTE],
                                   "defaults": {NAME: HEX},
                                   "types": [[ATTRIBUTE, TYPE, IS_LIST]]}}}

``lengths`` has for each output the attribute that says how many it is, or an empty text;
``defaults`` are messages AttrValue. ``types`` has for each output the attribute that says its
type, or that has a list of types, and the type that it is always, or by default: ``float``.

Run by an interpreter that has TensorFlow; see `test_operators.py`. TensorFlow prints to
descriptor 1, so that is pointed at stderr while it is imported.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
import json
import os
from typing import Any


def op_list() -> Any:
    """Give all ops of the registry, those too that Python has no function for."""
    op_def_pb2 = importlib.import_module("tensorflow.core.framework.op_def_pb2")
    try:
        wrapper: Any = importlib.import_module("tensorflow.python.client.pywrap_tf_session")
    except ImportError:
        wrapper = importlib.import_module("tensorflow.python.pywrap_tensorflow")
    ops = op_def_pb2.OpList()
    ops.ParseFromString(wrapper.TF_GetBuffer(wrapper.TF_GetAllOpList()))
    return ops


def arguments(definitions: Any) -> list[list[Any]]:
    """Give names, and whether they are lists of tensors."""
    return [[one.name, bool(one.number_attr or one.type_list_attr)] for one in definitions]


def type_name(number: int) -> str:
    """Give the name of a type as attributes have it, an empty text for none."""
    types_pb2 = importlib.import_module("tensorflow.core.framework.types_pb2")
    return types_pb2.DataType.Name(number)[len("DT_") :].lower() if number else ""


def output_type(op: Any, output: Any) -> list[Any]:
    """Give what says the type of an output."""
    if output.type_list_attr:
        return [output.type_list_attr, "", True]
    if not output.type_attr:
        return ["", type_name(output.type), False]
    [attribute] = [one for one in op.attr if one.name == output.type_attr]
    return [output.type_attr, type_name(attribute.default_value.type), False]


def main() -> None:
    """Print the definitions."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    tensorflow = importlib.import_module("tensorflow")
    ops = {
        op.name: {
            "inputs": arguments(op.input_arg),
            "outputs": arguments(op.output_arg),
            "attributes": {attribute.name: attribute.type for attribute in op.attr},
            "lengths": [one.number_attr or one.type_list_attr for one in op.output_arg],
            "types": [output_type(op, one) for one in op.output_arg],
            "defaults": {
                attribute.name: attribute.default_value.SerializeToString().hex()
                for attribute in op.attr
                if attribute.HasField("default_value")
            },
        }
        for op in op_list().op
    }
    json.dump({"version": tensorflow.__version__, "ops": ops}, answers)
    answers.close()


if __name__ == "__main__":
    main()
