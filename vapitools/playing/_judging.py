"""Reads a server's answers as Vapi does, and says what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._shapes import is_deep, is_list, is_object
from ._delivery import MAX_ANSWER, Delivery
from ._live_call import Entry
from ._rules import Fault

# What ends a line, in any text.
_LINE_BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_MESSAGE_TYPES = ("request-complete", "request-failed")
_MAX_CONTENT = 1000
_MAX_SHOWN = 80
_MAX_DEPTH = 100


@dataclass(frozen=True)
class ToolAnswer:
    """What one tool call was answered with, as far as Vapi takes it.

    Attributes:
        result: The text; None when there is none that Vapi takes.
        error: The same of an error.
        message: What is to be said, in the API's words.
    """

    result: str | None = field(default=None, repr=False)
    error: str | None = field(default=None, repr=False)
    message: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def text(self) -> str | None:
        """What the model reads; None when Vapi took nothing."""
        return self.result if self.result is not None else self.error


@dataclass
class Judgement:
    """What came of tool calls.

    Attributes:
        answers: One for each call, in the order asked.
        faults: What was wrong.
    """

    answers: list[ToolAnswer]
    faults: list[Fault] = field(default_factory=list[Fault])


def tool_calls(delivery: Delivery, asked: Sequence[Entry], patience: float) -> Judgement:
    """Judge the answer to tool calls."""
    content, faults = content_of(delivery, patience)
    if faults:
        return Judgement([ToolAnswer() for _ in asked], faults)
    results = content.get("results") if is_object(content) else None
    if not is_list(results):
        return Judgement([ToolAnswer() for _ in asked], [Fault("results", _no_results(content))])
    entries = [each for each in results if is_object(each)]
    if len(entries) < len(results):
        faults.append(Fault("results", "an entry of results is no object"))
    faults += _id_faults(entries, asked)
    by_id: dict[Any, list[Mapping[str, Any]]] = {}
    for each in entries:
        by_id.setdefault(_key(each.get("toolCallId")), []).append(each)
    answers: list[ToolAnswer] = []
    for each in asked:
        found: list[Fault] = []
        answers.append(_answer(_next(by_id.get(each["id"])), _name(each), found))
        faults += [replace(fault, call=each["id"]) for fault in found]
    return Judgement(answers, faults)


def content_of(delivery: Delivery, patience: float) -> tuple[Any, list[Fault]]:
    """The JSON of an answer, or why there is none."""
    fault = _undelivered(delivery, patience, taken=(200,))
    if fault is not None:
        return None, [fault]
    if not delivery.body.strip():
        return {}, []
    try:
        content = json.loads(delivery.body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        kind = "a web page" if _is_html(delivery) else "no JSON"
        return None, [Fault("json", f"the answer is {kind}")]
    if is_deep(content, _MAX_DEPTH):
        return None, [Fault("json", f"the answer is nested more than {_MAX_DEPTH} levels deep")]
    return content, []


def told(delivery: Delivery, type: str, patience: float) -> list[Fault]:
    """Judge the answer to a message that wants none."""
    fault = _undelivered(delivery, patience, taken=range(200, 300))
    return [] if fault is None else [Fault(fault.rule, f"{type}: {fault.text}")]


def wants_answer(type: str) -> bool:
    """Whether a message of a type wants an answer that can be judged."""
    return type in _JUDGES


def answer(type: str, content: Any) -> list[Fault]:
    """Judge the answer to a message of a type that wants one."""
    return _JUDGES[type](content) if wants_answer(type) else []


def _assistant_request(content: Any) -> list[Fault]:
    """Who is to answer a call?"""
    if not is_object(content):
        return [Fault("who-answers", f"the answer is {_kind(content)}")]
    if any(_is_text(content.get(name)) for name in ("assistantId", "squadId", "workflowId")):
        return []
    if any(is_object(content.get(name)) for name in ("assistant", "squad", "workflow")):
        return []
    if _is_text(content.get("error")):
        return []
    if is_object(content.get("destination")):
        return _destination_faults(content["destination"])
    return [Fault("who-answers", f"the answer has {_names(content)}")]


def _destination_request(content: Any) -> list[Fault]:
    """Where is the call to go?"""
    if not is_object(content):
        return [Fault("destination", f"the answer is {_kind(content)}")]
    if _is_text(content.get("error")):
        return []
    if is_object(content.get("destination")):
        return _destination_faults(content["destination"])
    return [Fault("destination", f"the answer has {_names(content)}")]


def _knowledge(content: Any) -> list[Fault]:
    """What is the model to know?"""
    documents = content.get("documents") if is_object(content) else None
    if not is_list(documents):
        if is_object(content) and content.get("message"):
            return []
        return [Fault("documents", f"the answer has {_names(content)}")]
    return [
        Fault("documents", f"document {number} has no content, or no similarity from 0 to 1")
        for number, each in enumerate(documents, start=1)
        if not _is_document(each)
    ]


def _function_call(content: Any) -> list[Fault]:
    """What the deprecated message is answered with has no id, and stands alone."""
    if not is_object(content) or content.get("result") is None:
        return [Fault("results", f"the answer has {_names(content)}")]
    faults: list[Fault] = []
    _text("result", content["result"], "the function", faults)
    return faults


_JUDGES: Mapping[str, Callable[[Any], list[Fault]]] = {
    "function-call": _function_call,
    "assistant-request": _assistant_request,
    "transfer-destination-request": _destination_request,
    "handoff-destination-request": _destination_request,
    "knowledge-base-request": _knowledge,
}


# --- no answer ----------------------------------------------------------------------------


def _undelivered(delivery: Delivery, patience: float, taken: Container[int]) -> Fault | None:
    """Why Vapi has no answer, or takes none: of what it reads, the status must be 200."""
    if delivery.failure == "late":
        return Fault("in-time", f"there was no answer within {patience:g} s")
    if delivery.failure == "too long":
        return Fault("json", f"the answer has more than {MAX_ANSWER} bytes")
    if delivery.failure is not None or delivery.status is None:
        return Fault("connection", "the server ended the connection without a whole answer")
    if delivery.status not in taken:
        return Fault("status", f"the status was {delivery.status}{_hint(delivery)}")
    return None


def _refuse(word: str) -> Any:
    """NaN and Infinity are Python's own, and no JSON."""
    raise ValueError(word)


def _hint(delivery: Delivery) -> str:
    status = delivery.status or 0
    if status in (401, 403) and delivery.is_signed:
        return ", so it does not take the secret that was sent"
    if status in (401, 403):
        return ", and no secret was sent: set the one that it has in VAPI_SERVER_SECRET"
    if status == 404:
        return ", so nothing is at this address"
    if status == 422:
        return ", so it refuses what Vapi sends; on the wire, arguments are an object"
    if 300 <= status < 400:
        return ", and Vapi follows no redirect"
    return ""


def _is_html(delivery: Delivery) -> bool:
    return "html" in delivery.content_type or delivery.body.lstrip()[:1] == b"<"


# --- tool calls ---------------------------------------------------------------------------


def _no_results(content: Any) -> str:
    if not is_object(content):
        return f"the answer is {_kind(content)}"
    if "results" in content:
        return f"results is {_kind(content['results'])}"
    return f"the answer has no results, but {_names(content)}"


def _id_faults(entries: Sequence[Mapping[str, Any]], asked: Sequence[Entry]) -> Iterator[Fault]:
    names = {each["id"]: _name(each) for each in asked}
    keys = [_key(each.get("toolCallId")) for each in entries]
    known = [key for key in keys if key in names]
    for each, key in zip(entries, keys, strict=True):
        if key not in names:
            yield Fault("right-id", _wrong_id(each))
    for id in dict.fromkeys(known):
        # A body that was written by hand may ask twice with one id, or with none.
        if known.count(id) > sum(each["id"] == id for each in asked):
            text = f"{names[id]} was answered {known.count(id)} times"
            yield Fault("once", text, call=id)
    missing = [id for id in names if id not in known]
    # An answer with a wrong id is there all the same.
    if len(missing) > len(keys) - len(known):
        yield from (Fault("every-call", f"{names[id]} was not answered", call=id) for id in missing)
    once = list(dict.fromkeys(known))
    if once != [id for id in names if id in once]:
        yield Fault("order", f"the answers came as {', '.join(names[id] for id in once)}")


def _wrong_id(entry: Mapping[str, Any]) -> str:
    if entry.get("toolCallId") is not None:
        return "an answer has another id"
    return f"an answer has no toolCallId, but {_names(entry)}"


def _next(entries: list[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """The first entry that no call has taken. Where a call has several, the first one counts."""
    return entries.pop(0) if entries else None


def _answer(given: Mapping[str, Any] | None, name: str, faults: list[Fault]) -> ToolAnswer:
    if given is None:
        return ToolAnswer()
    if not _is_text(given.get("name")):
        faults.append(Fault("name", f"the answer to {name} has no name"))
    values = {key: given[key] for key in ("result", "error") if given.get(key) is not None}
    if len(values) != 1:
        what = "both result and error" if values else "neither result nor error"
        faults.append(Fault("result-or-error", f"the answer to {name} has {what}"))
    texts = {key: _text(key, value, name, faults) for key, value in values.items()}
    message = given.get("message")
    if message is not None:
        problem = _message_problem(message)
        if problem is not None:
            faults.append(Fault("spoken", f"the message of {name} {problem}"))
            message = None
    # An error beside a result wins: what failed must not pass for done.
    error = texts.get("error")
    return ToolAnswer(None if error is not None else texts.get("result"), error, message)


def _text(key: str, value: Any, name: str, faults: list[Fault]) -> str | None:
    """The text as Vapi takes it; None when it drops it."""
    found: Fault | None = None
    if not isinstance(value, str):
        found = Fault("text", f"the {key} of {name} is {_kind(value)}")
    elif not value.strip():
        found = Fault("not-empty", f"the {key} of {name} is empty")
    elif _LINE_BREAK.search(value):
        found = Fault("one-line", f"the {key} of {name} has a line break")
    if found is not None:
        faults.append(found)
        return None
    return _whole_letters(str(value))


def _message_problem(message: Any) -> str | None:
    if not is_object(message):
        return f"is {_kind(message)}"
    if message.get("type") not in _MESSAGE_TYPES:
        return "has no type request-complete or request-failed"
    content = message.get("content")
    if isinstance(content, str) and len(content) > _MAX_CONTENT:
        return f"has {len(content)} characters"
    return None


# --- destinations and documents -----------------------------------------------------------

_NEEDED: Mapping[str, Sequence[str]] = {
    "number": ("number",),
    "sip": ("sipUri",),
    "assistant": ("assistantName", "assistantId", "assistant"),
    "squad": ("squadId", "squad"),
}


def _destination_faults(destination: Mapping[str, Any]) -> list[Fault]:
    type_ = destination.get("type")
    needed = _NEEDED.get(str(type_))
    if needed is None:
        return [Fault("destination", "the destination has no type number, sip, assistant or squad")]
    if not any(destination.get(name) for name in needed):
        return [Fault("destination", f"the destination of type {type_} has no {needed[0]}")]
    return []


def _is_document(value: Any) -> bool:
    if not is_object(value) or not isinstance(value.get("content"), str):
        return False
    similarity = value.get("similarity")
    if not isinstance(similarity, (int, float)) or isinstance(similarity, bool):
        return False
    return 0 <= similarity <= 1


# --- words --------------------------------------------------------------------------------


def _kind(value: Any) -> str:
    if is_object(value):
        return "an object"
    if is_list(value):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "null"
    return "text" if isinstance(value, str) else "a number"


def _names(content: Any) -> str:
    """The fields of an answer. Their names come from the server: they are cut."""
    if not is_object(content):
        return _kind(content)
    if not content:
        return "nothing in it: does anything handle the message?"
    shown = ", ".join(repr(str(name)) for name in content)
    return f"{shown[:_MAX_SHOWN]} in it"


def _key(id: Any) -> Any:
    """What can be compared with the ids that were asked; `()` is none of them."""
    return id if id is None or isinstance(id, (str, int)) else ()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _whole_letters(text: str) -> str:
    """The text without halves of letters, which JSON can spell and nothing can write."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _name(entry: Entry) -> str:
    return str(entry["function"]["name"])
