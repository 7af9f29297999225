"""`python -m benchmarks`: one table of what things cost, with ratios, goals and verdicts.

Times differ from machine to machine; the ratios within one run are what counts. A missed goal
is printed and does not fail the command: one noisy minute proves nothing.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import (
    blocking,
    bodies,
    growth,
    importing,
    memory,
    page,
    planning,
    report,
    requests,
    serving,
    shares,
    throughput,
    tool_run,
    variants,
)
from .proof import WrongAnswerError
from .report import Row

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    quick: bool
    sizes: Sequence[int]
    axes: variants.Axes
    json: Path | None
    docs: bool
    kept: Path | None
    only: Sequence[str]

    def rounds(self, few: int, many: int) -> int:
        return few if self.quick else many


SECTIONS: Mapping[str, Callable[[Options], list[Row]]] = {
    "requests": lambda options: requests.rows(options.rounds(5, 21), options.sizes),
    "shares": lambda options: shares.rows(options.rounds(21, 101)),
    "throughput": lambda options: throughput.rows(options.rounds(3, 15), 1),
    "variants": lambda options: variants.rows(options.rounds(7, 31), options.axes),
    "memory": lambda options: memory.rows(),
    "run": lambda options: tool_run.run_rows(options.rounds(11, 41)),
    "derive": lambda options: tool_run.derive_rows(options.rounds(5, 21)),
    "blocking": lambda options: blocking.rows(options.rounds(1, 5)),
    "import": lambda options: importing.rows(options.rounds(7, 41)),
    "serve": lambda options: serving.rows(options.rounds(3, 9)),
    "plan": lambda options: planning.rows(options.rounds(3, 7)),
    "growth": lambda options: growth.rows(options.rounds(5, 21)),
}


def main() -> int:
    """Measure, print, and return the exit code: 1 when a contestant answered something wrong."""
    options = _options()
    # Strangers are refused on purpose here; the log is as in a server that has not set one up.
    logging.getLogger("vapitools").addHandler(logging.NullHandler())
    began = time.perf_counter()
    try:
        results = _results(options)
    except WrongAnswerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report.table(results.rows))
    print(f"\n{report.summary(results.rows)}\nTook {time.perf_counter() - began:.0f} s.")
    if options.json is not None:
        options.json.write_text(results.to_json(), encoding="utf-8")
    if options.docs:
        page.write(results, _ROOT)
    return 0


def _results(options: Options) -> report.Results:
    if options.kept is not None:
        return report.Results.from_json(options.kept.read_text("utf-8"))
    rows: list[Row] = []
    for name in options.only or SECTIONS:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        rows += SECTIONS[name](options)
    return report.Results(report.machine(), rows)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    axes = variants.Axes()
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer rounds: two minutes instead of five")
    add("--only", type=_names, default=(), metavar="PARTS", help=f"of {','.join(SECTIONS)}")
    add("--sizes", type=_numbers, metavar="KB", help="kilobytes of a body, such as 2,20,100,1000")
    add("--calls", type=_numbers, default=axes.calls, help="calls in one message, such as 1,4,16")
    add("--tools", type=_words, default=axes.kinds, help="async,def or one of them")
    add("--auth", type=_words, default=axes.auths, help="secret,hmac,none or some of them")
    add("--json", type=Path, metavar="FILE", help="write the numbers to a file too")
    add("--from", type=Path, dest="kept", metavar="FILE", help="show such a file, measure nothing")
    add("--docs", action="store_true", help="write docs/benchmarks.md, its plot and its numbers")
    given = parser.parse_args()
    return Options(
        quick=given.quick,
        sizes=given.sizes or bodies.SIZES,
        axes=variants.Axes(given.sizes or axes.sizes, given.calls, given.tools, given.auth),
        json=given.json,
        docs=given.docs,
        kept=given.kept,
        only=given.only,
    )


def _words(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


def _names(text: str) -> list[str]:
    if unknown := [name for name in _words(text) if name not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(unknown)}")
    return _words(text)


if __name__ == "__main__":
    sys.exit(main())
