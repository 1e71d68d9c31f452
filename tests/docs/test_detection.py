"""docs/detection.md names every rule that there is, and no other."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, TypeGuard

from tests.docs.reader import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ROW = re.compile(r"\| (?:freeze trace|role|name|family|numbers|counter-evidence) \|.*\| (.*) \|")


def rules() -> Iterator[str]:
    """Yield what the code calls the rules: the first argument of each piece of evidence."""
    for path in sorted((ROOT / "pbckpt" / "variables").glob("*.py")):
        calls = (one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if is_evidence(one))
        yield from (str(ast.literal_eval(call.args[0])) for call in calls)


def is_evidence(node: ast.AST) -> TypeGuard[ast.Call]:
    """Tell whether a node makes a piece of evidence whose rule it names."""
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("Evidence", "_against")
        and isinstance(node.args[0], ast.Constant)
    )


def test_the_document_names_the_rules() -> None:
    text = (ROOT / "docs" / "detection.md").read_text("utf-8")
    told = [rule for row in ROW.findall(text) for rule in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(set(rules()))
