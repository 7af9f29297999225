"""A function's signature, hints and docstring → what is known of each of its parameters."""

from __future__ import annotations

import copy
import datetime as dt
import inspect
import types
import typing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeGuard,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import PydanticUndefined, core_schema

from ._docstrings import Docstring
from .context import CallContext, Encrypted, Static
from .errors import DefinitionError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

EMPTY = inspect.Parameter.empty
USE_TYPES = "use str, int, date, list[…], Literal[…], a dataclass or a pydantic model"
UNKNOWN_NAME = (
    "the type {name!r} is not known there; import it at run time, not under TYPE_CHECKING"
)
_NO_STAR = "the model needs to know each value; write a list instead: {name}: list[str]"
_NO_STARS = (
    "the model needs to know each name; write out the parameters "
    "(a decorator that hides them needs functools.wraps)"
)

Filler = Callable[[], Any]


@dataclass(frozen=True)
class Parameter:
    """A parameter, read.

    Attributes:
        name: What the function calls it.
        type: Its type with the constraints, for the validator.
        alias: What the model calls it, where that is not its name.
        description: What the model is told of it.
        default: What it is when nothing comes, as far as that is known; else `EMPTY`.
        filler: Makes the value when none came, where the function's own default does not do.
    """

    name: str
    type: Any
    is_positional: bool
    is_context: bool = False
    alias: str | AliasPath | AliasChoices | None = None
    static: Static | None = None
    description: str | None = None
    default: Any = EMPTY
    filler: Filler | None = None

    @property
    def is_required(self) -> bool:
        """Whether something must come."""
        return self.default is EMPTY and self.filler is None


def read(
    function: Callable[..., Any],
    *,
    label: str,
    docstring: Docstring,
    local_names: Mapping[str, Any],
    skip_receiver: bool,
) -> tuple[list[Parameter], list[str]]:
    """Read what a function takes, and what is wrong with the rest of it.

    Args:
        function: Anything that can be called.
        label: What errors call it.
        docstring: Describes the parameters that nothing else describes.
        local_names: The names around the function's definition, for types that are local there.
        skip_receiver: The first parameter is `self` or `cls`.

    Raises:
        DefinitionError: Nothing can be read.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        raise DefinitionError(
            f"{label}: its parameters cannot be read; wrap it in a function that names them"
        ) from None
    names = _names_for(function, local_names)
    # What a partial has set is no longer the model's to choose.
    fixed = function.keywords if isinstance(function, partial) else {}
    parameters: list[Parameter] = []
    problems: list[str] = []
    # One at a time, so that a bad hint costs nothing else.
    for declared in list(signature.parameters.values())[skip_receiver:]:
        try:
            if declared.name not in fixed:
                parameters.append(_read(declared, names, docstring))
        except _ProblemError as problem:
            shown = str(declared).partition(":")[0].partition("=")[0].strip()
            problems.append(f"{label}: parameter {shown!r}: {problem}")
    return parameters, problems


class _ProblemError(Exception):
    """What is wrong with one parameter, and what to write instead."""


def _read(declared: inspect.Parameter, names: _Names, docstring: Docstring) -> Parameter:
    if declared.kind is inspect.Parameter.VAR_POSITIONAL:
        raise _ProblemError(_NO_STAR.format(name=declared.name))
    if declared.kind is inspect.Parameter.VAR_KEYWORD:
        raise _ProblemError(_NO_STARS)
    hint = _hint(declared.annotation, names)
    is_positional = declared.kind is inspect.Parameter.POSITIONAL_ONLY
    if _is_context(hint):
        return Parameter(declared.name, hint, is_positional, is_context=True)
    type_, metadata = _split(hint)
    if Static in metadata:
        raise _ProblemError("write Static(…) with the value, not Static alone")
    static = next((item for item in metadata if isinstance(item, Static)), None)
    if static is not None and any(map(_is_encrypted, metadata)):
        raise _ProblemError("Vapi fills in what is Static and does not encrypt it; drop Encrypted")
    fields = [item for item in (*metadata, declared.default) if _is_field(item)]
    default, filler = _default(declared.default, fields, hint)
    if is_positional and filler is None and default is not EMPTY:
        # A later one may be given, so this one must be given too.
        filler = partial(_same, default)
    return Parameter(
        name=declared.name,
        type=_constrained(type_, (*_discriminators(fields), *_constraints(metadata, fields))),
        is_positional=is_positional,
        alias=_last(fields, "validation_alias"),
        static=static,
        description=_description(metadata, fields) or docstring.parameters.get(declared.name),
        default=default,
        filler=filler,
    )


# --- the hint -----------------------------------------------------------------------------

_Names = tuple[dict[str, Any], dict[str, Any]]


def _hint(annotation: Any, names: _Names) -> Any:
    if annotation is EMPTY:
        return str
    holder = types.SimpleNamespace(__annotations__={"hint": annotation})
    try:
        return typing.get_type_hints(holder, *names, include_extras=True)["hint"]
    except NameError as error:
        raise _ProblemError(UNKNOWN_NAME.format(name=error.name)) from None
    # An annotation is any expression, so evaluating it can raise anything.
    except (TypeError, SyntaxError, AttributeError, ValueError, LookupError):
        raise _ProblemError(f"{annotation!r} is no type; {USE_TYPES}") from None


def _names_for(function: Callable[..., Any], local_names: Mapping[str, Any]) -> _Names:
    """The global and the local names that the hints may use."""
    plain = _plain(function)
    closure = getattr(plain, "__closure__", None) or ()
    free = plain.__code__.co_freevars if closure else ()
    enclosed = {
        name: cell.cell_contents for name, cell in zip(free, closure, strict=True) if _is_set(cell)
    }
    type_parameters = {p.__name__: p for p in getattr(plain, "__type_params__", ())}
    return getattr(plain, "__globals__", {}), {**local_names, **enclosed, **type_parameters}


def _plain(function: Any) -> Any:
    """The function that holds the names, below partials, wrappers, methods and callable objects."""
    while isinstance(function, partial):
        function = cast("Any", function.func)
    function = inspect.unwrap(function)
    if not inspect.isroutine(function):
        function = type(function).__call__
    return getattr(function, "__func__", function)


def _is_set(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        return hint.__origin__, hint.__metadata__
    return hint, ()


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _is_context(hint: Any) -> bool:
    hint, _ = _split(hint)
    if _is_union(hint):
        members = [member for member in get_args(hint) if member is not types.NoneType]
        return bool(members) and all(map(_is_context, members))
    return isinstance(hint, type) and issubclass(hint, CallContext)


def _is_encrypted(item: Any) -> bool:
    return item is Encrypted or isinstance(item, Encrypted)


def _is_nullable(hint: Any) -> bool:
    hint, _ = _split(hint)
    # A named alias or a `NewType` hides what it stands for.
    hidden = getattr(hint, "__value__", None) or getattr(hint, "__supertype__", None)
    if hidden is not None:
        return _is_nullable(hidden)
    if _is_union(hint):
        return any(map(_is_nullable, get_args(hint)))
    if get_origin(hint) is Literal:
        return None in get_args(hint)
    return hint is None or hint is types.NoneType


class _FromText:
    """A moment is written with `-` or `:`.

    pydantic also takes a number, for the seconds since 1970: then `18` is no time in the evening.
    """

    _SHAPE = core_schema.str_schema(pattern="^[0-9]+[-:]")

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.chain_schema([self._SHAPE, handler(source)])

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        chain = cast("core_schema.ChainSchema", schema)
        return handler(chain["steps"][-1])


_FROM_TEXT = _FromText()
_MOMENTS = (dt.date, dt.time, dt.datetime)


# --- the rest of what is said -------------------------------------------------------------


def _constrained(type_: Any, constraints: tuple[Any, ...]) -> Any:
    if type_ in _MOMENTS:
        constraints = (*constraints, _FROM_TEXT)
    if _is_union(type_):
        members = tuple(_constrained(member, ()) for member in get_args(type_))
        type_ = Union[members]  # noqa: UP007 - made of values
    annotated = (type_, *constraints)
    return Annotated[annotated] if constraints else type_


def _is_field(value: object) -> TypeGuard[FieldInfo]:
    # pydantic, too, loads it with the first validator only: a tenth of what importing takes.
    from pydantic.fields import FieldInfo

    return isinstance(value, FieldInfo)


def _constraints(metadata: Iterable[Any], fields: list[FieldInfo]) -> Iterator[Any]:
    for item in metadata:
        is_ours = isinstance(item, (str, Static)) or _is_field(item)
        if not is_ours and not hasattr(item, "documentation"):
            yield item
    for field in fields:
        yield from field.metadata


def _discriminators(fields: list[FieldInfo]) -> Iterator[FieldInfo]:
    """What tells the variants of a union apart: it is for the union alone, so it comes first."""
    if (discriminator := _last(fields, "discriminator")) is not None:
        from pydantic import Field

        yield Field(discriminator=discriminator)


def _last(fields: list[FieldInfo], attribute: str) -> Any:
    """What the last field that says it says."""
    said = (getattr(field, attribute) for field in reversed(fields))
    return next((value for value in said if value is not None), None)


def _description(metadata: Iterable[Any], fields: list[FieldInfo]) -> str | None:
    """What stands nearest to the parameter: a `Field`, a text, a `Doc` or the like of it."""
    texts = [item for item in metadata if isinstance(item, str)]
    docs = [getattr(item, "documentation", None) for item in metadata]
    said = [*docs, *texts, *(field.description for field in fields)]
    return next((text for text in reversed(said) if text and isinstance(text, str)), None)


def field_texts(cls: Any) -> dict[str, str]:
    """Field → text, where a class says `Annotated[…, "text"]` of its fields."""
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    # Types that are local to a function, which pydantic knows how to find.
    except (NameError, TypeError):
        return {}
    texts = {name: _description(_split(hint)[1], []) for name, hint in hints.items()}
    return {name: text for name, text in texts.items() if text}


def _default(declared: Any, fields: list[FieldInfo], hint: Any) -> tuple[Any, Filler | None]:
    """The default, and how to make it where the function's own does not do."""
    if declared is not EMPTY and not _is_field(declared):
        # A fresh one each time, or one call would see what another has added.
        return declared, partial(copy.deepcopy, declared) if _is_mutable(declared) else None
    for field in reversed(fields):
        if field.default_factory is not None:
            return EMPTY, _factory(field)
        if field.default is not PydanticUndefined and field.default is not ...:
            return field.default, partial(copy.deepcopy, field.default)
    return (None, partial(_same, None)) if _is_nullable(hint) else (EMPTY, None)


def _factory(field: FieldInfo) -> Filler:
    if field.default_factory_takes_validated_data:
        raise _ProblemError("its default_factory takes a value; write one that takes none")
    return cast("Filler", field.default_factory)


def _is_mutable(default: Any) -> bool:
    if isinstance(default, type):
        return False
    return isinstance(default, (list, dict, set, bytearray, deque, BaseModel)) or is_dataclass(
        default
    )


def _same(value: Any) -> Any:
    return value


def type_name(type_: Any) -> str:
    """A type as it is written, for errors."""
    type_, _ = _split(type_)
    # On Python 3.10 `list[int]` is a type, too.
    is_class = isinstance(type_, type) and get_origin(type_) is None
    return str(type_.__qualname__ if is_class else type_)
