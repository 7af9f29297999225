"""What a request makes and calls, counted: unlike times, counts are the same on every machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import Context
from datetime import date
from importlib.metadata import packages_distributions
from types import FrameType
from typing import Any

import pytest
from starlette.routing import Router
from typing_extensions import TypeVarTuple, Unpack

from vapitools import SharedSecret, Tool, Toolset, router, tool
from vapitools.ledger import Answer, MemoryLedger
from vapitools.messages import ToolCallResult

from .wire import entry, tool_calls

Ts = TypeVarTuple("Ts")

begins_at_once = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="before Python 3.12 no task begins at once"
)

SECRET = "a-secret-of-a-usual-length"
ARGUMENTS = {"day": "2026-12-24", "name": "Rossi"}


@tool
async def book_table(day: date, name: str, party_size: int = 2) -> str:
    """Book a table."""
    return f"Booked for {name}."


@tool
async def wait_for_table(day: date, name: str) -> str:
    """Wait for a table."""
    await asyncio.sleep(0)
    return f"Booked for {name}."


@tool
async def wait_forever() -> str:
    """Wait."""
    await asyncio.Event().wait()
    return ""


class Counts:
    """What happened while one request was answered.

    Attributes:
        frames: Each Python function that was called, by its module and its name.
        builtins: Each function in C, by its qualified name.
        tasks: How many tasks were made.
        timers: For how many seconds each timer was set.
        turns: How often something was left to a later turn of the event loop.
    """

    def __init__(self) -> None:
        self.frames: Counter[tuple[str, str]] = Counter()
        self.builtins: Counter[str] = Counter()
        self.timers: list[float] = []
        self.tasks = self.turns = 0

    def of_package(self, name: str) -> Counter[tuple[str, str]]:
        """The functions of that package that were called."""
        return Counter(
            {
                (module, function): count
                for (module, function), count in self.frames.items()
                if module.partition(".")[0] == name
            }
        )


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts what is left to it."""

    counts = Counts()

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: Context | None = None,
    ) -> asyncio.Handle:
        self.counts.turns += 1
        return super().call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        self.counts.timers.append(delay)
        return super().call_later(delay, callback, *args, context=context)


class CountedTask(asyncio.Task[Any]):
    """A task like any other."""

    made = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        type(self).made += 1
        super().__init__(*args, **options)


@pytest.fixture(autouse=True)
def counted_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task is one that is counted."""
    monkeypatch.setattr(asyncio, "Task", CountedTask)
    monkeypatch.setattr(asyncio.tasks, "Task", CountedTask)


@contextlib.contextmanager
def profiled(counts: Counts) -> Iterator[None]:
    def see(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            module = str(frame.f_globals.get("__name__"))
            counts.frames[module, frame.f_code.co_name] += 1
        elif event == "c_call":
            counts.builtins[argument.__qualname__] += 1

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(before)


async def post(app: Router, body: bytes, *, pieces: int = 1) -> dict[str, Any]:
    """The answer to a body that is there at once, or comes in several pieces, one by one."""
    sent: list[Any] = []
    size = len(body) // pieces + 1
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    received = [
        {"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]}
        for chunk in chunks
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhook",
        "headers": [
            (b"content-type", b"application/json"),
            (b"x-vapi-secret", SECRET.encode()),
        ],
    }

    async def receive() -> Any:
        if len(chunks) > 1:
            await asyncio.sleep(0)
        return received.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    await app(scope, receive, send)
    answer: dict[str, Any] = json.loads(sent[1]["body"])
    return answer


def body_of(*calls: Any) -> bytes:
    return json.dumps(tool_calls(*calls)).encode()


def call_of(each: Tool[..., Any], id_: str) -> dict[str, Any]:
    return entry(each.name, ARGUMENTS, id_=id_)


def counted(app: Router, body: bytes, *, pieces: int = 1) -> Counts:
    """What one request takes, after another one has been answered."""
    counts = Counts()

    async def scenario() -> None:
        await post(app, body_of(call_of(book_table, "before")))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        loop.counts = counts
        made = CountedTask.made
        with profiled(counts):
            await post(app, body, pieces=pieces)
        counts.tasks = CountedTask.made - made
        loop.counts = Counts()

    loop = CountingLoop()
    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
    return counts


def app_of(*tools: Tool[..., Any], ledger: MemoryLedger | None = None) -> Router:
    return router(Toolset(tools), auth=SharedSecret(SECRET), ledger=ledger)


APP = app_of(book_table, wait_for_table)


# --- what is made -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 4, 16])
def test_a_call_takes_one_task_and_nothing_else_takes_any(number: int) -> None:
    """It is what can be left behind at the deadline, and what outlives a cancelled request."""
    app = app_of(book_table)

    counts = counted(app, body_of(*(call_of(book_table, f"id-{i}") for i in range(number))))

    assert counts.tasks == number


@pytest.mark.parametrize(
    "calls",
    [[], [entry("no_such_tool", ARGUMENTS, id_="a")], [call_of(book_table, "before")]],
    ids=["no call", "unknown tool", "repeat"],
)
def test_what_runs_no_tool_takes_no_task_and_no_turn_of_the_event_loop(calls: list[Any]) -> None:
    counts = counted(app_of(book_table), body_of(*calls))

    assert (counts.tasks, counts.turns) == (0, 0)


@begins_at_once
@pytest.mark.parametrize("number", [1, 4])
def test_tools_that_wait_for_nothing_take_no_turn_of_the_event_loop(number: int) -> None:
    app = app_of(book_table)

    counts = counted(app, body_of(*(call_of(book_table, f"id-{i}") for i in range(number))))

    assert counts.turns == 0


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_timer_is_set_for_each_tool_that_waits_and_for_nothing_else(number: int) -> None:
    app = app_of(book_table, wait_for_table)
    waiting = [call_of(wait_for_table, f"id-{i}") for i in range(number)]

    counts = counted(app, body_of(call_of(book_table, "waits for nothing"), *waiting))

    assert len(counts.timers) == number


def test_one_timer_is_set_for_a_body_that_is_waited_for() -> None:
    counts = counted(APP, body_of(), pieces=3)

    assert len(counts.timers) == 1


def test_the_deadline_counts_from_the_beginning_also_where_a_tool_blocks_first() -> None:
    @tool(timeout=3.0)
    async def block_first() -> str:
        """Block, then wait."""
        time.sleep(0.05)
        await asyncio.sleep(0)
        return "Done."

    counts = counted(app_of(book_table, block_first), body_of(entry("block_first", {}, id_="a")))

    assert [seconds <= 2.95 for seconds in counts.timers] == [True]


def test_settings_that_are_spelt_right_load_nothing_to_find_a_misspelling() -> None:
    script = """
import sys
from vapitools import Settings
Settings.from_environ({"VAPI_SERVER_SECRET": "a-secret", "VAPITOOLS_THREADS": "8"})
print("difflib" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "False\n"


def test_a_call_builds_no_validator() -> None:
    counts = counted(app_of(book_table), body_of(call_of(book_table, "a")))

    assert not counts.of_package("pydantic")
    assert counts.builtins["SchemaValidator.validate_json"] == 1


@pytest.mark.parametrize("number", [1, 16])
def test_a_body_is_decoded_once_however_many_calls_are_in_it(number: int) -> None:
    app = app_of(book_table)

    counts = counted(app, body_of(*(call_of(book_table, f"id-{i}") for i in range(number))))

    # The arguments are read by the validator, once for each call.
    assert counts.builtins["Decoder.decode"] == 1
    assert counts.builtins["SchemaValidator.validate_json"] == number
    assert counts.builtins["Encoder.encode"] == 1
    # One is the test's own, of the answer.
    assert counts.frames["json", "loads"] == 1
    assert counts.frames["json", "dumps"] == 0


def test_few_objects_are_held_while_a_call_waits() -> None:
    """The garbage collector looks at each of them: at 64 calls at once it took a tenth of a CPU."""
    number = 100
    app = app_of(book_table, wait_forever)

    async def scenario() -> int:
        await post(app, body_of(call_of(book_table, "before")))
        bodies = [body_of(entry("wait_forever", {}, id_=f"id-{n}")) for n in range(number)]
        gc.collect()
        before = len(gc.get_objects())
        tasks = [asyncio.create_task(post(app, body)) for body in bodies]
        for _ in range(3):
            await asyncio.sleep(0)
        held = len(gc.get_objects()) - before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        return held

    gc.disable()
    try:
        held = asyncio.run(scenario())
    finally:
        gc.enable()

    # Before Python 3.11 each instance and each frame has objects of its own.
    assert held / number <= (65 if sys.version_info >= (3, 11) else 85)


# --- how it grows -------------------------------------------------------------------------


def test_a_request_calls_no_more_functions_in_a_set_of_1000_tools() -> None:
    others = [book_table.renamed(f"book_table_{number}") for number in range(999)]
    body = body_of(call_of(book_table, "a"))

    one, thousand = counted(app_of(book_table), body), counted(app_of(book_table, *others), body)

    assert thousand.of_package("vapitools") == one.of_package("vapitools")


def test_a_request_calls_no_more_functions_when_many_answers_are_kept() -> None:
    ledger = MemoryLedger(size=5000)
    body = body_of(call_of(book_table, "a"))

    async def fill() -> None:
        for number in range(4000):
            await ledger.once(("another call", str(number)), given)

    asyncio.run(fill())

    full, empty = counted(app_of(book_table, ledger=ledger), body), counted(APP, body)

    assert full.of_package("vapitools") == empty.of_package("vapitools")


def given() -> Answer:
    answer = Answer()
    answer.give(ToolCallResult("tool", result="Done."))
    return answer


def test_of_a_kept_answer_little_is_held() -> None:
    """What waited for it, the message and the run, is gone."""
    ledger = MemoryLedger()
    app = app_of(book_table, ledger=ledger)

    async def scenario() -> int:
        for number in range(200):
            await post(app, body_of(call_of(book_table, f"id-{number}")))
        await asyncio.sleep(0)
        before = sys.getallocatedblocks()
        for number in range(200, 1200):
            await post(app, body_of(call_of(book_table, f"id-{number}")))
        await asyncio.sleep(0)
        return sys.getallocatedblocks() - before

    blocks = asyncio.run(scenario())

    # The id, the key, the answer, its result and its text, when it was given, and some room.
    assert len(ledger) == 1200
    assert blocks < 1000 * 12


def test_the_functions_of_ours_that_a_request_calls_are_few() -> None:
    """Each costs as much as decoding a hundred letters: one more needs a reason."""
    counts = counted(app_of(book_table), body_of(call_of(book_table, "a")))

    assert counts.of_package("vapitools").total() <= 90
    assert not counts.of_package("starlette")


# --- what is imported ---------------------------------------------------------------------

OUTSIDE = {
    "annotated_types",
    "anyio",
    "docstring_parser",
    "msgspec",
    "pydantic",
    "pydantic_core",
    "starlette",
    "typing_extensions",
    "typing_inspection",
    "vapitools",
}


def test_importing_loads_only_what_serving_needs() -> None:
    names = {*modules_after("import vapitools")} - {*modules_after("pass")}

    assert {name.partition(".")[0] for name in names} & third_party() <= OUTSIDE
    assert sum(name.partition(".")[0] == "vapitools" for name in names) <= 42


def modules_after(statement: str) -> list[str]:
    """The modules that are loaded after a statement, in a new interpreter."""
    code = f"{statement}; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    names: list[str] = json.loads(done.stdout)
    return names


def third_party() -> set[str]:
    """The packages that are installed beside Python's own modules."""
    return {*packages_distributions()} - {*sys.stdlib_module_names}
