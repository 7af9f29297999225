"""The `vapitools` command."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ._ending import end_within

# In the order of the help.
_NAMES = """
serve list schema run play send check pull plan apply call calls
""".split()

# Without markup, Typer neither imports Rich nor draws boxes around a one-line error.
_LOOK: Any = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _Loaded(Mapping[str, Any]):
    """The commands by name. Each is loaded when it is asked for: most need not what others need."""

    def __init__(self) -> None:
        self._commands: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise KeyError(name)
        if name not in self._commands:
            module = import_module(f".{name}", __package__)
            alone = typer.Typer(**_LOOK)
            class_ = getattr(module, "COMMAND_CLASS", None)
            alone.command(name, cls=class_)(module.command)
            self._commands[name] = typer.main.get_command(alone)
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


class _Commands(TyperGroup):
    """Says what is missing when somebody begins with the file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands: Any = _Loaded()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0].partition(":")[0].endswith(".py"):
            ctx.fail(f"A command comes first, such as: vapitools serve {args[0]}")
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_Commands, **_LOOK)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"vapitools {version('vapitools')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(  # pyright: ignore[reportUnusedFunction]
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Say which it is."),
    ] = False,
) -> None:
    """Serve, show and try the tools of a Vapi voice assistant.

    TARGET is a file with tools, such as bot.py, or a module, such as package.bot;
    bot.py:name picks one thing in it.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command. What `vapitools` in a terminal calls."""
    # A terminal that cannot show a character is no reason to fail.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    try:
        app(prog_name="vapitools")
    except SystemExit as ended:
        # A thread that a bot leaves behind must not hold the terminal.
        end_within(2, ended.code if isinstance(ended.code, int) else 0)
        raise
