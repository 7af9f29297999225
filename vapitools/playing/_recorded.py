"""Recorded webhook bodies → the calls that they belong to, as scripts that can be played again."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._shapes import as_list
from ..errors import MessageError, PlayError
from ..server_messages import CHOOSABLE
from . import _bodies
from ._bodies import Body, Ended
from ._cast import Cast, Definition
from ._live_call import CALLER, LINE, Kind
from ._script import ASK, CallsTools, Ending, Script, Step
from ._stage import Bot, cast_of
from ._story import Recording, Story, cut

_MAX_BYTES = 10 * 1024 * 1024
_MAX_FILES = 100_000
# As `vapitools serve --record` makes them: one for each call, whose ids are made up, and so are
# the same in several of them.
_RECORDED = re.compile(r"call-\d{1,9}", re.ASCII)
_ISO_DAY = re.compile(r'"\d{4}-\d{2}-\d{2}["T]', re.ASCII)
# Nobody has answered the call: what is heard then is in the answer to the request.
_NOT_BEGUN = "assistant-request-"
_NO_FIELDS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Recorded:
    """A call that was recorded.

    Attributes:
        script: What has happened in it.
        notes: The places in the script → what is said there as a comment, for `write_script`.
        bodies: How many messages it was made of.
    """

    script: Script
    notes: Mapping[str, str]
    bodies: int


@dataclass(frozen=True)
class Recordings:
    """What was found in a folder.

    Attributes:
        calls: Each call once, in the order of the files.
        unread: The files that hold no webhook body, by what they are.
    """

    calls: Sequence[Recorded]
    unread: Mapping[str, Sequence[Path]]

    @property
    def left_out(self) -> str:
        """What was left out and why, in one line; empty when nothing was."""
        return _summary(self.unread)


def scripts_from(folder: str | Path, bot: Bot | None = None) -> Recordings:
    """Make a script of each call whose webhook bodies lie in a folder.

    Args:
        folder: Where the bodies are, each in a file that ends in `.json`; or one such file.
        bot: What the scripts are for: what it does not have becomes a comment.

    Raises:
        PlayError: There is no such folder, or no body in it.
    """
    cast = cast_of(bot, "http://127.0.0.1") if bot is not None else None
    folder = Path(folder)
    gathered: dict[tuple[Path | None, str | None], Recording] = {}
    unread: dict[str, list[Path]] = defaultdict(list)
    for path in _files(folder):
        body, problem = _read(path)
        if body is None:
            unread[problem].append(path)
            continue
        own = path.parent if body.owner is None or _RECORDED.fullmatch(path.parent.name) else None
        recording = gathered.setdefault((own, body.owner), Recording())
        recording.add(body, path.parent)
    if not gathered:
        raise PlayError(f"{folder}: {_nothing(unread)}")
    return Recordings([_told(each, cast) for each in _joined(gathered)], unread)


# --- the files ----------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise PlayError(f"there is no folder {folder}")
    try:
        found = [path for path in folder.rglob("*.json") if path.is_file()]
    except OSError as error:
        raise PlayError(f"{folder}: {error.strerror}") from None
    if len(found) > _MAX_FILES:
        raise PlayError(f"{folder}: there are more than {_MAX_FILES} files; name a folder in it")
    return sorted(found, key=_counting)


def _counting(path: Path) -> list[tuple[int, str]]:
    """So that 10.json comes after 9.json."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(int(part[:18]) if part.isdecimal() else 0, part) for part in parts]


def _read(path: Path) -> tuple[Body | None, str]:
    """The body in a file, or why there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            return None, f"of more than {_MAX_BYTES // 1024 // 1024} MiB"
        return _bodies.read(content), "no message of Vapi's"
    except OSError:
        return None, "not to be read"
    except MessageError:
        return None, "no JSON"
    except RecursionError:
        return None, "nested too deeply"


def _nothing(unread: Mapping[str, Sequence[Path]]) -> str:
    if not unread:
        return "there is no .json file; vapitools serve --record DIR keeps webhook bodies in such"
    return f"no file in it is a webhook body: {_summary(unread)}"


def _summary(unread: Mapping[str, Sequence[Path]]) -> str:
    return "; ".join(_counted(why, paths) for why, paths in unread.items())


def _counted(why: str, paths: Sequence[Path]) -> str:
    names = [path.name for path in paths[:3]]
    rest = [f"{len(paths) - 3} more"] if len(paths) > 3 else []
    return f"{len(paths)} {why} ({', '.join([*names, *rest])})"


def _joined(gathered: Mapping[tuple[Path | None, str | None], Recording]) -> list[Recording]:
    """The calls. What names none belongs to the one call of its folder."""
    named = {key: recording for key, recording in gathered.items() if key[1] is not None}
    found = dict(gathered)
    for key, recording in gathered.items():
        if key[1] is None:
            here = [each for each in named.values() if each.folders & recording.folders]
            if len(here) == 1:
                here[0].join(found.pop(key))
    return list(found.values())


# --- one call -----------------------------------------------------------------------------


def _told(recording: Recording, cast: Cast | None) -> Recorded:
    recording.order()
    bodies = [body for body, _ in recording.bodies]
    ended = [body.ended for body in bodies if body.ended is not None]
    reason = next((each.reason for each in ended if each.reason), None)
    story = Story(recording, cast)
    if not (reason or "").startswith(_NOT_BEGUN):
        story.tell()
    is_asked = any(body.type == "assistant-request" for body in bodies)
    speaker = next((body.speaker for body in bodies if body.speaker), None)
    is_known = cast is not None and speaker in cast.assistants
    script = Script(
        name=_name(story.steps),
        steps=story.steps,
        kind=_kind(bodies),
        customer=next((body.customer for body in bodies if body.customer), {"number": CALLER}),
        number=next((body.number for body in bodies if body.number), LINE),
        assistant=ASK if is_asked else speaker if is_known else None,
        variables=_variables(bodies),
        server_messages=_server_messages(recording.assistants.get(speaker or "")),
        end=_ending(reason, ended),
    )
    answerer = None if is_asked or is_known else speaker
    head = _head(bodies, script, answerer, in_vain=cast is not None)
    last = [*story.pending, *([] if reason else ["How the call has ended was not recorded."])]
    notes = {"": "\n".join(head), **story.notes}
    if last:
        notes[script.end.place] = "\n".join(last)
    return Recorded(script, notes, len(bodies))


def _name(steps: Sequence[Step]) -> str:
    calls = [call for step in steps if isinstance(step, CallsTools) for call in step.calls]
    names = list(dict.fromkeys(call.tool for call in calls))
    return cut(f"A recorded call of {', '.join(names)}") if names else "A recorded call"


def _kind(bodies: Sequence[Body]) -> Kind:
    for body in bodies:
        if body.kind is not None:
            return body.kind
    return "inbound"


def _variables(bodies: Sequence[Body]) -> Mapping[str, Any]:
    """Those from the beginning. What the answer to the request adds comes again with it."""
    asking = [body for body in bodies if body.type == "assistant-request"]
    return next((body.variables for body in asking or bodies if body.variables), _NO_FIELDS)


def _server_messages(assistant: Definition | None) -> Sequence[str] | None:
    said = as_list((assistant or {}).get("serverMessages"))
    return [each for each in said if isinstance(each, str) and each in CHOOSABLE] or None


def _ending(reason: str | None, ended: Sequence[Ended]) -> Ending:
    analysis = max((each.analysis for each in ended), key=len, default=_NO_FIELDS)
    report: dict[str, Any] = {"analysis": analysis} if analysis else {}
    if "summary" in analysis:
        report["summary"] = analysis["summary"]
    return Ending(reason or Ending().reason, report, place="end")


def _head(
    bodies: Sequence[Body], script: Script, answerer: str | None, *, in_vain: bool
) -> Iterator[str]:
    """What stands above all."""
    count = f"{len(bodies)} webhook {'body' if len(bodies) == 1 else 'bodies'}"
    id_ = next((f" of {cut(body.id)}" for body in bodies if body.id), "")
    moment = bodies[0].moment
    when = f", {moment:%Y-%m-%d %H:%M} UTC" if moment is not None and moment.year > 1 else ""
    yield f"Made of {count}{id_}{when}."
    if script.tool_calls:
        yield "`answered` is what a tool call was answered then. Now each wants a result."
        yield "Where an error is right, say so below it: `expect: {error: some of its words}`."
    if _ISO_DAY.search(json.dumps([dict(call.arguments) for call in script.tool_calls])):
        yield "The days in it are those of then; `!day +1` writes tomorrow."
    if answerer is not None:
        missing = ", which the bot does not have" if in_vain else ""
        yield f"It was answered by the assistant {cut(answerer)!r}{missing}."
