"""Changing: the ops that change a variable.

    by a reference   Assign  ApplyAdam  ScatterAdd  StridedSliceAssign  CountUpTo
    by a handle      AssignVariableOp  ResourceApplyAdam  ResourceScatterAdd  RngReadAndSkip

A generator of random numbers is a variable, which who draws one changes.

Reference: tensorflow/core/ops/{state,resource_variable,training,stateful_random}_ops.cc.
"""

from __future__ import annotations

import re

_BY_REFERENCE = (
    r"Assign(?:Add|Sub)?|(?:Sparse)?Apply\w+|StridedSliceAssign|CountUpTo"
    r"|Scatter(?:Nd)?(?:Add|Sub|Mul|Div|Min|Max|Update)"
)
_BY_HANDLE = (
    r"Assign(?:Add|Sub)?VariableOp|AssignVariableXlaConcatND|Resource(?:Sparse)?Apply\w+"
    r"|ResourceScatter\w+|ResourceStridedSliceAssign|ResourceCountUpTo|RngSkip|RngReadAndSkip"
    r"|Stateful(?:Random\w+|Uniform\w*|StandardNormal\w*|TruncatedNormal)"
)
CHANGES_REFERENCE = re.compile(_BY_REFERENCE)
"""What takes a reference to change what it refers to."""
CHANGES_VARIABLE = re.compile(f"{_BY_REFERENCE}|{_BY_HANDLE}")
"""What changes a variable, of either kind."""
