"""A call file → the script in it. Whatever is wrong is said with its line, all of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from .._shapes import is_object
from .._spelling import did_you_mean
from ..errors import PlayError
from ..server_messages import CHOOSABLE, CLASSES
from . import _yaml
from ._live_call import CALLER, LINE, Kind
from ._script import (
    UNSET,
    Asks,
    CallsTools,
    Ending,
    Expected,
    HandsOver,
    PlannedCall,
    Says,
    Script,
    Step,
    Tells,
    Waits,
)
from ._yaml import Node

T = TypeVar("T")

SUFFIXES = (".yaml", ".yml")

_HEAD = """
call bot url caller number kind assistant variables server_messages environment steps end
""".split()
_KINDS: tuple[Kind, ...] = get_args(Kind)
_TOOL = ["tool", "arguments", "expect"]
_OF_A_TOOL = ["result", "error", "matches", "heard", "within"]
_OF_AN_ANSWER = ["answer", "error", "matches", "within"]
_END = ["reason", "summary", "success", "data", "expect"]
_AT_THE_END = ["ended", "heard"]
_CUSTOMER = {"number": "number", "name": "name", "sip_uri": "sipUri", "extension": "extension"}
_MAX_SECONDS = 3600.0
_MAX_BYTES = 1024 * 1024


def load_script(path: str | Path) -> Script:
    """Read a call file.

    Raises:
        PlayError: It is not there, or something in it is wrong: each with its line.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise PlayError(f"{path}: a call file has at most {_MAX_BYTES} bytes")
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise PlayError(f"there is no file {path}{_similar_file(path)}") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise PlayError(f"{path}: {why}") from None
    return read_script(text, str(path), path=path)


def read_script(text: str, file: str = "call.yaml", *, path: Path | None = None) -> Script:
    """Read the text of a call file.

    Args:
        text: The YAML.
        file: What errors call the file.
        path: Where it is.

    Raises:
        PlayError: Something in it is wrong: each with its line.
    """
    reader = _Reader()
    script = reader.script(_yaml.read(text, file), Path(file).name.partition(".")[0], path)
    if reader.problems:
        raise PlayError(reader.problems)
    return script


class _Reader:
    """Reads the parts of a file. What is wrong joins `problems`, and something stands for it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._steps: dict[str, Callable[[Node], Step | None]] = {
            "caller": self._caller,
            "assistant": self._assistant,
            "tool": self._tool_alone,
            "tools": self._tools,
            "transfer": lambda node: self._asks(node, "transfer", "transfer-destination-request"),
            "knowledge": self._knowledge,
            "handoff": self._handoff,
            "message": self._message,
            "wait": self._wait,
        }

    def script(self, node: Node, name: str, path: Path | None) -> Script:
        fields = self._object(node, _HEAD, "a call file")
        steps = fields.get("steps")
        if steps is None or not isinstance(steps.value, list):
            self._complain(steps or node, "steps is missing: a list of what happens; [] is nothing")
        return Script(
            name=self._text(fields.get("call"), name),
            steps=[step for each in (steps.items if steps else ()) if (step := self._step(each))],
            kind=self._choice(fields.get("kind"), _KINDS, "inbound"),
            customer=self._customer(fields.get("caller")),
            number=self._text(fields.get("number"), LINE),
            assistant=self._speaker(fields.get("assistant")),
            variables=self._plain_object(fields.get("variables")),
            server_messages=self._server_messages(fields.get("server_messages")),
            end=self._ending(fields.get("end")),
            bot=self._text(fields.get("bot"), None),
            url=self._text(fields.get("url"), None),
            environment=self._environment(fields.get("environment")),
            path=path,
        )

    # --- the head ---

    def _customer(self, node: Node | None) -> Mapping[str, Any]:
        if node is None:
            return {"number": CALLER}
        if not is_object(node.value):
            return {"number": self._text(node, CALLER)}
        fields = self._object(node, list(_CUSTOMER), "caller")
        return {_CUSTOMER[name]: self._text(each, "") for name, each in fields.items()}

    def _speaker(self, node: Node | None) -> str | Mapping[str, Any] | None:
        if node is not None and is_object(node.value):
            return dict(node.value)
        return self._text(node, None)

    def _server_messages(self, node: Node | None) -> list[str] | None:
        if node is None:
            return None
        if not isinstance(node.value, list):
            self._complain(node, "server_messages must be a list of types")
        types = [self._text(each, "") for each in node.items]
        for each, type_ in zip(node.items, types, strict=True):
            if type_ not in CHOOSABLE:
                self._unknown(each, "server_messages has no", type_, CHOOSABLE)
        return types

    def _environment(self, node: Node | None) -> Mapping[str, str]:
        self._plain_object(node)
        fields: Mapping[str, Node] = node.fields if node is not None else {}
        for name, each in fields.items():
            if not re.fullmatch(r"\w+", name) or "\0" in each.text:
                self._complain(each, f"environment: {name!r} must be NAME: text")
        return {name: self._text(each, "") for name, each in fields.items()}

    def _ending(self, node: Node | None) -> Ending:
        if node is None:
            return Ending()
        if not node.fields:
            return Ending(self._text(node, "customer-ended-call"), place=node.place)
        fields = self._object(node, _END, "end")
        expect = fields.get("expect")
        expected: Mapping[str, Node] = {}
        if expect is not None:
            expected = self._object(expect, _AT_THE_END, "expect")
        analysis = {
            "summary": self._text(fields.get("summary"), None),
            "successEvaluation": self._text(fields.get("success"), None),
            "structuredData": fields["data"].value if "data" in fields else None,
        }
        said = {name: value for name, value in analysis.items() if value is not None}
        summary = {"summary": said["summary"]} if "summary" in said else {}
        return Ending(
            reason=self._text(fields.get("reason"), "customer-ended-call"),
            report={"analysis": said, **summary} if said else {},
            expected=self._text(expected.get("ended"), None),
            heard=self._texts(expected.get("heard")),
            place=node.place,
        )

    # --- the steps ---

    def _step(self, node: Node) -> Step | None:
        names = [name for name in node.fields if name in self._steps]
        if len(names) == 1:
            return self._steps[names[0]](node)
        if len(names) > 1:
            self._complain(node, f"a step is one thing; this is {' and '.join(names)}")
        elif not node.fields:
            self._complain(node, f"a step is written like `- caller: …`; this is {_shown(node)}")
        else:
            name = next(iter(node.fields))
            self._unknown(node.fields[name], "there is no step", name, self._steps)
        return None

    def _caller(self, node: Node) -> Step:
        fields = self._object(node, ["caller"], "this step")
        return Says("caller", self._said(fields["caller"]), node.place)

    def _assistant(self, node: Node) -> Step:
        fields = self._object(node, ["assistant"], "this step")
        return Says("assistant", self._said(fields["assistant"]), node.place)

    def _said(self, node: Node) -> str:
        text = self._text(node, "")
        if not text.strip():
            self._complain(node, "there is nothing to say")
        return text

    def _tool_alone(self, node: Node) -> Step:
        return CallsTools([self._tool(node)], node.place)

    def _tools(self, node: Node) -> Step:
        fields = self._object(node, ["tools"], "this step")
        if not fields["tools"].items:
            self._complain(fields["tools"], "tools must be a list of `- tool: …`")
        return CallsTools([self._tool(each) for each in fields["tools"].items], node.place)

    def _tool(self, node: Node) -> PlannedCall:
        fields = self._object(node, _TOOL, "a tool call")
        if "tool" not in fields:
            self._complain(node, "tool is missing: the name of a tool")
        return PlannedCall(
            tool=self._text(fields.get("tool"), ""),
            arguments=self._plain_object(fields.get("arguments")),
            expected=self._expected(fields.get("expect"), _OF_A_TOOL),
            place=node.place,
        )

    def _asks(self, node: Node, name: str, type_: str) -> Step:
        fields = self._object(node, [name, "expect"], "this step")
        expected = self._expected(fields.get("expect"), _OF_AN_ANSWER)
        return Asks(type_, self._plain_object(fields[name]), expected, node.place)

    def _knowledge(self, node: Node) -> Step:
        fields = self._object(node, ["knowledge", "expect"], "this step")
        said = {"question": self._said(fields["knowledge"])}
        expected = self._expected(fields.get("expect"), _OF_AN_ANSWER)
        return Asks("knowledge-base-request", said, expected, node.place)

    def _handoff(self, node: Node) -> Step:
        inner = node.fields["handoff"]
        if isinstance(inner.value, str):
            self._object(node, ["handoff"], "a handoff to an assistant that is named")
            return HandsOver(inner.value, node.place)
        fields = self._object(node, ["handoff", "expect"], "this step")
        expected = self._expected(fields.get("expect"), _OF_AN_ANSWER)
        said = {"parameters": self._plain_object(inner)}
        return Asks("handoff-destination-request", said, expected, node.place)

    def _message(self, node: Node) -> Step:
        inner = self._object(node, ["message"], "this step")["message"]
        values = self._plain_object(inner)
        type_ = values.get("type")
        if not isinstance(type_, str) or not type_:
            self._complain(inner, "message must be an object with a type")
        elif type_ in ("tool-calls", "function-call"):
            self._complain(inner, f"{type_} is written as `- tool: …`")
        elif close := did_you_mean(type_, CLASSES) if type_ not in CLASSES else "":
            self._complain(inner, f"there is no message {type_!r}.{close}")
        fields = {name: value for name, value in values.items() if name != "type"}
        return Tells(str(type_), fields, node.place)

    def _wait(self, node: Node) -> Step:
        fields = self._object(node, ["wait"], "this step")
        return Waits(self._seconds(fields["wait"]) or 0.0, node.place)

    def _expected(self, node: Node | None, known: list[str]) -> Expected:
        if node is None:
            return Expected()
        if not node.fields and "result" in known:
            return Expected(result=node.value)
        fields = self._object(node, known, "expect")
        error = fields.get("error")
        if error is not None and "result" in fields:
            self._complain(error, "a tool has a result or an error; expect one of them")
        return Expected(
            result=fields["result"].value if "result" in fields else UNSET,
            error=None if error is None else self._text(error, ""),
            matches=self._pattern(fields.get("matches")),
            heard=self._texts(fields.get("heard")),
            within=self._seconds(fields.get("within")),
            answer=fields["answer"].value if "answer" in fields else UNSET,
        )

    # --- values ---

    def _object(self, node: Node, known: Iterable[str], what: str) -> Mapping[str, Node]:
        if not is_object(node.value):
            self._complain(node, f"{what} must be an object, not {_shown(node)}")
            return {}
        for name, inner in node.fields.items():
            if name not in known:
                self._unknown(inner, f"{what} has no", name, known)
        return {name: inner for name, inner in node.fields.items() if name in known}

    def _plain_object(self, node: Node | None) -> dict[str, Any]:
        if node is None or node.value is None:
            return {}
        if not is_object(node.value):
            self._complain(node, f"this must be an object, not {_shown(node)}")
            return {}
        return dict(node.value)

    def _text(self, node: Node | None, missing: T) -> str | T:
        if node is None or node.value is None:
            return missing
        if isinstance(node.value, (dict, list)):
            self._complain(node, f"this must be text, not {_shown(node)}")
            return missing
        # As it is written: 1.50 is not 1.5 when somebody says it.
        return node.text

    def _texts(self, node: Node | None) -> list[str]:
        if node is None:
            return []
        nodes = node.items if isinstance(node.value, list) else [node]
        return [self._text(each, "") for each in nodes]

    def _choice(self, node: Node | None, choices: tuple[T, ...], missing: T) -> T:
        if node is None:
            return missing
        for choice in choices:
            if choice == node.value:
                return choice
        self._complain(node, f"this must be one of {', '.join(map(str, choices))}")
        return missing

    def _seconds(self, node: Node | None) -> float | None:
        if node is None:
            return None
        value = node.value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= _MAX_SECONDS:
            self._complain(node, "this must be a number of seconds, such as 1.5")
            return None
        return float(value)

    def _pattern(self, node: Node | None) -> str | None:
        text = self._text(node, None)
        if node is not None and text is not None:
            try:
                re.compile(text)
            except (re.error, RecursionError) as error:
                self._complain(node, f"matches is no regular expression: {error}")
                return None
        return text

    def _unknown(self, node: Node, text: str, word: str, known: Iterable[str]) -> None:
        known = list(known)
        hint = did_you_mean(word, known) or f" It can be: {', '.join(sorted(known))}."
        self._complain(node, f"{text} {word!r}.{hint}")

    def _complain(self, node: Node | None, text: str) -> None:
        self.problems.append(f"{node.place}: {text}" if node is not None else text)


def _shown(node: Node) -> str:
    if node.value is None:
        return "nothing"
    if is_object(node.value):
        return "an object"
    if isinstance(node.value, bool):
        return "true or false"
    if isinstance(node.value, list):
        return "a list"
    return "text" if isinstance(node.value, str) else "a number"


def _similar_file(path: Path) -> str:
    try:
        files = [file.name for file in path.parent.iterdir() if file.suffix in SUFFIXES]
    except OSError:
        return ""
    hint = did_you_mean(path.name, files)
    return f".{hint}" if hint else ""
