"""A function's signature → one pydantic validator, which describes its arguments and binds them."""

from __future__ import annotations

import copy
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Union, get_args, get_origin

import typing_extensions
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, to_jsonable_python

from . import _coercion, _wording, messages
from ._docstrings import Docstring
from .context import CallContext, Static
from .errors import ArgumentError, DefinitionError

_EMPTY = inspect.Parameter.empty

# Only a text that holds one of these can hold a blank value: `null`, `""` or `{{…}}`.
_MAYBE_BLANK = re.compile(rb'null|""|\{\{')

# More would make an error that is longer than it is helpful.
_MAX_ERRORS = 8


class Parameters:
    """What a function takes: described to the model, and bound from what the model sends.

    Attributes:
        schema: pydantic's JSON Schema of what the model may set, with `$defs`, not yet lowered.
        static: Name → value of what Vapi fills in.
    """

    def __init__(
        self, parameters: Sequence[_Parameter], label: str, names: Mapping[str, Any]
    ) -> None:
        arguments = [parameter for parameter in parameters if not parameter.is_context]
        self.static = {p.name: p.static.value for p in arguments if p.static is not None}
        adapter, schema = _build(arguments, label, names)
        self._validator = adapter.validator
        self._schema = schema
        self._definitions: dict[str, Any] = schema.get("$defs", {})
        self._context_names = [p.name for p in parameters if p.is_context]
        self._fillers = {p.name: p.filler for p in arguments if p.filler is not None}
        self._positional = [(p.name, p.filler) for p in parameters if p.is_positional]
        self.schema = _visible(schema, self.static)

    def bind(self, arguments: bytes, call: CallContext) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for the function.

        Args:
            arguments: JSON text, as it came.
            call: Given to the function where it asks for a `CallContext`.

        Raises:
            ArgumentError: Names each field, what came and what is wanted.
        """
        values = self._validate(arguments)
        for name, filler in self._fillers.items():
            if name not in values:
                values[name] = filler()
        for name in self._context_names:
            values[name] = call
        if not self._positional:
            return [], values
        return [values.pop(name) for name, _ in self._positional], values

    def _validate(self, arguments: bytes) -> dict[str, Any]:
        if not _MAYBE_BLANK.search(arguments):
            try:
                return self._validator.validate_json(arguments)  # type: ignore[no-any-return]
            except ValidationError:
                pass
        return self._validate_leniently(arguments)

    def _validate_leniently(self, arguments: bytes) -> dict[str, Any]:
        given = messages.decode_object(arguments)
        if given is None:
            raise ArgumentError("arguments: wanted a JSON object, got something else")
        given = _coercion.without_blanks(given, self._schema, self._definitions)
        try:
            return self._validator.validate_json(messages.dump(given))  # type: ignore[no-any-return]
        except ValidationError:
            pass
        mended = _coercion.mend(given, self._schema, self._definitions)
        try:
            return self._validator.validate_json(messages.dump(mended))  # type: ignore[no-any-return]
        except ValidationError as error:
            # From None: the text of the validator's own error holds the arguments.
            raise ArgumentError(self._explain(error, mended)) from None

    def _explain(self, error: ValidationError, given: Any) -> str:
        found: dict[str, str] = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            path, schema, value = self._locate(detail["loc"], given)
            if detail["type"] == "missing":
                path, schema = [*path, detail["loc"][-1]], _child(schema, detail["loc"][-1])
                got = "nothing"
            else:
                got = _wording.kind_of(value)
            wanted = _wording.wanted(schema, self._definitions)
            found.setdefault(_dotted(path), f"wanted {wanted}, got {got}")
        shown = [f"{path}: {text}" for path, text in list(found.items())[:_MAX_ERRORS]]
        left_out = len(found) - len(shown)
        return "; ".join([*shown, f"and {left_out} more"] if left_out else shown)

    def _locate(self, loc: Iterable[int | str], value: Any) -> tuple[list[int | str], Any, Any]:
        """Follow a pydantic location as far as it is one of the value, past names of types."""
        path: list[int | str] = []
        schema: Any = self._schema
        for part in loc:
            within = isinstance(value, dict) and part in value
            if not within and not (isinstance(value, list) and isinstance(part, int)):
                continue
            value = value[part]
            schema = _child(_resolved(schema, self._definitions, part), part)
            path.append(part)
        return path, _wording.resolve(schema, self._definitions), value


def read(
    function: Callable[..., Any],
    *,
    label: str,
    docstring: Docstring,
    local_names: Mapping[str, Any],
    skip_receiver: bool,
) -> Parameters:
    """Read what a function takes.

    Args:
        function: Anything that can be called.
        label: What errors call it.
        docstring: Describes the parameters that nothing else describes.
        local_names: The names around the function's definition, for types that are local there.
        skip_receiver: The first parameter is `self` or `cls`.

    Raises:
        DefinitionError: All problems of all parameters.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        raise DefinitionError(
            f"{label}: its parameters cannot be read; wrap it in a function that names them"
        ) from None
    reader = _Reader(function, label, docstring, local_names)
    declared = list(signature.parameters.values())[skip_receiver:]
    # What a partial has set is no longer the model's to choose.
    fixed = function.keywords if isinstance(function, partial) else {}
    parameters = [reader.read(parameter) for parameter in declared if parameter.name not in fixed]
    if reader.problems:
        raise DefinitionError(reader.problems)
    return Parameters([p for p in parameters if p is not None], label, local_names)


# --- one parameter ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Parameter:
    """A parameter, read.

    `filler` makes the value when none came, where the function's own default does not do.
    """

    name: str
    key: str
    type: Any
    is_required: bool
    is_positional: bool
    is_context: bool = False
    static: Static | None = None
    default: Any = _EMPTY
    filler: Callable[[], Any] | None = None


class _Reader:
    """Reads one parameter after the other, so that a bad one costs nothing else."""

    def __init__(
        self,
        function: Callable[..., Any],
        label: str,
        docstring: Docstring,
        local_names: Mapping[str, Any],
    ) -> None:
        self._label = label
        self._docstring = docstring
        self._globals, self._locals = _names_for(function, local_names)
        self.problems: list[str] = []

    def read(self, parameter: inspect.Parameter) -> _Parameter | None:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return self._problem(f"*{parameter.name}", _NO_STAR.format(name=parameter.name))
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            return self._problem(f"**{parameter.name}", _NO_STARS)
        hint = self._hint(parameter)
        if hint is _EMPTY:
            return None
        positional = parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        if _is_context(hint):
            return _Parameter(
                parameter.name, parameter.name, hint, False, positional, is_context=True
            )
        return self._argument(parameter, hint, positional)

    def _argument(
        self, parameter: inspect.Parameter, hint: Any, positional: bool
    ) -> _Parameter | None:
        type_, metadata = _split(hint)
        if Static in metadata:
            return self._problem(parameter.name, "write Static(…) with the value, not Static alone")
        field_infos = [
            item for item in (*metadata, parameter.default) if isinstance(item, FieldInfo)
        ]
        key = next(filter(None, map(_alias, reversed(field_infos))), parameter.name)
        default, filler = _default(parameter.default, field_infos)
        nullable = _is_nullable(hint)
        if nullable and default is _EMPTY and filler is None:
            default, filler = None, _none
        if positional and filler is None and default is not _EMPTY:
            filler = partial(_same, default)
        described = _description(metadata, field_infos) or self._docstring.parameters.get(
            parameter.name
        )
        return _Parameter(
            name=parameter.name,
            key=key,
            type=Annotated[
                (type_, *_constraints(metadata, field_infos), _field(field_infos, described))
            ],
            is_required=default is _EMPTY and filler is None,
            is_positional=positional,
            static=next((item for item in metadata if isinstance(item, Static)), None),
            default=default,
            filler=filler,
        )

    def _hint(self, parameter: inspect.Parameter) -> Any:
        if parameter.annotation is _EMPTY:
            return str
        holder = types.SimpleNamespace(__annotations__={"hint": parameter.annotation})
        try:
            hints = typing.get_type_hints(holder, self._globals, self._locals, include_extras=True)
        except NameError as error:
            self._problem(parameter.name, _UNKNOWN_NAME.format(name=error.name))
            return _EMPTY
        # An annotation is any expression, so evaluating it can raise anything.
        except (TypeError, SyntaxError, AttributeError, ValueError, LookupError):
            self._problem(parameter.name, f"{parameter.annotation!r} is no type; {_USE_TYPES}")
            return _EMPTY
        return hints["hint"]

    def _problem(self, name: str, text: str) -> None:
        self.problems.append(f"{self._label}: parameter {name!r}: {text}")


_NO_STAR = "the model needs to know each value; write a list instead: {name}: list[str]"
_NO_STARS = (
    "the model needs to know each name; write out the parameters "
    "(a decorator that hides them needs functools.wraps)"
)
_UNKNOWN_NAME = (
    "the type {name!r} is not known there; import it at run time, not under TYPE_CHECKING"
)
_USE_TYPES = "use str, int, date, list[…], Literal[…], a dataclass or a pydantic model"


def _names_for(
    function: Callable[..., Any], local_names: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    plain: Any = function
    while isinstance(plain, partial):
        plain = plain.func
    plain = inspect.unwrap(plain)
    if not hasattr(plain, "__globals__") and not inspect.ismethod(plain):
        plain = getattr(type(plain), "__call__", plain)  # noqa: B004 - the function is wanted
    plain = getattr(plain, "__func__", plain)
    closure = getattr(plain, "__closure__", None) or ()
    free = plain.__code__.co_freevars if closure else ()
    enclosed = {
        name: cell.cell_contents for name, cell in zip(free, closure, strict=True) if _is_set(cell)
    }
    type_parameters = {p.__name__: p for p in getattr(plain, "__type_params__", ())}
    return getattr(plain, "__globals__", {}), {**local_names, **enclosed, **type_parameters}


def _is_set(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        return hint.__origin__, hint.__metadata__
    return hint, ()


def _is_context(hint: Any) -> bool:
    hint, _ = _split(hint)
    if _is_union(hint):
        members = [member for member in get_args(hint) if member is not type(None)]
        return bool(members) and all(map(_is_context, members))
    return isinstance(hint, type) and issubclass(hint, CallContext)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _is_nullable(hint: Any) -> bool:
    hint, _ = _split(hint)
    # A named alias or a `NewType` hides what it stands for.
    hidden = getattr(hint, "__value__", None) or getattr(hint, "__supertype__", None)
    if hidden is not None:
        return _is_nullable(hidden)
    if _is_union(hint):
        return any(map(_is_nullable, get_args(hint)))
    return hint is None or hint is type(None)


def _alias(field_info: FieldInfo) -> str | None:
    alias = field_info.validation_alias or field_info.alias
    return alias if isinstance(alias, str) else None


def _default(declared: Any, field_infos: list[FieldInfo]) -> tuple[Any, Callable[[], Any] | None]:
    """The default for the description, and how to make it where the function's own does not do."""
    for field_info in reversed(field_infos):
        if field_info.default_factory is not None:
            return _EMPTY, typing.cast("Callable[[], Any]", field_info.default_factory)
        if field_info.default is not PydanticUndefined and field_info.default is not ...:
            # A `Field(…)` must never reach the function.
            return field_info.default, partial(copy.deepcopy, field_info.default)
    if isinstance(declared, FieldInfo) or declared is _EMPTY:
        return _EMPTY, None
    if isinstance(declared, (list, dict, set, bytearray)):
        # A fresh one each time, or one call would see what another has added.
        return declared, partial(copy.deepcopy, declared)
    return declared, None


def _none() -> None:
    return None


def _same(value: Any) -> Any:
    return value


def _description(metadata: Iterable[Any], field_infos: list[FieldInfo]) -> str | None:
    texts = [item for item in metadata if isinstance(item, str)]
    # `typing_extensions.Doc`, and the like of it.
    docs = [
        doc for item in metadata if isinstance(doc := getattr(item, "documentation", None), str)
    ]
    fields = [field_info.description for field_info in field_infos if field_info.description]
    return next(iter([*fields[::-1], *texts[::-1], *docs[::-1]]), None)


def _constraints(metadata: Iterable[Any], field_infos: list[FieldInfo]) -> Iterator[Any]:
    for item in metadata:
        if not isinstance(item, (str, FieldInfo, Static)) and not hasattr(item, "documentation"):
            yield item
    for field_info in field_infos:
        yield from field_info.metadata


def _field(field_infos: list[FieldInfo], description: str | None) -> Any:
    """All that is said of the field, but for its default, which pydantic must not see."""
    merged: dict[str, Any] = {"description": description}
    for field_info in field_infos:
        for name in ("alias", "validation_alias", "discriminator"):
            if (value := getattr(field_info, name)) is not None:
                merged[name] = value
    return Field(**merged)


# --- the validator ------------------------------------------------------------------------


class _Generator(GenerateJsonSchema):
    """pydantic's own JSON Schema, but for types that models do better with otherwise."""

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        return self.float_schema({**schema, "type": "float"})

    # A `NamedTuple`: names beat positions for a model, and pydantic takes both.
    def named_tuple_schema(self, schema: Any) -> JsonSchemaValue:
        array = super().named_tuple_schema(schema)
        aliases = [(field.get("validation_alias"), field["name"]) for field in schema["fields"]]
        names = [alias if isinstance(alias, str) else name for alias, name in aliases]
        properties = dict(zip(names, array.get("prefixItems", ()), strict=True))
        return {
            "type": "object",
            "properties": properties,
            "required": names[: array.get("minItems", 0)],
        }

    # The same, before pydantic 2.14.
    def arguments_schema(self, schema: Any) -> JsonSchemaValue:
        return self.kw_arguments_schema(schema["arguments_schema"], schema.get("var_kwargs_schema"))

    def emit_warning(self, kind: Any, detail: str) -> None:
        """A default that JSON cannot say is simply not said."""


def _build(
    parameters: list[_Parameter], label: str, names: Mapping[str, Any]
) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    try:
        adapter, schema = _adapt(parameters, names)
    except _NOT_DESCRIBABLE as error:
        problems = list(_problems(parameters, label, names))
        raise DefinitionError(problems or f"{label}: {_first_line(error)}") from None
    for parameter in parameters:
        if parameter.default not in _UNSAID and parameter.key in schema["properties"]:
            with_default = {
                **schema["properties"][parameter.key],
                "default": _jsonable(parameter.default),
            }
            schema["properties"][parameter.key] = with_default
    return adapter, schema


# `NameError`, `TypeError` and the rest come from types that cannot be resolved or built.
_NOT_DESCRIBABLE = (
    PydanticUserError,
    NameError,
    TypeError,
    ValueError,
    RecursionError,
    AttributeError,
)


class _Unsaid:
    """Defaults that are not told to the model. Compared by identity: `==` may be anything."""

    def __contains__(self, default: object) -> bool:
        return default is _EMPTY or default is None


_UNSAID = _Unsaid()


def _adapt(
    parameters: list[_Parameter], names: Mapping[str, Any]
) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    # A TypedDict takes any name for a parameter; a model breaks on `schema`, `copy` or `_x`.
    fields = {
        parameter.name: parameter.type
        if parameter.is_required
        else typing_extensions.NotRequired[parameter.type]
        for parameter in parameters
    }
    arguments: Any = typing_extensions.TypedDict("Arguments", fields)  # type: ignore[operator]
    arguments.__pydantic_config__ = ConfigDict(coerce_numbers_to_str=True, defer_build=bool(names))
    adapter: TypeAdapter[Any] = TypeAdapter(arguments)
    if names:
        # A dataclass that is local to a function may name another such in a string.
        adapter.rebuild(force=True, _types_namespace=dict(names))
    return adapter, adapter.json_schema(schema_generator=_Generator)


def _problems(parameters: list[_Parameter], label: str, names: Mapping[str, Any]) -> Iterator[str]:
    """Which of the parameters cannot be described."""
    for parameter in parameters:
        try:
            _adapt([parameter], names)
        except _NOT_DESCRIBABLE:
            type_, _ = _split(parameter.type)
            name = getattr(type_, "__name__", None) or str(type_)
            yield f"{label}: parameter {parameter.name!r}: {name} cannot be sent as JSON; {_USE_TYPES}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _jsonable(default: Any) -> Any:
    try:
        return to_jsonable_python(default)
    except (ValueError, TypeError, RecursionError):
        return None


def _visible(schema: dict[str, Any], hidden: Mapping[str, Any]) -> dict[str, Any]:
    properties = {k: v for k, v in schema.get("properties", {}).items() if k not in hidden}
    required = [name for name in schema.get("required", ()) if name not in hidden]
    return {**schema, "properties": properties, "required": required}


# --- finding one's way in a schema --------------------------------------------------------


def _resolved(schema: Any, definitions: dict[str, Any], part: int | str) -> Any:
    """The schema, of a union the first branch that has such a part."""
    schema = _wording.resolve(schema, definitions)
    for option in _wording.branches(schema):
        resolved = _resolved(option, definitions, part)
        if _child(resolved, part):
            return resolved
    return schema


def _child(schema: Any, part: int | str) -> Any:
    if isinstance(part, int):
        firsts = schema.get("prefixItems", ())
        return firsts[part] if part < len(firsts) else schema.get("items", {})
    return schema.get("properties", {}).get(part, {})


def _dotted(path: Iterable[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "arguments"
