"""TARGET → the tools in it: `bot.py`, `bot.py:name`, `package.module`, `package.module:name`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .._spelling import did_you_mean
from ..errors import DefinitionError
from ..events import Events
from ..tools import Tool
from ..toolset import AnyTool, Toolset
from ._report import USAGE, CommandError, describe, is_users, place, shown

if TYPE_CHECKING:
    from ..assistants import Assistant

# What is in use already cannot be the name of a bot: the two would take each other's place.
_TAKEN = frozenset(sys.modules)

T = TypeVar("T")

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class TargetError(CommandError):
    """TARGET cannot be used. The text says why in a line, and what to do."""


@dataclass(frozen=True)
class Location:
    """Where TARGET points to, before anything in it has run.

    Attributes:
        text: TARGET as it was written, without the name.
        name: What comes behind the colon.
        folder: Where the bot's code lies, and what it imports from.
        path: The file; None for a module.
    """

    text: str
    name: str | None
    folder: Path
    path: Path | None


@dataclass(frozen=True)
class Bot:
    """What TARGET holds: tools and handlers of events, or an ASGI app of the user's own.

    Attributes:
        label: What it is called in a text for the user.
        folder: Where the bot's code lies.
        toolset: The tools, which can be none where there are events; None for an app.
        events: The module's handlers of events, where it is to be served.
        app: The ASGI app; None for tools.
        lifespan: The module's `lifespan`, for tools.
    """

    label: str
    folder: Path
    toolset: Toolset | None = None
    events: Events | None = None
    app: Any = None
    lifespan: Lifespan | None = None


def load(target: str, *, to_serve: bool = False) -> Bot:
    """Run the module and take the tools from it.

    Args:
        target: As on the command line.
        to_serve: Whether an ASGI app, or events without tools, will do, too.

    Raises:
        TargetError: It cannot be used.
    """
    location = locate(target)
    return pick(run(location), location, to_serve=to_serve)


def load_toolset(target: str) -> tuple[Bot, Toolset]:
    """The same for a command that prints a result: what the bot prints goes to stderr.

    Raises:
        TargetError: It cannot be used.
    """
    with contextlib.redirect_stdout(sys.stderr):
        bot = load(target)
    if bot.toolset is None:
        raise AssertionError("what has no tools is refused by `pick`")
    return bot, bot.toolset


# --- finding it ---------------------------------------------------------------------------


def locate(target: str) -> Location:
    """Find the file or the module, and run nothing.

    Raises:
        TargetError: There is none.
    """
    where, name = _split(target)
    if where.endswith(".py") or "/" in where or os.sep in where or os.path.isfile(where):
        return _locate_file(where, name)
    folder = _folder_of_module(where)
    if folder is not None:
        return Location(where, name, folder, None)
    if os.path.isdir(where):
        return _locate_file(where, name)
    raise _usage(f"there is no file and no module named {where!r}.{_similar(where)}")


def _split(target: str) -> tuple[str, str | None]:
    where, colon, name = target.rpartition(":")
    if not colon or name[:1] in ("\\", "/"):  # C:\bot.py
        where, name = target, ""
    if not where:
        raise _usage(f"{target!r} names no file; write bot.py, bot.py:name or package.module")
    if colon and where != target and not name:
        raise _usage(f"there is no name behind the colon of {target!r}")
    return where, name or None


def _locate_file(where: str, name: str | None) -> Location:
    path = Path(where)
    if path.is_dir():
        inside = [f"{path / file}" for file in _python_files(path)[:3]]
        hint = f", such as {inside[0]}" if inside else ""
        raise _usage(f"{where} is a folder; name a file in it{hint}")
    if not path.exists():
        raise _usage(
            f"there is no file {where}.{did_you_mean(path.name, _python_files(path.parent))}"
        )
    if path.suffix != ".py":
        raise _usage(f"{where} is no Python file; its name must end in .py")
    path = path.resolve()
    return Location(where, name, path.parent, path)


def _similar(where: str) -> str:
    """A file here that may be meant: `bot.yp` is `bot.py`."""
    files = _python_files(Path())
    return did_you_mean(f"{where}.py", files) or did_you_mean(where, files)


def _python_files(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.glob("*.py") if file.name != "__init__.py")
    except OSError:
        return []


def _folder_of_module(name: str) -> Path | None:
    """Where the module's outermost package is found, or None."""
    outermost, *inner = name.split(".")
    if not all(part.isidentifier() for part in (outermost, *inner)):
        return None
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        spec = importlib.util.find_spec(outermost)
    except (ImportError, ValueError):
        return None
    if spec is None or (spec.origin is None and not inner):  # a folder that is no package
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve().parent
    return Path(spec.origin).resolve().parent if spec.has_location and spec.origin else Path.cwd()


# --- running it ---------------------------------------------------------------------------


def run(location: Location) -> ModuleType:
    """Run the module.

    Raises:
        TargetError: It fails, or ends the program.
    """
    try:
        module = _run_file(location.path) if location.path else _import(location)
    except (TargetError, KeyboardInterrupt):
        raise
    # A bot may call `sys.exit` when a variable is missing.
    except BaseException as error:
        raise TargetError(_why(error, location)) from error
    if _hides_sdk(location.folder, getattr(sys.modules.get("vapi"), "__file__", None)):
        raise TargetError(_sdk_hidden(location.folder))
    return module


def _run_file(path: Path) -> ModuleType:
    _check_file_name(path)
    sys.path.insert(0, str(path.parent))
    importlib.invalidate_caches()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise AssertionError("a .py file has a loader")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(path.stem, None)
        raise
    return module


@contextlib.contextmanager
def apart(folder: Path) -> Generator[None]:
    """In the block, what lies in the folder is loaded anew, and forgotten again after it."""
    before, path = dict(sys.modules), list(sys.path)
    _drop_modules_of(folder)
    try:
        yield
    finally:
        _drop_modules_of(folder)
        # What a test has imported from there is still that.
        sys.modules.update({name: before[name] for name in before.keys() - sys.modules.keys()})
        sys.path[:] = path


def _drop_modules_of(folder: Path) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name == "__main__":
            continue
        if is_users(Path(file).resolve(), folder):
            del sys.modules[name]


def _check_file_name(path: Path) -> None:
    if path.stem == "vapi":
        raise TargetError("a bot cannot be called vapi.py, which hides Vapi's SDK; rename it")
    # What a test has imported from here is the bot itself.
    if path.stem == "vapitools" or (path.stem in _TAKEN and path.stem in sys.modules):
        raise TargetError(
            f"a bot cannot be called {path.name}, which hides the module {path.stem!r}; rename it"
        )


def _import(location: Location) -> ModuleType:
    if location.text.partition(".")[0] == "vapi":
        own = location.folder == Path.cwd()
        raise TargetError(
            _sdk_hidden(location.folder) if own else "vapi is Vapi's SDK; name a bot of yours"
        )
    try:
        return importlib.import_module(location.text)
    except ModuleNotFoundError as error:
        if error.name and f"{location.text}.".startswith(f"{error.name}."):
            hint = _similar(location.text)
            raise _usage(f"there is no module {location.text!r}.{hint}") from error
        raise


def _why(error: BaseException, location: Location) -> str:
    if _came_through_own_sdk(error, location.folder):
        return _sdk_hidden(location.folder)
    where = place(error, location.folder) or location.text
    if isinstance(error, DefinitionError):
        return "\n".join(f"{where}: {problem}" for problem in error.problems)
    if isinstance(error, SystemExit):
        return f"{where}: it ends the program while it is loaded ({describe(error)})"
    return f"{where}: {describe(error)}{_remedy(error, location)}"


def _remedy(error: BaseException, location: Location) -> str:
    if isinstance(error, ImportError) and "relative import" in str(error) and location.path:
        module = f"{location.folder.name}.{location.path.stem}"
        return f"; load it as a module, from the folder above: {module}"
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return f"; if it is a package, install it: {sys.executable} -m pip install {package}"
    return ""


def _hides_sdk(folder: Path, file: str | None) -> bool:
    """Whether this file is a `vapi.py` or a package `vapi/` beside the bot."""
    if not file:
        return False
    path = Path(file).resolve()
    return path in (folder / "vapi.py", folder / "vapi" / "__init__.py")


def _came_through_own_sdk(error: BaseException, folder: Path) -> bool:
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    files.append(getattr(error, "filename", None) or "")
    files.append(getattr(sys.modules.get("vapi"), "__file__", None) or "")
    return any(_hides_sdk(folder, file) for file in files if isinstance(file, str))


def _sdk_hidden(folder: Path) -> str:
    own = "vapi.py" if (folder / "vapi.py").exists() else "vapi/"
    return f"your own {own} in {shown(folder)} hides Vapi's SDK; rename it"


# --- taking the tools from it -------------------------------------------------------------


def pick(module: ModuleType, location: Location, *, to_serve: bool = False) -> Bot:
    """What TARGET means of a module that has run.

    Raises:
        TargetError: It cannot be used.
    """
    label = f"{location.text}:{location.name}" if location.name else location.text
    value = named(module, location) if location.name else _found(module, location, to_serve)
    if to_serve and isinstance(value, Events):
        toolset: Toolset | None = Toolset([])
        events: Events | None = value
    else:
        toolset = _toolset(value, label)
        events = events_of(module, location) if to_serve and toolset is not None else None
    if toolset is not None:
        lifespan = lifespan_of(module, location)
        return Bot(label, location.folder, toolset, events, lifespan=lifespan)
    if not _is_app(value):
        raise TargetError(_no_tools_in(value, label))
    if not to_serve:
        raise _usage(f"{label} is an app; this command needs tools or a Toolset")
    return Bot(f"{location.text}:{location.name or 'app'}", location.folder, app=value)


def named(module: ModuleType, location: Location) -> Any:
    """What stands behind the colon.

    Raises:
        TargetError: There is no such name in the module.
    """
    name = location.name or ""
    try:
        return getattr(module, name)
    except AttributeError:
        raise _usage(
            f"there is no {name!r} in {location.text}.{did_you_mean(name, vars(module))}"
        ) from None


def _found(module: ModuleType, location: Location, to_serve: bool) -> Any:
    toolsets = distinct(module, Toolset)
    if assistants := _assistants(module):
        return tools_of(module, assistants)
    if len(toolsets) > 1:
        raise _usage(
            f"there are several Toolsets in {location.text}: {', '.join(toolsets)}; "
            f"say which one, such as {location.text}:{next(iter(toolsets))}"
        )
    if toolsets:
        return next(iter(toolsets.values()))
    tools = tools_of(module, ())
    if tools:
        return tools
    instead = [getattr(module, "app", None), events_of(module, location)] if to_serve else []
    for value in instead:
        if isinstance(value, Events) or _is_app(value):
            return value
    raise TargetError(_no_tools(module, location))


def _assistants(module: ModuleType) -> list[Assistant]:
    # A bot that declares one has loaded it; the others start the sooner without.
    loaded = sys.modules.get("vapitools.assistants")
    return declared(vars(module).values(), loaded.Assistant) if loaded else []


def events_of(module: ModuleType, location: Location) -> Events | None:
    """The module's handlers of events that are served.

    Raises:
        TargetError: There are several, and none is called `events`.
    """
    found = distinct(module, Events)
    if len(found) > 1 and "events" not in found:
        raise TargetError(
            f"there are several Events in {location.text}: {', '.join(found)}; "
            "call the one that is to be served `events`"
        )
    return found.get("events") or next(iter(found.values()), None)


def distinct(module: ModuleType, kind: type[T]) -> dict[str, T]:
    """The module's objects of a kind in order of definition, each under its first name."""
    found: dict[str, T] = {}
    for name, value in vars(module).items():
        if isinstance(value, kind) and not any(value is other for other in found.values()):
            found[name] = value
    return found


def declared(values: Iterable[Any], kind: type[T]) -> list[T]:
    """Each of a kind once, also where it stands in a list."""
    found: list[Any] = []
    for value in values:
        found += cast("Iterable[Any]", value) if isinstance(value, (list, tuple)) else [value]
    return list({id(each): each for each in found if isinstance(each, kind)}.values())


def tools_of(module: ModuleType | None, assistants: Iterable[Assistant]) -> list[AnyTool]:
    """The tools that assistants were declared with, then those that stand in the module."""
    found = [tool for each in assistants for tool in each.tools or ()]
    if module is not None:
        found += [tool for toolset in distinct(module, Toolset).values() for tool in toolset]
        found += distinct(module, Tool).values()
    return [tool for i, tool in enumerate(found) if not any(tool is other for other in found[:i])]


def _toolset(value: Any, label: str) -> Toolset | None:
    if isinstance(value, Tool):
        value = [value]
    if not isinstance(value, (Toolset, list, tuple)):
        return None
    try:
        toolset = value if isinstance(value, Toolset) else Toolset(cast("list[Any]", value))
    except DefinitionError as error:
        raise TargetError("\n".join(f"{label}: {p}" for p in error.problems)) from error
    if not len(toolset):
        raise TargetError(f"{label} has no tools in it")
    return toolset


def _is_app(value: Any) -> bool:
    """Whether it looks like an ASGI app: awaitable, called with scope, receive and send."""
    if isinstance(value, (Tool, type)) or not callable(value):
        return False
    call = value if inspect.isroutine(value) else type(value).__call__
    try:
        inspect.signature(value).bind({}, None, None)
    except (TypeError, ValueError):
        return False
    return inspect.iscoroutinefunction(call)


def _no_tools(module: ModuleType, location: Location) -> str:
    text = f"there are no tools in {location.text}; put @tool on a function"
    for name, value in vars(module).items():
        if isinstance(value, (list, tuple)) and _has_tools(cast("list[Any]", value)):
            return f"{text}, or name the list: {location.text}:{name}"
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            methods = [n for n, v in vars(value).items() if isinstance(v, Tool)]
            if methods:
                return (
                    f"the tools in {location.text} are methods of {name}; "
                    f"take them from an object: tools = Toolset([{name}().{methods[0]}])"
                )
    return text


def _has_tools(items: Iterable[Any]) -> bool:
    return any(isinstance(item, Tool) for item in items)


def _no_tools_in(value: Any, label: str) -> str:
    if inspect.isroutine(value):
        return f"{label} is a function without @tool; put @tool on it"
    return f"{label} is no tool, Toolset or list of tools, but {type(value).__name__}"


def lifespan_of(module: ModuleType, location: Location) -> Lifespan | None:
    """The module's `lifespan`.

    Raises:
        TargetError: It is none.
    """
    lifespan = getattr(module, "lifespan", None)
    if inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan):
        raise TargetError(
            f"lifespan in {location.text} must be an async context manager; "
            "put @contextlib.asynccontextmanager on it"
        )
    return cast("Lifespan", lifespan) if callable(lifespan) else None


def _usage(text: str) -> TargetError:
    return TargetError(text, exit_code=USAGE)
