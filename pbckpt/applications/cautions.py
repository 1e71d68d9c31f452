"""Cautions: what a conversion tells of its result, to be looked at by whoever asked for it.

ambiguity    constants that may have been variables, and the options that decide
values       what a tool has folded into variables
names        keys that are made up, as TensorFlow 2 freezes names away
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.edits.selection import Select, Selection
from pbckpt.variables.traces import is_generic

if TYPE_CHECKING:
    from pbckpt.variables.variable import Detection, Variable

_FIRST = 3


def ambiguity_warnings(plan: Detection, selection: Selection) -> tuple[str, ...]:
    """Return what is to be said of constants that may have been variables and are not taken.

    Nothing is, where the user has chosen himself what to begin with or to keep.
    """
    nodes = [one.node for one in plan.skipped if one.is_ambiguous]
    if not nodes or selection.include or Select(selection.select) is not Select.AUTO:
        return ()
    what = "1 constant is" if len(nodes) == 1 else f"{len(nodes)} constants are"
    more = f" and {len(nodes) - _FIRST} more" if len(nodes) > _FIRST else ""
    note = (
        f"{what} ambiguous and not taken: {', '.join(map(repr, nodes[:_FIRST]))}{more}; settle "
        "each with --take NODE or --exclude NODE, or take what operations take as weights with "
        "--select weights"
    )
    return (note,)


def value_warnings(variables: tuple[Variable, ...]) -> tuple[str, ...]:
    """Return what is to be said of values that are not those that were trained."""
    folded = [one for one in variables if one.folded]
    if not folded:
        return ()
    first = folded[0]
    which = "1 variable is" if len(folded) == 1 else f"{len(folded)} variables are"
    return (f"{which} not as trained, such as {first.key!r}: {first.folded}",)


def name_warnings(plan: Detection, variables: tuple[Variable, ...]) -> tuple[str, ...]:
    """Return what is told of names, by what the variables were before any edit."""
    made = {
        v.node
        for v in plan.variables
        if v.rule == "resource_capture" or (v.key != v.node and is_generic(v.node))
    }
    frozen = [v.key for v in variables if v.node in made]
    if not frozen:
        return ()
    what = "variable has a name" if len(frozen) == 1 else "variables have names"
    note = (
        f"{len(frozen)} {what} made of the layer and the role there, such as "
        f"{frozen[0]!r}: TensorFlow 2 freezes a variable's own name away"
    )
    return (note,)
