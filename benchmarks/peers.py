"""What other frameworks take to derive the same tool, and to run it from JSON.

Each does it the way that its own agent does: find the tool, check the arguments, run it, wrap
what it returns.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any

from .contestants import MissingError
from .restaurant import ARGUMENTS, TOOL, book_table

PYDANTIC_AI, FASTMCP, OPENAI, LANGCHAIN = (
    "pydantic-ai",
    "FastMCP",
    "openai-agents",
    "langchain-core",
)

Run = Callable[[], Awaitable[Any]]
_TEXT = json.dumps(ARGUMENTS)


def derivers(function: Any) -> dict[str, Callable[[], object] | MissingError]:
    """For each, what derives a tool from that function; or why it cannot be had."""

    def pydantic_ai() -> Callable[[], object]:
        tool = _module("pydantic_ai").Tool
        return lambda: tool(function, takes_ctx=False)

    def fastmcp() -> Callable[[], object]:
        tool = _module("fastmcp.tools").Tool
        return lambda: (made := tool.from_function(function)) and made.parameters

    def openai() -> Callable[[], object]:
        function_tool = _module("agents").function_tool
        return lambda: function_tool(function)

    def langchain() -> Callable[[], object]:
        tool = _module("langchain_core.tools").tool
        return lambda: tool(function, parse_docstring=True).tool_call_schema.model_json_schema()

    return {
        name: _had(make)
        for name, make in {
            PYDANTIC_AI: pydantic_ai,
            FASTMCP: fastmcp,
            OPENAI: openai,
            LANGCHAIN: langchain,
        }.items()
    }


async def runners() -> Mapping[str, Run | MissingError]:
    """For each, what runs the tool once from JSON text; or why it cannot be had."""
    found: dict[str, Run | MissingError] = {}
    for name, make in _RUNNERS.items():
        try:
            found[name] = await make()
        except Exception as error:
            found[name] = MissingError(f"{type(error).__name__}: {error}")
    return found


async def _pydantic_ai() -> Run:
    ai, usage = _module("pydantic_ai"), _module("pydantic_ai.usage")
    model = _module("pydantic_ai.models.test").TestModel()
    part = _module("pydantic_ai.messages").ToolCallPart
    context = ai.RunContext(deps=None, model=model, usage=usage.RunUsage())
    tools = ai.FunctionToolset([book_table])
    manager = _module("pydantic_ai.tool_manager").ToolManager(tools)
    manager = await manager.for_run_step(context)
    return lambda: manager.handle_call(part(TOOL, _TEXT, "call_1"))


async def _fastmcp() -> Run:
    tool = _module("fastmcp.tools").Tool.from_function(book_table)
    return lambda: tool.run(json.loads(_TEXT))


async def _openai() -> Run:
    tool = _module("agents").function_tool(book_table)
    invoke = _module("agents.tool").invoke_function_tool
    context = _module("agents.tool_context").ToolContext
    facts = {"context": None, "tool_name": TOOL, "tool_call_id": "call_1"}
    # Its own agent makes a context for each call.
    return lambda: invoke(
        function_tool=tool, context=context(**facts, tool_arguments=_TEXT), arguments=_TEXT
    )


async def _langchain() -> Run:
    tool = _module("langchain_core.tools").tool(book_table, parse_docstring=True)
    call = {"name": TOOL, "id": "call_1", "type": "tool_call"}
    return lambda: tool.ainvoke({**call, "args": json.loads(_TEXT)})


_RUNNERS: Mapping[str, Callable[[], Awaitable[Run]]] = {
    PYDANTIC_AI: _pydantic_ai,
    FASTMCP: _fastmcp,
    OPENAI: _openai,
    LANGCHAIN: _langchain,
}


def _module(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(name)


def _had(make: Callable[[], Callable[[], object]]) -> Callable[[], object] | MissingError:
    try:
        found = make()
        found()
    except Exception as error:
        return MissingError(f"{type(error).__name__}: {error}")
    return found
