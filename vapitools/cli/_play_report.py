"""What the terminal, and programs, are shown of calls that were played."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ..playing import Fault, Played
from ..playing._played import AnyEvent, Asked, Commanded, Noted, Spoken, ToolUsed
from ._report import describe, place, printable, shown

_WIDTH = 10
_MAX_ANSWER = 200
# Why the caller hears something that the assistant's model has not said.
_SOURCES: Mapping[str, str] = {
    "filler": "Vapi fills the silence: the tool has no request-start",
    "no-result": "Vapi took no answer",
    "error": "the server's error",
}


def text(played: Played, *, strict: bool = False) -> str:
    """A call as people read it.

    Args:
        played: The call.
        strict: Whether what nobody hears makes it a failure.
    """
    lines = [_title(played)]
    for event in played.events:
        lines += _event(event)
        lines += [f"  {'!' if f.level == 'warning' else '✗'} {_fault(f)}" for f in event.faults]
    failed = len(list(played.failures(strict=strict)))
    warned = len(played.faults) - failed
    verdict = _counted(failed, "fault") if failed else "all is well"
    verdict += f", {_counted(warned, 'warning')} (see --strict)" if warned else ""
    lines.append(f"{verdict}, in {played.seconds:.2f} s")
    return "\n".join(map(printable, lines))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def write_junit(path: Path, calls: Sequence[Played], *, strict: bool = False) -> None:
    """All of them as JUnit writes tests down, which CI servers read."""
    failed = sum(1 for played in calls if any(played.failures(strict=strict)))
    counts = {"tests": str(len(calls)), "failures": str(failed)}
    seconds = sum(played.seconds for played in calls)
    suite = ElementTree.Element(
        "testsuite", {"name": "vapitools play", "time": f"{seconds:.3f}", **counts}
    )
    for played in calls:
        attributes = {
            "classname": str(played.path or "call"),
            "name": _clean(played.name),
            "time": f"{played.seconds:.3f}",
        }
        case = ElementTree.SubElement(suite, "testcase", attributes)
        failures = [_fault(fault) for fault in played.failures(strict=strict)]
        if failures:
            failure = ElementTree.SubElement(case, "failure", message=_clean(failures[0]))
            failure.text = _clean("\n".join(failures))
        ElementTree.SubElement(case, "system-out").text = _clean(text(played, strict=strict))
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _clean(text: str) -> str:
    """What XML can hold."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def _title(played: Played) -> str:
    who = f"{played.caller or 'somebody'} and {played.assistant or 'nobody'}"
    where = f" ({shown(played.path)})" if played.path is not None else ""
    return f"{played.name}: {who}{where}"


def _fault(fault: Fault) -> str:
    place, colon, line = fault.place.rpartition(":")
    where = f"{shown(place)}{colon}{line}: " if place else ""
    return f"{where}{fault}"


# --- events -------------------------------------------------------------------------------


def _event(event: AnyEvent) -> Iterator[str]:
    for kind, show in _SHOW.items():
        if isinstance(event, kind):
            yield from show(event)


def _spoken(event: Spoken) -> Iterator[str]:
    words = event.words
    after = f" (after {words.seconds:.1f} s)" if words.source == "request-response-delayed" else ""
    source = f"  ({_SOURCES[words.source]})" if words.source in _SOURCES else ""
    yield f"  {event.role:<{_WIDTH}} {words.text}{after}{source}"


def _tool(event: ToolUsed) -> Iterator[str]:
    arguments = ", ".join(f"{name}={_value(value)}" for name, value in event.arguments.items())
    tries = f", {event.attempts} attempts" if event.attempts > 1 else ""
    trouble = f"  [{', '.join(event.troubles)}]" if event.troubles else ""
    time = f"{event.seconds * 1000:.0f} ms{tries}{trouble}"
    yield f"  {'tool':<{_WIDTH}} {event.name}({arguments})  {time}"
    if event.error is not None:
        yield f"  {'':<{_WIDTH}} → error: {_cut(event.error)}"
    elif event.result is not None:
        yield f"  {'':<{_WIDTH}} → {_cut(event.result)}"
    else:
        yield f"  {'':<{_WIDTH}} → nothing that Vapi takes"
    if event.raised is not None:
        where = place(event.raised, Path.cwd())
        raised = describe(event.raised)
        yield f"  {'':<{_WIDTH}} {f'{where}: {raised}' if where else raised}"


def _asked(event: Asked) -> Iterator[str]:
    yield f"  {'asked':<{_WIDTH}} {event.type}  {event.seconds * 1000:.0f} ms"
    yield f"  {'':<{_WIDTH}} → {event.summary}"


def _commanded(event: Commanded) -> Iterator[str]:
    yield f"  {'command':<{_WIDTH}} {event.command['type']}"


def _noted(event: Noted) -> Iterator[str]:
    yield f"  {'·':<{_WIDTH}} {event.text}"


_SHOW: Mapping[type, Callable[[Any], Iterator[str]]] = {
    Spoken: _spoken,
    ToolUsed: _tool,
    Asked: _asked,
    Commanded: _commanded,
    Noted: _noted,
}


def _value(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_ANSWER else f"{text[:_MAX_ANSWER]}…"
