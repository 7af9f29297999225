"""What `apply` would do, and why it would not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ._comparison import Change, Fields
from ._declaration import Declaration
from ._marks import Mark
from ._remote import Stored

Kind = Literal["tool", "assistant", "squad"]
Action = Literal["create", "update", "adopt", "unchanged", "drifted", "detach", "delete", "leave"]
WRITES = frozenset({"create", "update", "adopt", "detach", "delete"})


@dataclass(frozen=True)
class Work:
    """What a step has to write.

    Attributes:
        fields: What is declared, by path.
        written: Which of them differ.
        mark: The mark that is to be there.
    """

    fields: Fields = field(repr=False)
    written: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True)
class Step:
    """What would be done with one tool, assistant or squad.

    Attributes:
        kind: What it is.
        name: Its name.
        action: `create`, `update`, `adopt` (take over what was made elsewhere), `unchanged`,
            `drifted` (somebody has changed it since the last apply, and it stays so), `detach`
            (take a tool that is deleted from an assistant of others), `delete`, `leave` (ours,
            but no longer declared).
        id: Its id at Vapi; None when it is yet to be made.
        changes: Value by value, with secrets masked.
        notes: What else is to be known.
        stored: As it was when the plan was made.
        work: What has to be written.
    """

    kind: Kind
    name: str
    action: Action
    id: str | None = None
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    stored: Stored | None = field(default=None, repr=False)
    work: Work | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            "id": self.id,
            "changes": [change.to_json() for change in self.changes],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Plan:
    """What `apply` would do.

    Attributes:
        declaration: What is to be at Vapi.
        steps: In the order in which they are done.
        problems: Why `apply` does nothing, each with what to do about it.
        warnings: What will not work as it stands, though it can be applied.
    """

    declaration: Declaration
    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that change something at Vapi."""
        return tuple(step for step in self.steps if step.action in WRITES)

    def of(self, kind: Kind) -> tuple[Step, ...]:
        """The steps for one kind of resource."""
        return tuple(step for step in self.steps if step.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON, without secrets."""
        return {
            "url": self.declaration.url,
            "env": self.declaration.env,
            "steps": [step.to_json() for step in self.steps],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
        }
