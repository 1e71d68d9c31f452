"""Results as text for a terminal: aligned tables, sizes that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbckpt.applications.inspect import GraphContents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbckpt.applications.convert import Report
    from pbckpt.applications.diff import DiffReport
    from pbckpt.applications.edit import EditReport
    from pbckpt.applications.inspect import CheckpointContents
    from pbckpt.applications.state import State
    from pbckpt.applications.verify import VerifyReport
    from pbckpt.checkpoints.stored import TensorInfo
    from pbckpt.checkpoints.write import WrittenBundle
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
    if report.added:
        lines.append(f"  {_counted(len(report.added), 'tensor')} added")
    if report.skipped:
        lines.append(f"  {len(report.skipped)} constants were not taken")
    if not report.files:
        lines.append("  nothing was written, as --dry-run says")
    return "\n".join(lines)


def edit_text(report: EditReport) -> str:
    """Return a summary of an edit."""
    count = len(report.tensors)
    renamed = sum(one.old not in ("", one.new) for one in report.tensors)
    notes = [f"{renamed} renamed"] if renamed else []
    notes += [f"{len(report.dropped)} left out"] if report.dropped else []
    more = f" ({', '.join(notes)})" if notes else ""
    head = f"{report.prefix}: {_counted(count, 'tensor')}{more}, {size_text(report.nbytes)}"
    return "\n".join([head, *(f"  wrote {file}" for file in report.files)])


def plan_text(report: EditReport) -> str:
    """Return the table of old and new names of what would be written."""
    rows = [
        (one.old or "(set)", one.new, one.dtype.label, shape_text(one.shape))
        for one in report.tensors
    ]
    parts = [
        (
            f"{report.prefix}: would hold {_counted(len(rows), 'tensor')}, "
            f"{size_text(report.nbytes)} as they are now"
        ),
        table(("old", "new", "dtype", "shape"), rows),
    ]
    if report.dropped:
        parts.append("left out:\n" + table(("name", "reason"), report.dropped))
    return "\n\n".join(parts)


def written_text(prefix: str, written: WrittenBundle) -> str:
    """Return what was written where."""
    head = f"{prefix}: {size_text(written.nbytes)}"
    return "\n".join([head, *(f"  wrote {file}" for file in written.files)])


def diff_text(report: DiffReport) -> str:
    """Return a line if all is the same, else a table of what is not."""
    head = f"{report.first} and {report.second}: {_counted(report.same, 'tensor')} the same"
    if not report.differences:
        return head
    rows = [
        (
            one.key,
            one.kind.value,
            one.first or "-",
            one.second or "-",
            "" if one.elements is None else f"{one.elements:,}",
            "" if one.max_abs is None else f"{one.max_abs:.6g}",
            "" if one.max_rel is None else f"{one.max_rel:.6g}",
        )
        for one in report.differences
    ]
    titles = ("key", "differs in", "first", "second", "elements", "max abs", "max rel")
    return f"{head}, {len(rows)} not\n\n{table(titles, rows)}"


def state_text(state: State) -> str:
    """Return which checkpoint is the newest and which there are."""
    rows = [(one.path, "yes" if one.exists else "no") for one in state.checkpoints]
    head = f"latest: {printable(state.latest) or '(none)'}"
    return f"{head}\n\n{table(('listed', 'is there'), rows)}" if rows else head


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def inspect_text(contents: GraphContents | CheckpointContents) -> str:
    """Return the tables of a graph or a checkpoint."""
    if isinstance(contents, GraphContents):
        return _graph_text(contents)
    total = _total_bytes(contents)
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


def _total_bytes(contents: CheckpointContents) -> int:
    """Return the size of all tensors, with bytes that keys share counted once."""
    if not contents.entries:
        return sum(info.nbytes for _, info in contents.tensors)
    infos = dict(contents.tensors)
    sizes = {
        key if entry.slices else (entry.shard_id, entry.offset, entry.nbytes): infos[key].nbytes
        for key, entry in contents.entries
    }
    return sum(sizes.values())


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
