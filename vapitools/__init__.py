"""Tools for Vapi voice assistants: plain functions, described, served and answered right."""

from ._results import ToolResult
from .auth import SharedSecret
from .context import CallContext, Static
from .errors import ArgumentError, DefinitionError, ToolError, VapiToolsError
from .settings import Settings
from .spoken import Condition, RequestComplete, RequestDelayed, RequestFailed, RequestStart
from .tools import Tool, tool
from .toolset import Toolset
from .web import router

__all__ = [
    "ArgumentError",
    "CallContext",
    "Condition",
    "DefinitionError",
    "RequestComplete",
    "RequestDelayed",
    "RequestFailed",
    "RequestStart",
    "Settings",
    "SharedSecret",
    "Static",
    "Tool",
    "ToolError",
    "ToolResult",
    "Toolset",
    "VapiToolsError",
    "router",
    "tool",
]
