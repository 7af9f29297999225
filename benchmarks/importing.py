"""A cold start: importing the library beside importing what it cannot do without."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping

from .measure import interleaved
from .report import Row, ratio_goal

_LIMIT = 1.3
_PARTS = "starlette + pydantic + docstring_parser"

# Seen from inside, because the interpreter's own start would hide a part of the difference.
_SCRIPT = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"
_STATEMENTS = {
    _PARTS: (
        "import starlette.applications, starlette.requests, starlette.responses; "
        "from pydantic import BaseModel, TypeAdapter; import docstring_parser"
    ),
    "vapitools": "import vapitools",
}


def rows(rounds: int) -> list[Row]:
    """Both, each in a new interpreter."""
    with tempfile.TemporaryDirectory() as bytecode:
        environ = _environ(bytecode)
        imports = {name: _import(code, environ) for name, code in _STATEMENTS.items()}
        times = interleaved(imports, rounds)
    found: list[Row] = []
    for name, seconds in times.items():
        ratios = {"the parts": seconds / times[_PARTS]}
        goals = [ratio_goal(ratios, "the parts", _LIMIT)] if name == "vapitools" else []
        found.append(Row("Import, in a new interpreter", name, seconds, "ms", ratios, goals))
    return found


def _environ(bytecode: str) -> dict[str, str]:
    """Both start from bytecode, which the first round leaves, as after an installation."""
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": bytecode}


def _import(statements: str, environ: Mapping[str, str]) -> Callable[[], float]:
    command = [sys.executable, "-c", _SCRIPT.format(statements)]

    def run() -> float:
        done = subprocess.run(command, env=environ, capture_output=True, check=True)
        return float(done.stdout)

    return run
