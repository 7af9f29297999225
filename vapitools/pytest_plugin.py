"""What comes with the package for pytest: fixtures, and call files that are tests.

`*.call.yaml` files are collected; each is played against the bot that it names, and skipped when
it names none. `-p no:vapitools` switches all of this off.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

# Each run of pytest loads this, whether there are tests of a bot or not.
if TYPE_CHECKING:
    from .playing import Fault
    from .testing import FakeVapi, RecordingControl, TestCall

SUFFIX = ".call.yaml"


@pytest.fixture
def vapi_call() -> Generator[Callable[..., TestCall]]:
    """Makes calls, as `TestCall` does: `call = vapi_call(tools)`. They end with the test."""
    from .testing import TestCall

    with ExitStack() as stack:

        def make(bot: Any, **options: Any) -> TestCall:
            __tracebackhide__ = True
            return stack.enter_context(TestCall(bot, **options))

        yield make


@pytest.fixture
def fake_vapi(monkeypatch: pytest.MonkeyPatch) -> Generator[FakeVapi]:
    """Vapi's API in memory, on a real port; VAPI_BASE_URL and VAPI_API_KEY lead to it."""
    from .testing import FakeVapi

    fake = FakeVapi(api_key="test-key")
    with fake.serve() as base_url:
        monkeypatch.setenv("VAPI_BASE_URL", base_url)
        monkeypatch.setenv("VAPI_API_KEY", "test-key")
        yield fake


@pytest.fixture
def call_control() -> RecordingControl:
    """Keeps what tools tell the live call: `CallContext(control=call_control)`."""
    from .testing import RecordingControl

    return RecordingControl()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a call file for a test."""
    if file_path.name.endswith(SUFFIX):
        # pytest's own stubs leave the types of this open.
        file: pytest.Collector = cast("Any", CallFile).from_parent(parent, path=file_path)
        return file
    return None


class CallFile(pytest.File):
    """A call file."""

    def collect(self) -> Iterator[pytest.Item]:
        """The one call in it."""
        name = self.path.name.removesuffix(SUFFIX)
        item: pytest.Item = cast("Any", CallItem).from_parent(self, name=name)
        yield item


class CallItem(pytest.Item):
    """A call that is played."""

    def runtest(self) -> None:
        """Play it, if it names its bot.

        Raises:
            CallFailedError: Something was wrong.
        """
        from .cli import _play_report
        from .cli.play import play_file
        from .playing import load_script

        script = load_script(self.path)
        if script.bot is None and script.url is None:
            pytest.skip(f"{self.path.name} names no bot; write `bot: bot.py` or `url: …` into it")
        played = play_file(self.path)
        if first := next(played.failures(), None):
            # The first line is the one that pytest's summary shows.
            raise CallFailedError(f"{_one_line(first)}\n\n{_play_report.text(played)}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The call as people read it, and no traceback of ours."""
        from .errors import VapiToolsError

        if isinstance(excinfo.value, (CallFailedError, VapiToolsError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, f"call: {self.name}"


def _one_line(fault: Fault) -> str:
    """A fault, by the name of its file: pytest has said the folder."""
    place = Path(fault.place).name
    return " ".join(f"{place}: {fault}".removeprefix(": ").split())


class CallFailedError(Exception):
    """A call that was played had faults."""
