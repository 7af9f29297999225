"""Calls that hold up the event loop, in the source of an `async def` tool. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from ..toolset import AnyTool
from ._finding import Finding
from ._sources import function_of, place

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_ASYNC_CLIENT = "use httpx.AsyncClient"
_TO_THREAD = "use asyncio.to_thread(…)"
_SUBPROCESS = "use asyncio.create_subprocess_exec(…)"

# What blocks when it is called, or is good for nothing but that → what to do instead.
_INSTEAD: dict[str, str] = {
    "time.sleep": "use asyncio.sleep(…)",
    **{
        f"requests.{name}": _ASYNC_CLIENT
        for name in "get post put patch delete head options request Session".split()
    },
    **{
        f"httpx.{name}": _ASYNC_CLIENT
        for name in "get post put patch delete head options request stream Client".split()
    },
    "urllib.request.urlopen": _ASYNC_CLIENT,
    "urllib.request.urlretrieve": _ASYNC_CLIENT,
    "http.client.HTTPConnection": _ASYNC_CLIENT,
    "http.client.HTTPSConnection": _ASYNC_CLIENT,
    "sqlite3.connect": _TO_THREAD,
    "psycopg2.connect": _TO_THREAD,
    "psycopg.connect": "use psycopg.AsyncConnection",
    "pymysql.connect": _TO_THREAD,
    "redis.Redis": "use redis.asyncio",
    "smtplib.SMTP": _TO_THREAD,
    "smtplib.SMTP_SSL": _TO_THREAD,
    "socket.create_connection": "use asyncio.open_connection(…)",
    "socket.socket": "use asyncio.open_connection(…)",
    "socket.getaddrinfo": "use the event loop's getaddrinfo(…)",
    "socket.gethostbyname": "use the event loop's getaddrinfo(…)",
    **{f"subprocess.{name}": _SUBPROCESS for name in "run call check_call check_output".split()},
    "subprocess.getoutput": _SUBPROCESS,
    "os.system": _SUBPROCESS,
    "builtins.input": "a server has nobody at the keyboard; take it out",
}

# Objects made elsewhere whose methods block.
_CLASSES = {
    "requests.Session": _ASYNC_CLIENT,
    "httpx.Client": _ASYNC_CLIENT,
    "sqlite3.Connection": _TO_THREAD,
    "sqlite3.Cursor": _TO_THREAD,
    "redis.Redis": "use redis.asyncio",
}
_METHODS = frozenset(
    """
    get post put patch delete head options request send stream set
    execute executemany executescript commit fetchone fetchmany fetchall
    """.split()
)


def blocking_calls(tool: AnyTool) -> Iterator[Finding]:
    """Find the calls in an `async def` tool that hold up all other calls of the server."""
    function = function_of(tool)
    # A wrapper that is no `async def` runs the function elsewhere.
    if function is None or not (tool._is_async and inspect.iscoroutinefunction(function)):
        return
    definition = _definition(function)
    if definition is None:
        return
    scope = _Scope(function, definition, getattr(inspect.unwrap(tool), "__self__", None))
    for call in _calls(definition):
        if found := scope.blocks(call.func):
            name, instead = found
            yield Finding(
                "blocking-call",
                f"tool {tool.name}",
                f"{name}(…) holds up every other call until it is done; {instead}, or make the "
                "tool a plain def, which runs in a thread",
                place(function, call.lineno),
            )


def _definition(function: FunctionType) -> _Function | None:
    """The function in the syntax tree of its file; None when there is no source."""
    try:
        lines, _ = inspect.findsource(function)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError, ValueError):
        return None
    first = function.__code__.co_firstlineno
    for node in ast.walk(tree):
        if isinstance(node, _Function) and node.name == function.__code__.co_name:
            decorators = [decorator.lineno for decorator in node.decorator_list]
            if min([node.lineno, *decorators]) == first:
                return node
    return None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the function does, not those of functions inside it."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, inner):
            yield from _own(child)


def _body(definition: _Function) -> Iterator[ast.AST]:
    for statement in definition.body:
        yield from _own(ast.Module([statement], []))


def _calls(definition: _Function) -> Iterator[ast.Call]:
    awaited = {id(node.value) for node in _body(definition) if isinstance(node, ast.Await)}
    for node in _body(definition):
        if isinstance(node, ast.Call) and id(node) not in awaited:
            yield node


@dataclass(frozen=True)
class _Unloaded:
    """What would be imported when the function runs."""

    name: str


_UNKNOWN = object()


class _Scope:
    """What the names in a function stand for, as far as that can be seen.

    Args:
        function: The function.
        definition: The same in the syntax tree.
        receiver: The object that it is a method of.
    """

    def __init__(self, function: FunctionType, definition: _Function, receiver: object) -> None:
        nodes = list(_body(definition))
        self._names: dict[str, object] = {
            **vars(builtins),
            **function.__globals__,
            **dict(_enclosed(function)),
            **dict.fromkeys(_assigned(definition, nodes), _UNKNOWN),
            **_imported(nodes),
        }
        arguments = [*definition.args.posonlyargs, *definition.args.args]
        if receiver is not None and arguments:
            self._names[arguments[0].arg] = receiver

    def blocks(self, called: ast.expr) -> tuple[str, str] | None:
        """The name of what is called, and what to do instead, when it blocks."""
        name = _known(self._resolve(called), _INSTEAD)
        if name is not None:
            return name.removeprefix("builtins."), _INSTEAD[name]
        if isinstance(called, ast.Attribute) and called.attr in _METHODS:
            classes = type(self._resolve(called.value)).__mro__
            for name in filter(None, (_known(class_, _CLASSES) for class_ in classes)):
                return f"{name}.{called.attr}", _CLASSES[name]
        return None

    def _resolve(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            return self._names.get(node.id, _UNKNOWN)
        if isinstance(node, ast.Attribute):
            return _attribute(self._resolve(node.value), node.attr)
        return _UNKNOWN


def _enclosed(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What a function inside another takes from there, as far as it is set yet."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def _attribute(value: object, name: str) -> object:
    """An attribute, read without running anything."""
    if isinstance(value, _Unloaded):
        return _Unloaded(f"{value.name}.{name}")
    if isinstance(value, ModuleType):
        return vars(value).get(name, _Unloaded(f"{value.__name__}.{name}"))
    return _UNKNOWN if value is _UNKNOWN else inspect.getattr_static(value, name, _UNKNOWN)


def _known(value: object, table: dict[str, str]) -> str | None:
    """The name that the table has for an object."""
    if isinstance(value, _Unloaded):
        return value.name if value.name in table else None
    return next((name for name in table if _loaded(name) is value), None)


def _loaded(name: str) -> object:
    """What has that name; this function where nothing has."""
    module, _, attribute = name.rpartition(".")
    return getattr(sys.modules.get(module), "__dict__", {}).get(attribute, _loaded)


def _assigned(definition: _Function, nodes: list[ast.AST]) -> Iterator[str]:
    for node in [*ast.walk(definition.args), *nodes]:
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name or ""


def _imported(nodes: list[ast.AST]) -> dict[str, object]:
    """The names that are imported in the function itself."""
    names: dict[str, object] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = _module(whole)
        elif isinstance(node, ast.ImportFrom):
            # What is relative is the user's own.
            module = _module(node.module) if node.module and not node.level else _UNKNOWN
            for alias in node.names:
                names[alias.asname or alias.name] = _attribute(module, alias.name)
    return names


def _module(name: str) -> object:
    return sys.modules.get(name, _Unloaded(name))
