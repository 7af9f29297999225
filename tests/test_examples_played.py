"""Each example bot's calls, played as they stand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vapitools.cli import _play_report
from vapitools.cli.play import play_file

EXAMPLES = Path(__file__).parents[1] / "examples"
CALLS = sorted(EXAMPLES.glob("*.call.yaml"))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to run in, and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("VAPI"):
            monkeypatch.delenv(name)


def test_every_example_has_a_call() -> None:
    assert {path.name.partition(".")[0] for path in CALLS} == {
        path.stem for path in EXAMPLES.glob("*.py")
    }


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.name.partition(".")[0])
def test_the_call_of_an_example_is_played_without_a_fault(path: Path, tmp_path: Path) -> None:
    result = play_file(path)

    assert list(result.faults) == [], _play_report.text(result)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.name.partition(".")[0])
def test_the_call_of_an_example_is_right_in_spite_of_trouble(path: Path) -> None:
    result = play_file(path, seed=1)

    assert list(result.failures()) == [], _play_report.text(result)
