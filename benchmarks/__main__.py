"""`python -m benchmarks`: one table of what things cost, with ratios and goals.

Times differ from machine to machine; the ratios within one run are what counts. A missed goal
is printed and does not fail the command: one noisy minute proves nothing.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from . import blocking, importing, memory, planning, report, requests, tool_run
from .proof import WrongAnswerError
from .report import Row


def main() -> int:
    """Measure, print, and return the exit code: 1 when a contestant answered something wrong."""
    options = _options()
    # Strangers are refused on purpose here; the log is as in a server that has not set one up.
    logging.getLogger("vapitools").addHandler(logging.NullHandler())
    began = time.perf_counter()
    try:
        rows = _measure(options.quick)
    except WrongAnswerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.table(rows))
    print(f"\n{report.summary(rows)}\nTook {time.perf_counter() - began:.0f} s.")
    if options.json is not None:
        options.json.write_text(report.to_json(rows), encoding="utf-8")
    return 0


def _measure(quick: bool) -> list[Row]:
    return [
        *requests.rows(rounds=7 if quick else 31),
        *memory.rows(),
        *tool_run.run_rows(rounds=15 if quick else 61),
        *tool_run.derive_rows(rounds=5 if quick else 21),
        *blocking.rows(rounds=1 if quick else 5),
        *importing.rows(rounds=3 if quick else 15),
        *planning.rows(rounds=3 if quick else 9),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
