"""Results as text for a terminal: aligned tables, sizes that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.inspect import GraphContents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.applications.convert import Report
    from pbckpt.applications.inspect import CheckpointContents
    from pbckpt.applications.stored import TensorInfo
    from pbckpt.applications.verify import VerifyReport
    from pbckpt.variables.detect import Skipped, Variable

_KILO = 1000
_RIGHT = "bytes"


def convert_text(report: Report) -> str:
    """Return a summary of a conversion."""
    trainable = sum(variable.trainable for variable in report.variables)
    lines = [
        (
            f"{report.prefix}: {len(report.variables)} "
            f"{'variable' if len(report.variables) == 1 else 'variables'} "
            f"({trainable} trainable), "
            f"{size_text(report.nbytes)}"
        ),
        *(f"  wrote {file}" for file in report.files),
    ]
    if report.skipped:
        lines.append(f"  {len(report.skipped)} constants were not taken")
    return "\n".join(lines)


def inspect_text(contents: GraphContents | CheckpointContents) -> str:
    """Return the tables of a graph or a checkpoint."""
    if isinstance(contents, GraphContents):
        return _graph_text(contents)
    total = sum(info.nbytes for _, info in contents.tensors)
    head = (
        f"checkpoint {contents.prefix}: {len(contents.tensors)} tensors, {size_text(total)}, "
        f"{contents.num_shards} {'shard' if contents.num_shards == 1 else 'shards'}"
    )
    crcs = {key: f"{entry.crc32c:08x}" for key, entry in contents.entries if not entry.slices}
    rows = [(*_info_row(key, info), crcs.get(key, "")) for key, info in contents.tensors]
    parts = [head, table(("key", "dtype", "shape", _RIGHT, "crc32c"), rows)]
    if contents.objects:
        objects = [(one.path, one.full_name, one.key) for one in contents.objects]
        parts.append("objects:\n" + table(("path", "full name", "key"), objects))
    return "\n\n".join(parts)


def _graph_text(contents: GraphContents) -> str:
    head = (
        f"frozen graph {contents.path}: {contents.nodes} nodes, {contents.constants} constants, "
        f"{len(contents.variables)} of them variables"
    )
    parts = [head]
    if contents.variables:
        parts.append(variables_table(contents.variables))
    if contents.skipped:
        rows = [_skipped_row(constant) for constant in contents.skipped]
        parts.append("not variables:\n" + table(("node", "dtype", "shape", "reason"), rows))
    return "\n\n".join(parts)


def variables_table(variables: Sequence[Variable]) -> str:
    """Return the table of variables with the reason for each."""
    rows = [
        (
            variable.key,
            variable.dtype.label,
            shape_text(variable.shape),
            f"{variable.nbytes:,}",
            "yes" if variable.trainable else "no",
            variable.rule,
        )
        for variable in variables
    ]
    return table(("key", "dtype", "shape", _RIGHT, "trainable", "rule"), rows)


def _skipped_row(constant: Skipped) -> tuple[str, ...]:
    tensor = constant.tensor
    dtype = tensor.dtype.label if tensor else "-"
    shape = shape_text(tensor.shape) if tensor else "-"
    return constant.node, dtype, shape, constant.reason


def _info_row(key: str, info: TensorInfo) -> tuple[str, ...]:
    size = f"{info.num_slices} slices" if info.num_slices else f"{info.nbytes:,}"
    return key, info.dtype.label, shape_text(info.shape), size


def verify_text(report: VerifyReport) -> str:
    """Return a line if all is well, else a line per problem."""
    if report.ok:
        return f"{report.prefix}: {report.checked} tensors checked, no problem found"
    count = len(report.problems)
    lines = [f"{report.prefix}: {count} {'problem' if count == 1 else 'problems'}"]
    for problem in report.problems:
        what = f"{problem.key} in {problem.file}" if problem.key else problem.file
        lines.append("  " + printable(f"{what}: {problem.problem}"))
    return "\n".join(lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns as wide as their widest cell; sizes to the right."""
    shown = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = [
            cell.rjust(width) if title == _RIGHT else cell.ljust(width)
            for cell, width, title in zip(row, widths, head, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as it is written in Python lists."""
    return "[" + ", ".join(map(str, shape)) + "]"


def size_text(nbytes: int) -> str:
    """Return a size in the largest decimal unit of which it has one."""
    size = float(nbytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _KILO:
            return f"{nbytes} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} TB"


def printable(text: str) -> str:
    """Return a name as it can be shown on any terminal: no control, no stray byte."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
