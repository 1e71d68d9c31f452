"""Operators: what the ops of TensorFlow say of the constants that they take.

    weight_role, fused_role      a variable sits here, and this is what it is
    GATHERS                      rows of what sits here are looked up
    range_slots                  the ends of the range of what sits here
    argument_name                a parameter of the operation, never a weight
    passing                      the value goes on, from there to these outputs
    CALLS                        the value goes into a function
    is_control_or_bookkeeping    whatever it is, it is no weight
    output_arguments             what an op puts out, by name: lists, and how long they are
    output_index, named_output   which output of a node a function's body means, and back
    output_lists                 how many outputs a node has
    output_types                 the element types of what it puts out
    newer_attributes             what TensorFlow 1.15 does not know of an op

Each comes with its tables in a module of its own. They were made by going through
the registries of TensorFlow 1.15 and 2.21 for the names of arguments, and read row
by row; tests against both TensorFlows hold each op and each name in them, but for the
few of tf.contrib and of TensorFlow Addons. An op that
no table has says nothing.
"""

from __future__ import annotations

from pbckpt.operators.arguments import argument_name, is_control_or_bookkeeping
from pbckpt.operators.calls import CALLS, DIRECT_CALL, Call
from pbckpt.operators.newer_attributes import newer_attributes
from pbckpt.operators.output_types import output_types
from pbckpt.operators.outputs import (
    NamedOutput,
    OutputArgument,
    named_output,
    output_arguments,
    output_index,
    output_lists,
)
from pbckpt.operators.passing import Change, Pass, passing
from pbckpt.operators.weights import (
    GATHERS,
    fused_role,
    range_slots,
    takes_fused_arguments,
    weight_role,
)

__all__ = [
    "CALLS",
    "DIRECT_CALL",
    "GATHERS",
    "Call",
    "Change",
    "NamedOutput",
    "OutputArgument",
    "Pass",
    "argument_name",
    "fused_role",
    "is_control_or_bookkeeping",
    "named_output",
    "newer_attributes",
    "output_arguments",
    "output_index",
    "output_lists",
    "output_types",
    "passing",
    "range_slots",
    "takes_fused_arguments",
    "weight_role",
]
