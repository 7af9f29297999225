"""Which fields the resources of Vapi's API have, and the values of the closed ones.

https://docs.vapi.ai/api-reference
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["tool", "assistant", "squad", "phone-number", "call"]
"""A resource, spelled as in its path."""

KINDS: tuple[Kind, ...] = ("tool", "assistant", "squad", "phone-number", "call")

TITLES: dict[Kind, str] = {
    "tool": "Tool",
    "assistant": "Assistant",
    "squad": "Squad",
    "phone-number": "Phone Number",
    "call": "Call",
}
"""What errors call them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EVERY_TOOL = _words("type messages rejectionPlan")
_NAMED_TOOL = _words("name subType server")

# `make`, `ghl` and `output` can no longer be created as the description of the API has it, but
# they still have a place in it.
_TOOLS = {
    "function": _words("async function parameters server variableExtractionPlan"),
    "apiRequest": _words(
        "backoffPlan body credentialId description encryptedPaths headers method name parameters "
        "timeoutSeconds url variableExtractionPlan"
    ),
    "code": _words(
        "async code credentialId environmentVariables function server timeoutSeconds "
        "variableExtractionPlan"
    ),
    "dtmf": _words("sipInfoDtmfEnabled"),
    "endCall": _words(""),
    "transferCall": _words("destinations"),
    "handoff": _words("defaultResult destinations function"),
    "bash": _NAMED_TOOL,
    "computer": _NAMED_TOOL | _words("displayHeightPx displayNumber displayWidthPx"),
    "textEditor": _NAMED_TOOL,
    "query": _words("knowledgeBases"),
    "mcp": _words("metadata server toolMessages"),
    "sipRequest": _words("body headers verb"),
    "sms": _words(""),
    "voicemail": _words("beepDetectionEnabled"),
    "google.calendar.event.create": _words(""),
    "google.calendar.availability.check": _words(""),
    "google.sheets.row.append": _words(""),
    "slack.message.send": _words(""),
    "gohighlevel.calendar.availability.check": _words(""),
    "gohighlevel.calendar.event.create": _words(""),
    "gohighlevel.contact.create": _words(""),
    "gohighlevel.contact.get": _words(""),
    "make": _words("metadata"),
    "ghl": _words("metadata"),
    "output": _words(""),
}
TOOLS = {type: fields | _EVERY_TOOL for type, fields in _TOOLS.items()}
"""The fields of each type of tool."""

_EVERY_NUMBER = _words(
    "provider name assistantId squadId workflowId server hooks fallbackDestination"
)
_PHONE_NUMBERS = {
    "byo-phone-number": _words("credentialId number numberE164CheckEnabled"),
    "twilio": _words(
        "number smsEnabled twilioAccountSid twilioApiKey twilioApiSecret twilioAuthToken"
    ),
    "vonage": _words("credentialId number"),
    "vapi": _words("authentication numberDesiredAreaCode sipUri"),
    "telnyx": _words("credentialId number"),
}
PHONE_NUMBERS = {provider: fields | _EVERY_NUMBER for provider, fields in _PHONE_NUMBERS.items()}
"""The fields of a phone number of each provider."""

ASSISTANT = _words(
    "analysisPlan artifactPlan backgroundSound backgroundSpeechDenoisingPlan clientMessages "
    "compliancePlan credentialIds credentials endCallMessage endCallPhrases firstMessage "
    "firstMessageInterruptionsEnabled firstMessageMode hooks keypadInputPlan maxDurationSeconds "
    "metadata model modelOutputInMessagesEnabled monitorPlan name observabilityPlan server "
    "serverMessages startSpeakingPlan stopSpeakingPlan transcriber transportConfigurations voice "
    "voicemailDetection voicemailMessage"
)
SQUAD = _words("name members membersOverrides")
CALL = _words(
    "assistant assistantId assistantOverrides assistantVersion customer customerId customers name "
    "phoneNumber phoneNumberId schedulePlan squad squadId squadOverrides transport workflow "
    "workflowId workflowOverrides"
)
CALL_UPDATE = _words("name")

SERVER_MESSAGES = (
    "assistant.started assistant.speechStarted conversation-update end-of-call-report "
    "function-call hang language-changed language-change-detected model-output phone-call-control "
    'speech-update status-update transcript transcript[transcriptType="final"] tool-calls '
    "transfer-destination-request handoff-destination-request transfer-update user-interrupted "
    "voice-input chat.created chat.deleted session.created session.updated session.deleted "
    "call.deleted call.delete.failed call.artifact.upload"
).split()
CLIENT_MESSAGES = (
    "conversation-update assistant.speechStarted function-call function-call-result hang "
    "language-changed metadata model-output speech-update status-update transcript tool-calls "
    "tool-calls-result tool.completed transfer-update user-interrupted voice-input "
    "workflow.node.started assistant.started"
).split()
FIRST_MESSAGE_MODES = (
    "assistant-speaks-first assistant-speaks-first-with-model-generated-message "
    "assistant-waits-for-user"
).split()
TOOL_MESSAGES = "request-start request-response-delayed request-complete request-failed".split()
