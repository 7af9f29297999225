"""A script → the text of a call file, made for reading and editing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import yaml

from .._samples import sample_arguments
from ..toolset import Toolset
from ._live_call import CALLER, LINE
from ._script import (
    UNSET,
    Asks,
    CallsTools,
    Expected,
    HandsOver,
    PlannedCall,
    Says,
    Script,
    Step,
    Tells,
    Waits,
)
from ._yaml import DAY, reads_as_text

_ENDLESS = 1_000_000
# A longer one does not stand before a colon in YAML.
_MAX_NAME = 100


def starting_file(tools: Toolset, *, bot: str, assistant: str | None = None) -> str:
    """A call file to begin with, which calls each tool once with arguments that are valid.

    Args:
        tools: The bot's tools.
        bot: How the file names the bot.
        assistant: The name of the assistant that answers, where there are several.
    """
    lines = [
        "# A call, to be played with: vapitools play THIS-FILE",
        "# The steps happen in order. Change them, and say what you expect of the answers.",
        *_head({"call": "A first call", "bot": bot, "caller": CALLER, "assistant": assistant}),
        "steps:",
        "  - caller: Hello, can you help me?",
    ]
    for tool in tools:
        sample = sample_arguments(tool)
        if sample.problem is not None:
            lines.append(f"  # These arguments do not fit yet: {_on_one_line(sample.problem)}")
        arguments = {name: _as_day(value) for name, value in sample.arguments.items()}
        lines += _tool(PlannedCall(tool.name, arguments), "  - ")
        lines.append("    # expect: a text that is in the result")
    lines += ["  - caller: Thank you, goodbye.", "end: customer-ended-call"]
    return "\n".join(lines) + "\n"


def write_script(script: Script, notes: Mapping[str, str] | None = None) -> str:
    """The text of a call file that says the same.

    Args:
        script: The call.
        notes: The place of a step, of a tool call or of the end → the lines of a comment above it;
            of "", those above all.
    """
    customer: Any = dict(script.customer)
    if list(customer) == ["number"]:
        customer = customer["number"]
    elif "sipUri" in customer:
        customer["sip_uri"] = customer.pop("sipUri")
    head = {
        "call": script.name,
        "bot": script.bot,
        "url": script.url,
        "caller": customer,
        "number": script.number if script.number != LINE else None,
        "kind": script.kind if script.kind != "inbound" else None,
        "assistant": script.assistant,
        "variables": dict(script.variables) or None,
        "server_messages": None if script.server_messages is None else [*script.server_messages],
        "environment": dict(script.environment) or None,
    }
    notes = notes or {}
    lines = [*_comment(notes.get("", ""), ""), *_head(head)]
    lines.append("steps:" if script.steps else "steps: []")
    for step in script.steps:
        lines += _comment(_note(step.place, notes), "  ")
        lines += _step(step, notes)
    lines += _comment(_note(script.end.place, notes), "")
    lines += _end(script)
    return "\n".join(lines) + "\n"


def _head(fields: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: {_value(value)}" for name, value in fields.items() if value is not None)


def _step(step: Step, notes: Mapping[str, str]) -> Iterator[str]:
    if isinstance(step, Says):
        yield f"  - {step.role}: {_value(step.text)}"
    elif isinstance(step, CallsTools) and len(step.calls) == 1:
        yield from _noted(step.calls[0], "  - ", notes)
    elif isinstance(step, CallsTools):
        yield "  - tools:"
        for call in step.calls:
            yield from _noted(call, "      - ", notes)
    elif isinstance(step, Asks):
        yield from _asks(step)
    elif isinstance(step, HandsOver):
        yield f"  - handoff: {_value(step.assistant)}"
    elif isinstance(step, Tells):
        yield f"  - message: {_value({'type': step.type, **step.fields})}"
    elif isinstance(step, Waits):
        yield f"  - wait: {_value(step.seconds)}"


def _asks(step: Asks) -> Iterator[str]:
    if step.type == "knowledge-base-request":
        yield f"  - knowledge: {_value(step.fields.get('question', ''))}"
    elif step.type == "handoff-destination-request":
        yield f"  - handoff: {_value(dict(step.fields.get('parameters') or {}))}"
    else:
        yield f"  - transfer: {_value(dict(step.fields))}"
    expected = step.expected or Expected()
    expect = {
        "answer": expected.answer,
        "error": _set(expected.error),
        "matches": _set(expected.matches),
        "within": _set(expected.within),
    }
    yield from _expect(expect, "    ")


def _noted(call: PlannedCall, bullet: str, notes: Mapping[str, str]) -> Iterator[str]:
    yield from _comment(_note(call.place, notes), " " * (len(bullet) - 2))
    yield from _tool(call, bullet)


def _note(place: str, notes: Mapping[str, str]) -> str:
    return notes.get(place, "") if place else ""


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.split("\n") if text else ():
        yield f"{indent}# {_on_one_line(line)}".rstrip()


def _tool(call: PlannedCall, bullet: str) -> Iterator[str]:
    indent = " " * len(bullet)
    yield f"{bullet}tool: {_value(call.tool)}"
    if any(len(name) > _MAX_NAME for name in call.arguments):
        yield f"{indent}arguments: {_value(dict(call.arguments))}"
    elif call.arguments:
        yield f"{indent}arguments:"
        for name, value in call.arguments.items():
            yield f"{indent}  {_value(name)}: {_value(value)}"
    expected = call.expected or Expected()
    expect = {
        "result": expected.result,
        "error": _set(expected.error),
        "matches": _set(expected.matches),
        "heard": list(expected.heard) or UNSET,
        "within": _set(expected.within),
    }
    yield from _expect(expect, indent)


def _expect(fields: Mapping[str, Any], indent: str) -> Iterator[str]:
    said = {name: value for name, value in fields.items() if value is not UNSET}
    if said:
        yield f"{indent}expect:"
        for name, value in said.items():
            yield f"{indent}  {name}: {_value(value)}"


def _set(value: Any) -> Any:
    """None is nothing to expect, but of a result, where it is null."""
    return UNSET if value is None else value


def _end(script: Script) -> Sequence[str]:
    end = script.end
    if not end.report and end.expected is None and not end.heard:
        return [f"end: {_value(end.reason)}"]
    analysis: Mapping[str, Any] = end.report.get("analysis") or {}
    fields = {
        "reason": end.reason,
        "summary": analysis.get("summary"),
        "success": analysis.get("successEvaluation"),
        "data": analysis.get("structuredData"),
    }
    lines = ["end:"]
    lines += [f"  {name}: {_value(value)}" for name, value in fields.items() if value is not None]
    expect = {"ended": _set(end.expected), "heard": list(end.heard) or UNSET}
    return [*lines, *_expect(expect, "  ")]


def _on_one_line(text: str) -> str:
    """What a comment can hold."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


class _Tomorrow:
    """A day that is written as such, so that the file is right on every day."""


def _as_day(value: Any) -> Any:
    tomorrow = date.today() + timedelta(days=1)
    return _Tomorrow() if value == tomorrow.isoformat() else value


def _value(value: Any) -> str:
    """A value on one line, in quotes where it would be read as another one."""
    if isinstance(value, _Tomorrow):
        return f"{DAY} +1"
    # Its stubs leave some types open.
    text: str = yaml.dump(  # pyright: ignore[reportUnknownMemberType]
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=_ENDLESS,
        sort_keys=False,
    )
    return text.removesuffix("\n").removesuffix("\n...").removesuffix("\n")


class _Dumper(yaml.SafeDumper):
    """Writes values as `_yaml` reads them."""

    def ignore_aliases(self, data: Any) -> bool:
        """Nobody edits what is written in another place."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # In other quotes, a line break would be written as one.
    style = None if reads_as_text(text) and text.isprintable() else '"'
    tag = "tag:yaml.org,2002:str"
    return dumper.represent_scalar(  # pyright: ignore[reportUnknownMemberType]
        tag, text, style=style
    )


_Dumper.add_representer(str, _text)
