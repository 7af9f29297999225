"""The `vapitools` command."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import apply, call, calls, check, plan, play, pull, run, schema, send, serve
from . import list as list_command
from ._ending import end_within


class _Commands(TyperGroup):
    """Says what is missing when somebody begins with the file."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0].partition(":")[0].endswith(".py"):
            ctx.fail(f"A command comes first, such as: vapitools serve {args[0]}")
        return super().resolve_command(ctx, args)


# Without markup, Typer neither imports Rich nor draws boxes around a one-line error.
app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.command)
app.command("list")(list_command.command)
app.command("schema")(schema.command)
app.command("run")(run.command)
app.command("send")(send.command)
app.command("check")(check.command)
app.command("play")(play.command)
app.command("pull")(pull.command)
app.command("plan", cls=plan.PlanningCommand)(plan.command)
app.command("apply", cls=plan.PlanningCommand)(apply.command)
app.command("call")(call.command)
app.command("calls")(calls.command)


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
