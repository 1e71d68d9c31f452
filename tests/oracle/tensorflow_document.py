"""A document's blocks of TensorFlow code, run one after another in one namespace.

    request   {"op": "run", "code": TEXT, "line": NUMBER}     one line on stdin
    answer    {"ok": true}                                    one line on the original stdout
              {"ok": false, "error": CLASS, "message": TEXT}

The code is run as it is, in the current directory. With `--plain`, sessions leave
graphs as they are: nothing is computed beforehand, so that sums are the same ones
whether a weight is a constant or a variable.

Runs on Python 3.7 with TensorFlow 1.15, and with TensorFlow 2.
"""

# ruff: noqa: ANN401 - TensorFlow is not typed, and is not there where types are checked

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # TensorFlow prints there, also from C++, and so does the code
    if "--plain" in sys.argv[1:]:
        keep_graphs_as_they_are()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin.buffer:
        answer = run(json.loads(line.decode("ascii")), namespace)
        answers.write(json.dumps(answer).encode("ascii") + b"\n")
        answers.flush()


def run(request: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """Run one block."""
    try:
        code = compile("\n" * request["line"] + request["code"], "document", "exec")
        exec(code, namespace)  # noqa: S102 - it is our own document
    except Exception as error:  # noqa: BLE001 - whatever a document raises is the answer
        return {"ok": False, "error": type(error).__name__, "message": traceback.format_exc()}
    return {"ok": True}


def keep_graphs_as_they_are() -> None:
    """Make sessions that do not optimize the ordinary ones."""
    v1: Any = importlib.import_module("tensorflow.compat.v1")
    plain = v1.ConfigProto(intra_op_parallelism_threads=1)
    plain.graph_options.optimizer_options.opt_level = -1
    plain.graph_options.rewrite_options.disable_meta_optimizer = True

    class PlainSession(v1.Session):  # type: ignore[misc]
        def __init__(self, target: str = "", graph: Any = None) -> None:
            super().__init__(target, graph, plain)

    tensorflow: Any = importlib.import_module("tensorflow")
    for module in (tensorflow, tensorflow.compat.v1, v1):
        if hasattr(module, "Session"):
            module.Session = PlainSession


if __name__ == "__main__":
    main()
