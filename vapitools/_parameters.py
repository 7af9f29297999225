"""What a function takes → one pydantic validator, which describes its arguments and binds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, cast

from pydantic import (
    AliasChoices,
    AliasPath,
    ConfigDict,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from . import _coercion, _encrypted_paths, _explanation, _signature, messages
from ._docstrings import Docstring
from ._signature import EMPTY, Parameter
from .context import CallContext
from .errors import ArgumentError, DefinitionError


def read(
    function: Callable[..., Any],
    *,
    label: str,
    docstring: Docstring,
    local_names: Mapping[str, Any],
    skip_receiver: bool,
) -> Parameters:
    """Read what a function takes; see `_signature.read`.

    Raises:
        DefinitionError: All problems of all parameters.
    """
    parameters, problems = _signature.read(
        function,
        label=label,
        docstring=docstring,
        local_names=local_names,
        skip_receiver=skip_receiver,
    )
    if problems:
        arguments = [parameter for parameter in parameters if not parameter.is_context]
        raise DefinitionError([*problems, *_problems(arguments, label, local_names)])
    return Parameters(parameters, label, local_names)


class Parameters:
    """What a function takes: described to the model, and bound from what the model sends.

    Attributes:
        schema: pydantic's JSON Schema of what the model may set, with `$defs`, not yet lowered.
        static: Name → value of what Vapi fills in.
    """

    def __init__(
        self, parameters: Sequence[Parameter], label: str, names: Mapping[str, Any]
    ) -> None:
        arguments = [parameter for parameter in parameters if not parameter.is_context]
        adapter, self._schema = _build(arguments, label, names)
        self._validate_json: Callable[[bytes], dict[str, Any]] = adapter.validator.validate_json
        self._context_names = [p.name for p in parameters if p.is_context]
        self._fillers = {p.name: p.filler for p in arguments if p.filler is not None}
        self._positional = [p.name for p in parameters if p.is_positional]
        # What the model calls a parameter is its alias, if it has one.
        keys = zip(self._schema.get("properties", ()), arguments, strict=True)
        self.static = {key: p.static.value for key, p in keys if p.static is not None}
        self.schema = _without(self._schema, self.static)

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
        # A function seldom has a parameter that takes no name.
        positional = [values.pop(name) for name in self._positional] if self._positional else []
        return positional, values

    def _validate(self, arguments: bytes) -> dict[str, Any]:
        # Only a text that holds one of these can hold a blank value.
        if b"null" not in arguments and b'""' not in arguments and b"{{" not in arguments:
            try:
                return self._validate_json(arguments)
            except ValidationError:
                pass
        try:
            return self._validate_leniently(arguments)
        except RecursionError:
            raise ArgumentError("arguments: nested too deeply") from None

    def _validate_leniently(self, arguments: bytes) -> dict[str, Any]:
        given = messages.decode_object(arguments)
        if given is None:
            raise ArgumentError("arguments: wanted a JSON object, got something else")
        definitions = self._schema.get("$defs", {})
        for name in self.static:
            # What Vapi had no value for must not pass for one: all such callers would be one.
            if _coercion.is_unfilled(given.get(name)):
                del given[name]
        given = _coercion.without_blanks(given, self._schema, definitions)
        try:
            return self._validate_json(messages.dump(given))
        except ValidationError:
            pass
        given = _coercion.mend(given, self._schema, definitions)
        try:
            return self._validate_json(messages.dump(given))
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            text = _explanation.explain(details, given, self._schema, definitions)
            # From None: the text of the validator's own error holds the arguments.
            raise ArgumentError(text) from None


# --- the validator ------------------------------------------------------------------------

# `NameError`, `TypeError` and the rest come from types that cannot be resolved or built.
_NOT_DESCRIBABLE = (
    PydanticUserError,
    NameError,
    TypeError,
    ValueError,
    RecursionError,
    AttributeError,
)


def _build(
    parameters: list[Parameter], label: str, names: Mapping[str, Any]
) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    try:
        adapter = _adapt(parameters, names)
        schema = adapter.json_schema(schema_generator=_Generator)
    except _NOT_DESCRIBABLE as error:
        problems = list(_problems(parameters, label, names))
        raise DefinitionError(problems or f"{label}: {error}") from None
    properties = schema.get("properties", {})
    if len(properties) < len(parameters):
        raise DefinitionError(f"{label}: two parameters have the same alias; give each its own")
    for (key, described), parameter in zip([*properties.items()], parameters, strict=True):
        properties[key] = {**described, **_said(parameter)}
    return adapter, schema


class _Arguments:
    """Describes the arguments to pydantic: an object with these fields.

    No `TypedDict`, for a class of its own for each function doubles what pydantic has to do; and
    no model, for it breaks on a parameter named `schema`, `copy` or `_x`.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = parameters

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        fields = {parameter.name: _field(parameter, handler) for parameter in self._parameters}
        return core_schema.typed_dict_schema(fields, config={"allow_inf_nan": False})


_ALIASES = (AliasPath, AliasChoices)


def _field(parameter: Parameter, handler: GetCoreSchemaHandler) -> core_schema.TypedDictField:
    alias = parameter.alias
    return core_schema.typed_dict_field(
        handler.generate_schema(parameter.type),
        required=parameter.is_required,
        validation_alias=alias.convert_to_aliases() if isinstance(alias, _ALIASES) else alias,
    )


def _adapt(parameters: Sequence[Parameter], names: Mapping[str, Any]) -> TypeAdapter[Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(
        Annotated[Any, _Arguments(parameters)],
        # For the dataclasses and the like inside: the arguments themselves do not look here.
        config=ConfigDict(allow_inf_nan=False, defer_build=bool(names)),
    )
    if names:
        # A dataclass that is local to a function may name another such in a string.
        adapter.rebuild(force=True, _types_namespace=dict(names))
    return adapter


def _problems(parameters: list[Parameter], label: str, names: Mapping[str, Any]) -> Iterator[str]:
    """Which of the parameters cannot be described."""
    for parameter in parameters:
        try:
            _adapt([parameter], names).json_schema(schema_generator=_Generator)
        except (PydanticUndefinedAnnotation, NameError) as error:
            problem = _signature.UNKNOWN_NAME.format(name=error.name)
            yield f"{label}: parameter {parameter.name!r}: {problem}"
        except _NOT_DESCRIBABLE:
            yield (
                f"{label}: parameter {parameter.name!r}: {_signature.type_name(parameter.type)} "
                f"cannot be sent as JSON; {_signature.USE_TYPES}"
            )


def _said(parameter: Parameter) -> dict[str, Any]:
    """What pydantic was not told, because it has no need to know."""
    said = {"description": parameter.description, "default": _jsonable(parameter.default)}
    return {key: value for key, value in said.items() if value is not None}


def _jsonable(default: Any) -> Any:
    if default is EMPTY:
        return None
    try:
        return to_jsonable_python(default)
    except (ValueError, TypeError, RecursionError):
        return None


def _without(schema: dict[str, Any], hidden: Mapping[str, Any]) -> dict[str, Any]:
    properties = {k: v for k, v in schema.get("properties", {}).items() if k not in hidden}
    required = [name for name in schema.get("required", ()) if name not in hidden]
    return {**schema, "properties": properties, "required": required}


class _Generator(GenerateJsonSchema):
    """pydantic's own JSON Schema, but for types that models do better with otherwise."""

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        return self.float_schema(cast("core_schema.FloatSchema", {**schema, "type": "float"}))

    # A `NamedTuple`: names beat positions for a model, and pydantic takes both.
    def named_tuple_schema(self, schema: Any) -> JsonSchemaValue:
        fields: dict[str, Any] = {field["name"]: field["schema"] for field in schema["fields"]}
        described: JsonSchemaValue = {
            "type": "object",
            "properties": {name: self.generate_inner(inner) for name, inner in fields.items()},
            "required": [name for name, inner in fields.items() if inner["type"] != "default"],
            "additionalProperties": False,
            _encrypted_paths.TUPLE: True,
        }
        return _with_texts(described, schema["cls"])

    # The same, before pydantic 2.14.
    def arguments_schema(self, schema: Any) -> JsonSchemaValue:
        return self.kw_arguments_schema(schema["arguments_schema"], schema.get("var_kwargs_schema"))

    def call_schema(self, schema: Any) -> JsonSchemaValue:
        described = {**super().call_schema(schema), _encrypted_paths.TUPLE: True}
        return _with_texts(described, schema["function"])

    def enum_schema(self, schema: Any) -> JsonSchemaValue:
        # pydantic binds no other value from JSON, and with a `None` among them takes anything.
        if all(isinstance(member.value, (str, int, float)) for member in schema["members"]):
            return super().enum_schema(schema)
        return self.handle_invalid_for_json_schema(schema, "an Enum of such values")

    def generator_schema(self, schema: Any) -> JsonSchemaValue:
        # pydantic checks its items only when they are used: too late to tell the model.
        return self.handle_invalid_for_json_schema(schema, "an Iterable")

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        return _with_texts(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return _with_texts(super().dataclass_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        described = super().typed_dict_schema(schema)
        # What a function takes has no class; it has been read already.
        return _with_texts(described, schema["cls"]) if "cls" in schema else described

    # Nobody reads the titles of fields, nor the keywords in the order of the alphabet.
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value

    def emit_warning(self, kind: Any, detail: str) -> None:
        """A default that JSON cannot say is simply not said."""


def _with_texts(described: JsonSchemaValue, cls: Any) -> JsonSchemaValue:
    """The schema of a class with its name, and with what its own annotations say of its fields."""
    properties = described.get("properties", {})
    for name, text in _signature.field_texts(cls).items():
        if name in properties and "description" not in properties[name]:
            properties[name] = {**properties[name], "description": text}
    return {"title": cls.__name__, **described}
