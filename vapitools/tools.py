"""`@tool`: a plain function, described so that a voice assistant can call it."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, MethodType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from . import _docstrings, _encrypted_paths, _parameters, _results, _schema, spoken
from ._encryption import PrivateKeys
from ._threads import Threads, shared
from .context import CallContext
from .errors import DefinitionError, ToolError

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")

Predicate = Callable[[CallContext], bool | Awaitable[bool]]
"""Whether a tool may be used in this call. It is quick, or `async def`."""

Messages = Sequence[spoken.Spoken | Mapping[str, Any]]

# Vapi takes this for names, and its models degrade silently at longer descriptions.
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_DESCRIPTION = 999

_NOT_ENABLED = "This tool cannot be used in this call. Go on without it."

# Below the 20 seconds that Vapi waits by itself, so that the answer is there in time.
_DEFAULT_TIMEOUT = 18.0
_HEADROOM = 2.0
_MAX_SERVER_TIMEOUT = 300.0


class Tool(Generic[P, R]):
    """A function that an assistant can call, and that is still the function.

    Made by `@tool`. Calling it calls the function; on a method it binds as the method does.

    Attributes:
        name: What the model calls it.
        description: What the model is told of it.
        timeout: Seconds after which the call is answered with an error.
    """

    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[P, R],
        spec: _Spec,
        *,
        is_bound: bool = True,
        predicates: tuple[Predicate, ...] = (),
    ) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._spec = spec
        self._is_bound = is_bound
        self._predicates = predicates
        self._is_async = _is_async(function)
        self.name = spec.name
        self.description = spec.description
        self.timeout = spec.timeout

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model may send, in Vapi's dialect of JSON Schema."""
        return copy.deepcopy(self._spec.parameters)

    @property
    def encrypted_paths(self) -> tuple[str, ...]:
        """Which arguments arrive encrypted, as in `server.encryptedPaths`."""
        return self._spec.encrypted_paths

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, as if it had never been decorated."""
        return self._function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type, /) -> Tool[P, R]: ...
    @overload
    def __get__(
        self: Tool[Concatenate[S, Q], R], instance: S, owner: type | None = None, /
    ) -> Tool[Q, R]: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Tool[Any, Any]:
        """A method's tool, bound to the object that it is taken from."""
        if self._is_bound or (instance is None and not self._spec.is_classmethod):
            return self
        if self._spec.is_classmethod:
            instance = owner
        return Tool(MethodType(self._function, instance), self._spec, predicates=self._predicates)

    def renamed(self, name: str) -> Tool[P, R]:
        """The same tool under another name.

        Raises:
            DefinitionError: The name is none that Vapi takes.
        """
        if problems := _check_name(name, self.__qualname__):
            raise DefinitionError(problems)
        return self._copied(dataclasses.replace(self._spec, name=name), self._predicates)

    def enabled(self, predicate: Predicate) -> Tool[P, R]:
        """The same tool for those calls alone in which the predicate holds."""
        return self._copied(self._spec, (*self._predicates, predicate))

    def _copied(self, spec: _Spec, predicates: tuple[Predicate, ...]) -> Tool[P, R]:
        return Tool(self._function, spec, is_bound=self._is_bound, predicates=predicates)

    def definition(
        self, *, base_url: str | None = None, server: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The whole function tool, as `POST https://api.vapi.ai/tool` takes it.

        Args:
            base_url: Where the router is reachable from outside; the tool gets its own URL there.
            server: More of Vapi's `server` fields, such as `credentialId` or `headers`.
        """
        spec = self._spec
        function: dict[str, Any] = {"name": spec.name, "parameters": self.parameters}
        if spec.description:
            function["description"] = spec.description
        if spec.strict:
            function.update(strict=True, parameters=_schema.strict(self.parameters))
        definition: dict[str, Any] = {"type": "function", "function": function}
        if not spec.wait:
            definition["async"] = True
        if spec.messages:
            definition["messages"] = copy.deepcopy(spec.messages)
        if static := spec.read.static:
            definition["parameters"] = [
                {"key": k, "value": copy.deepcopy(v)} for k, v in static.items()
            ]
        if base_url is not None or server is not None or spec.encrypted_paths:
            definition["server"] = {**self._server(base_url), **(server or {})}
        if spec.encrypted_paths:
            paths = [*spec.encrypted_paths, *(server or {}).get("encryptedPaths", ())]
            definition["server"]["encryptedPaths"] = list(dict.fromkeys(paths))
        return definition

    def _server(self, base_url: str | None) -> dict[str, Any]:
        server: dict[str, Any] = {"timeoutSeconds": math.ceil(self.timeout + _HEADROOM)}
        if base_url is not None:
            server["url"] = f"{base_url.rstrip('/')}/tools/{self.name}"
        return server

    async def run(
        self,
        arguments: Mapping[str, Any] | str | bytes = b"{}",
        call: CallContext | None = None,
        *,
        threads: Threads = shared,
        keys: PrivateKeys | None = None,
    ) -> Any:
        """Run the tool with arguments as a model sends them; a `def` tool runs in a thread.

        Args:
            arguments: A mapping, or JSON text.
            call: The live call, for tools that ask for it; an empty one by default.
            threads: Where a `def` tool runs.
            keys: Decrypt what arrives encrypted, and refuse what does not. Without them, as in
                a test, plain text is taken as it is.

        Returns:
            What the function returns, untouched.

        Raises:
            ArgumentError: The arguments do not fit.
            ToolError: The tool is not enabled for this call.
            DefinitionError: The tool is a method that was not taken from an object.
            BaseException: Whatever the function raises.
        """
        self.check_bound()
        call = call or CallContext()
        if self._predicates:
            await self._check_enabled(call)
        text = arguments if isinstance(arguments, bytes) else _to_text(arguments)
        paths = self._spec.encrypted_paths
        if paths and keys is not None:
            text = _encrypted_paths.decrypted(text, paths, keys, label=self.name)
        args, kwargs = self._spec.read.bind(text, call)
        if self._is_async:
            return await self._function(*args, **kwargs)  # type: ignore[misc]
        value = await threads.run(functools.partial(self._function, *args, **kwargs))
        return await value if inspect.isawaitable(value) else value

    async def _check_enabled(self, call: CallContext) -> None:
        for predicate in self._predicates:
            holds = predicate(call)
            if inspect.isawaitable(holds):
                holds = await holds
            if not holds:
                raise ToolError(_NOT_ENABLED)

    def check_bound(self) -> None:
        """Make sure that a method was taken from an object.

        Raises:
            DefinitionError: It was taken from its class.
        """
        if not self._is_bound:
            outer = self.__qualname__.rpartition(".")[0]
            raise DefinitionError(
                f"{self.name} is a method; take it from an object: {outer}(…).{self.__name__}"
            )

    def __repr__(self) -> str:
        return f"<Tool {self.name!r}>"


@overload
def tool(function: classmethod[Any, P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    messages: Messages = (),
    timeout: float = _DEFAULT_TIMEOUT,
    strict: bool = False,
    wait: bool = True,
) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    messages: Messages = (),
    timeout: float = _DEFAULT_TIMEOUT,
    strict: bool = False,
    wait: bool = True,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    messages: Messages = (),
    timeout: float = _DEFAULT_TIMEOUT,
    strict: bool = False,
    wait: bool = True,
) -> Any:
    """Make a function a tool: `@tool` or `@tool(…)`, on functions and on methods.

    The schema comes from the type hints, the descriptions from the docstring.

    Args:
        function: Anything that can be called: `def`, `async def`, methods, partials, objects.
        name: What the model calls it, if not the function's name.
        description: What the model is told, if not the docstring's text.
        messages: What the assistant says around the call: `RequestStart` and its like.
        timeout: Seconds until the call is answered with an error, below Vapi's own limit.
        strict: Ask the model's provider to keep exactly to the schema.
        wait: False lets the assistant go on at once; it never hears the result.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """
    here = inspect.currentframe()
    local_names = _names_around(here.f_back if here else None)
    options = _Options(name, description, messages, timeout, strict, wait)

    def decorate(function: Any) -> Tool[Any, Any]:
        return _derive(function, options, local_names)

    return decorate if function is None else decorate(function)


# --- deriving -----------------------------------------------------------------------------


# Nobody compares or prints these two, and each method that need not be made loads faster.
@dataclass(frozen=True, eq=False, repr=False)
class _Options:
    """What was said at the decorator."""

    name: str | None
    description: str | None
    messages: Messages
    timeout: float
    strict: bool
    wait: bool


@dataclass(frozen=True, eq=False, repr=False)
class _Spec:
    """All that was derived from a function; a method's bound tools share it."""

    name: str
    description: str
    read: _parameters.Parameters
    parameters: dict[str, Any]
    encrypted_paths: tuple[str, ...]
    messages: list[dict[str, Any]]
    timeout: float
    strict: bool
    wait: bool
    is_classmethod: bool


def _derive(function: Any, options: _Options, local_names: Mapping[str, Any]) -> Tool[Any, Any]:
    is_classmethod = isinstance(function, classmethod)
    is_static = isinstance(function, staticmethod)
    if is_classmethod or is_static:
        function = _under(function)
    if not callable(function):
        raise DefinitionError(f"@tool stands on {function!r}, which cannot be called")
    plain = _plain(function)
    label = getattr(plain, "__qualname__", None) or type(plain).__qualname__
    skip_receiver = is_classmethod or (not is_static and _is_method(function))
    docstring = _docstrings.parse(_docstring(plain))
    description = (
        options.description if options.description is not None else docstring.text
    ).strip()
    name = options.name if options.name is not None else _name(plain)

    problems = [*_check_name(name, label), *_check_options(options, description, label)]
    problems += _check_function(plain, label)
    spoken_messages = _collect(problems, lambda: _spoken(options.messages, label)) or []
    read = _collect(
        problems,
        lambda: _parameters.read(
            function,
            label=label,
            docstring=docstring,
            local_names=local_names,
            skip_receiver=skip_receiver,
        ),
    )
    parameters = _collect(problems, lambda: _schema.lower(read.schema, label)) if read else None
    # Only of what can be lowered: of no other schema is it sure that it is small.
    encrypted_paths = (
        _collect(problems, lambda: _encrypted_paths.find(read.schema, label))
        if read and parameters is not None
        else None
    )
    if options.strict and parameters is not None and _is_open(parameters["properties"]):
        problems.append(
            f"{label}: strict=True does not go with a dict; name its fields in a dataclass"
        )
    if problems or read is None or parameters is None:
        raise DefinitionError(problems)
    spec = _Spec(
        name=name,
        description=description,
        read=read,
        parameters=parameters,
        encrypted_paths=encrypted_paths or (),
        messages=spoken_messages,
        timeout=options.timeout,
        strict=options.strict,
        wait=options.wait,
        is_classmethod=is_classmethod,
    )
    return Tool(function, spec, is_bound=not skip_receiver)


def _collect(problems: list[str], step: Callable[[], S]) -> S | None:
    """Take one step of the derivation; what is wrong with it joins the other problems."""
    try:
        return step()
    except DefinitionError as error:
        problems.extend(error.problems)
        return None


def _under(wrapper: Any) -> Any:
    """The function inside a `staticmethod` or `classmethod`."""
    return wrapper.__func__


def _plain(function: Any) -> Any:
    """The function below partials and wrappers, which has the name and the docstring."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function)


def _name(plain: Any) -> str:
    return str(getattr(plain, "__name__", None) or type(plain).__name__)


def _docstring(plain: Any) -> str | None:
    if hasattr(plain, "__name__"):
        return getattr(plain, "__doc__", None)
    return type(plain).__call__.__doc__ or type(plain).__doc__


def _is_method(function: Any) -> bool:
    """Whether a function in a class body waits for its `self` or `cls`."""
    if not inspect.isfunction(function):
        return False
    first = function.__code__.co_varnames[: function.__code__.co_argcount][:1]
    outer = function.__qualname__.rpartition(".")[0]
    return first in (("self",), ("cls",)) and bool(outer) and not outer.endswith("<locals>")


def _is_async(function: Any) -> bool:
    # Of an object that can be called, `__call__` is what counts.
    return any(map(inspect.iscoroutinefunction, (function, function.__call__)))


def _check_name(name: str, label: str) -> list[str]:
    if name == "<lambda>":
        return [f"{label}: a lambda has no name; write tool(…, name='…')"]
    if _NAME.fullmatch(name):
        return []
    return [
        f"{label}: the name {name!r} must be 1 to 64 of the letters a-z, A-Z, digits, '_' and '-'"
    ]


def _check_options(options: _Options, description: str, label: str) -> list[str]:
    problems: list[str] = []
    if len(description) > _MAX_DESCRIPTION:
        problems.append(
            f"{label}: the description has {len(description)} characters; "
            "models degrade silently from 1000 on, so keep it below that"
        )
    if not 0 < options.timeout <= _MAX_SERVER_TIMEOUT - _HEADROOM:
        problems.append(
            f"{label}: timeout={options.timeout!r} must be more than 0 and at most "
            f"{_MAX_SERVER_TIMEOUT - _HEADROOM:g} seconds"
        )
    return problems


def _check_function(plain: Any, label: str) -> list[str]:
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        return [f"{label}: it yields, but Vapi takes one answer; return a list instead"]
    return []


def _spoken(messages: Messages, label: str) -> list[dict[str, Any]]:
    problems: list[str] = []
    taken = [_collect(problems, functools.partial(spoken.to_json, message)) for message in messages]
    if problems:
        raise DefinitionError(f"{label}: {problem}" for problem in problems)
    return [message for message in taken if message is not None]


def _is_open(properties: dict[str, Any]) -> bool:
    """Whether somewhere an object takes any names."""
    for inner in properties.values():
        while inner["type"] == "array":
            inner = inner["items"]
        if inner["type"] == "object" and (
            not inner.get("properties") or _is_open(inner["properties"])
        ):
            return True
    return False


def _names_around(frame: FrameType | None) -> dict[str, Any]:
    """What is visible around the decorated function, for types that are local there."""
    names: dict[str, Any] = {}
    filename = frame.f_code.co_filename if frame else ""
    while frame is not None and frame.f_code.co_filename == filename:
        if frame.f_code.co_name == "<module>":
            break
        names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def _to_text(arguments: Mapping[str, Any] | str) -> bytes:
    text = arguments if isinstance(arguments, str) else _results.to_json(dict(arguments))
    return text.encode("utf-8", "replace")
