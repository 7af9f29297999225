"""Tools for Vapi voice assistants: plain functions, described, served and answered right."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._results import ToolResult
from .auth import (
    AllOf,
    AnyOf,
    BearerToken,
    HmacSignature,
    OAuth2,
    OnlyFrom,
    SharedSecret,
)
from .context import CallContext, Encrypted, Static
from .destinations import AssistantDestination, NumberDestination, SipDestination
from .errors import ArgumentError, CallControlError, DefinitionError, ToolError, VapiToolsError
from .events import Events
from .server_messages import (
    AssistantRequest,
    AssistantSpeechStarted,
    AssistantStarted,
    CallArtifactUpload,
    CallEndpointingRequest,
    CallEvent,
    CampaignPredial,
    ChatEvent,
    ConversationUpdate,
    EndOfCallReport,
    HandoffDestinationRequest,
    Hang,
    KnowledgeBaseRequest,
    LanguageChangeDetected,
    ModelOutput,
    PhoneCallControl,
    ServerMessage,
    SessionEvent,
    SpeechUpdate,
    StatusUpdate,
    Transcript,
    TransferDestinationRequest,
    TransferUpdate,
    UserInterrupted,
    VoiceInput,
    VoiceRequest,
)
from .settings import Settings
from .spoken import Condition, RequestComplete, RequestDelayed, RequestFailed, RequestStart
from .tools import Tool, tool
from .toolset import Toolset
from .web import router

if TYPE_CHECKING:
    from .answers import Document, SavedSquad
    from .assistants import Assistant, SavedAssistant
    from .builtin_tools import (
        ApiRequest,
        Dtmf,
        EndCall,
        Handoff,
        Mcp,
        Query,
        Sms,
        TransferCall,
        Voicemail,
    )
    from .squads import Member, Squad
else:
    # Loaded when one is asked for: they are a tenth of what importing takes, and a bot with
    # nothing but tools needs none.
    _LATE = {
        "answers": ("Document", "SavedSquad"),
        "assistants": ("Assistant", "SavedAssistant"),
        "builtin_tools": (
            "ApiRequest",
            "Dtmf",
            "EndCall",
            "Handoff",
            "Mcp",
            "Query",
            "Sms",
            "TransferCall",
            "Voicemail",
        ),
        "squads": ("Member", "Squad"),
    }

    def __getattr__(name: str) -> Any:
        for module, names in _LATE.items():
            if name == module:
                return import_module(f".{module}", __name__)
            if name in names:
                found = getattr(import_module(f".{module}", __name__), name)
                globals()[name] = found
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "AllOf",
    "AnyOf",
    "ApiRequest",
    "ArgumentError",
    "Assistant",
    "AssistantDestination",
    "AssistantRequest",
    "AssistantSpeechStarted",
    "AssistantStarted",
    "BearerToken",
    "CallArtifactUpload",
    "CallContext",
    "CallControlError",
    "CallEndpointingRequest",
    "CallEvent",
    "CampaignPredial",
    "ChatEvent",
    "Condition",
    "ConversationUpdate",
    "DefinitionError",
    "Document",
    "Dtmf",
    "Encrypted",
    "EndCall",
    "EndOfCallReport",
    "Events",
    "Handoff",
    "HandoffDestinationRequest",
    "Hang",
    "HmacSignature",
    "KnowledgeBaseRequest",
    "LanguageChangeDetected",
    "Mcp",
    "Member",
    "ModelOutput",
    "NumberDestination",
    "OAuth2",
    "OnlyFrom",
    "PhoneCallControl",
    "Query",
    "RequestComplete",
    "RequestDelayed",
    "RequestFailed",
    "RequestStart",
    "SavedAssistant",
    "SavedSquad",
    "ServerMessage",
    "SessionEvent",
    "Settings",
    "SharedSecret",
    "SipDestination",
    "Sms",
    "SpeechUpdate",
    "Squad",
    "Static",
    "StatusUpdate",
    "Tool",
    "ToolError",
    "ToolResult",
    "Toolset",
    "Transcript",
    "TransferCall",
    "TransferDestinationRequest",
    "TransferUpdate",
    "UserInterrupted",
    "VapiToolsError",
    "VoiceInput",
    "VoiceRequest",
    "Voicemail",
    "router",
    "tool",
]
