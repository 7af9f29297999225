"""One line per run, with nothing in it that others could have put there."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from vapitools.instrumentation import LogRuns, ToolRun, printable


def finished(run: ToolRun) -> None:
    LogRuns().started(run)
    LogRuns().finished(run)


def test_a_run_is_one_line_with_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    run = ToolRun("find_tables", "c-1", "call_1", outcome="ok", seconds=0.0123)

    with caplog.at_level(logging.INFO, logger="vapitools"):
        finished(run)

    assert caplog.messages == ["find_tables 12.3 ms ok (call c-1, tool call call_1)"]


def test_without_ids_the_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="vapitools"):
        finished(ToolRun("find_tables", outcome="unknown_tool"))

    assert caplog.messages == ["find_tables 0.0 ms unknown_tool (call -, tool call -)"]


def test_nothing_is_logged_below_the_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="vapitools"):
        finished(ToolRun("find_tables", outcome="ok"))

    assert caplog.messages == []


PRINTABLE = ["call_VaJOd8", "toolu_01DT", "0195f2c4-5a55-7000-a1b2-c3d4e5f60718", "a.b:c@d", 7]


@pytest.mark.parametrize("identifier", PRINTABLE)
def test_an_id_is_printed_as_it_is(identifier: object) -> None:
    assert printable(identifier) == str(identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "a b",
        "a\nb",
        "a\n",
        "x" * 129,
        "\x1b[31m",
        "../etc",
        "{}",
        "%s",
        "é",
        "\ud800",
        {"a": 1},
    ],
    ids=ascii,
)
def test_what_no_id_looks_like_is_not_printed(identifier: Any) -> None:
    assert printable(identifier) == "(not printable)"
