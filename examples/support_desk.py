"""A lamp shop's support: a squad of two assistants, a knowledge base, and a way to a person.

    export VAPI_SERVER_SECRET=a-long-random-secret
    export VAPITOOLS_URL=https://lumen.example.com
    vapitools serve examples/support_desk.py

The secret is what Vapi sends to prove itself. Without it, only this machine is served. The
address is where Vapi reaches this server; set it here and not with a flag, because the assistant
has to name it once more, for its knowledge base. With your private key in VAPI_API_KEY, this
brings the squad to Vapi:

    vapitools apply examples/support_desk.py

Or store nothing there: give a phone number the address of this server, `https://…/webhook`, and
no assistant, and each call asks here who is to answer it.

The front desk answers questions and sorts the callers; the order desk looks after orders and
refunds. SHOP_PERSON is the phone number of a person. The orders are four examples in memory: to
have your own, ask your shop in the methods of `Shop`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from vapitools import (
    Assistant,
    AssistantDestination,
    AssistantRequest,
    CallContext,
    CallControlError,
    Document,
    EndCall,
    Events,
    Handoff,
    HandoffDestinationRequest,
    KnowledgeBaseRequest,
    NumberDestination,
    RequestDelayed,
    RequestStart,
    Settings,
    SharedSecret,
    Squad,
    Static,
    ToolError,
    Toolset,
    TransferCall,
    TransferDestinationRequest,
    tool,
)

# By the clock of the machine that serves.
OPENING_HOURS = {weekday: range(9, 17) for weekday in range(5)}
OPENING_HOURS_IN_WORDS = "Monday to Friday from nine to five"
RETURN_DAYS = timedelta(days=30)

# --- orders -------------------------------------------------------------------------------

Reason = Literal["broken", "wrong item", "changed my mind"]


@dataclass(frozen=True)
class Order:
    """What somebody has bought. It arrives some time after it was sent."""

    number: str
    phone: str
    item: str
    price: Decimal
    sent: date | None = None
    arrived: date | None = None


class Shop:
    """The orders and what was asked back.

    Args:
        orders: All orders.
        carrier_seconds: How long the carrier takes to answer.
    """

    def __init__(self, orders: Iterable[Order], carrier_seconds: float = 2.0) -> None:
        self._orders = {order.number: order for order in orders}
        self._carrier_seconds = carrier_seconds
        self._refunds: dict[str, Reason] = {}

    def find(self, number: str, phone: str) -> Order | None:
        """The order of that number, if it was made from that phone."""
        order = self._orders.get(number)
        return order if order is not None and order.phone == phone else None

    async def ask_carrier(self, order: Order) -> str:
        """Where the parcel is."""
        await asyncio.sleep(self._carrier_seconds)
        return "in the delivery van, and arrives today"

    def note_refund(self, order: Order, reason: Reason) -> bool:
        """Note it for the person who pays it out. False when it was noted before."""
        # Nothing is awaited in between, so of two callers one is first.
        is_new = order.number not in self._refunds
        self._refunds.setdefault(order.number, reason)
        return is_new


def _examples(today: date) -> list[Order]:
    anna, ben = "+15550100010", "+15550100011"
    return [
        Order("1001", anna, "reading lamp", Decimal("39.90"), sent=today - timedelta(days=2)),
        Order("1002", anna, "desk lamp", Decimal("59.00"), *(today - timedelta(days=9),) * 2),
        Order("1003", ben, "floor lamp", Decimal("149.00"), *(today - timedelta(days=60),) * 2),
        Order("1004", ben, "night light", Decimal("12.50")),
    ]


shop = Shop(_examples(date.today()))

# Vapi fills it in, so nobody can talk the model into another number. Empty in a call from the web.
Caller = Annotated[str, Static("{{customer.number}}")]
Number = Annotated[str, "The number of the order, four digits. Ask for it."]


@tool(messages=[RequestStart("Let me see."), RequestDelayed("The carrier is slow today.", after=8)])
async def track_order(order: Number, call: CallContext, caller: Caller = "") -> str:
    """Say where an order is, also whether it was sent or has arrived."""
    found = _own(order, caller)
    if found.arrived:
        return f"The {found.item} arrived on {found.arrived:%A %d %B}."
    if not found.sent:
        return f"The {found.item} is being packed. It is sent within two days."
    # The caller hears what is known, while the carrier is asked for the rest.
    so_far = f"Your {found.item} left us on {found.sent:%A}. I am asking the carrier where it is."
    where, was_heard = await asyncio.gather(shop.ask_carrier(found), _said(call, so_far))
    known = "" if was_heard else f" left us on {found.sent:%A}, and"
    return f"The {found.item}{known} is {where}."


async def _said(call: CallContext, text: str) -> bool:
    """Say it, if somebody is there to hear it: a chat has no voice, and a caller may hang up."""
    try:
        await call.say(text)
    except CallControlError:
        return False
    return True


@tool(messages=[RequestStart("One moment, I write that down.")])
async def request_refund(order: Number, reason: Reason, caller: Caller = "") -> str:
    """Note that the caller wants the money back. Repeat order and reason, and wait for a yes.

    Args:
        reason: Why. Ask for it.
    """
    found = _own(order, caller)
    if not found.arrived:
        raise ToolError("It has not arrived yet. Offer to say where it is with track_order.")
    if reason == "changed my mind" and date.today() > found.arrived + RETURN_DAYS:
        raise ToolError(
            f"It arrived on {found.arrived:%d %B}, and can be sent back for {RETURN_DAYS.days} "
            "days. Say so, and offer a person."
        )
    noted = "Noted" if shop.note_refund(found, reason) else "It was noted before"
    return f"{noted}: {found.price} euros for the {found.item}. They are paid within five days."


def _own(number: str, caller: str) -> Order:
    """The caller's order.

    Whether there is such an order of somebody else is not told: numbers are easily guessed.
    """
    digits = re.sub(r"\D", "", number)  # people say "number", "A" and "dash" before it
    found = shop.find(digits, caller) if caller else None
    if found is None:
        raise ToolError(
            "There is no order of that number from this phone. Ask for the number once more; if "
            "it stays the same, offer a person."
        )
    return found


# --- what the shop knows ------------------------------------------------------------------

KNOWLEDGE = [
    "Shipping: we send lamps within two days, and they take two to four days to you. Shipping is "
    "free from 50 euros on; below, it costs 4.90 euros. We deliver in the European Union.",
    f"Returns: you can send a lamp back within {RETURN_DAYS.days} days after it has arrived. The "
    "return label is in the parcel, and the return costs nothing.",
    "Warranty: each lamp has two years of warranty. A broken one is repaired or replaced.",
    "Payment: you can pay by card, by PayPal, or on invoice. Gift cards are taken, too.",
    "Bulbs: reading and desk lamps take E14 bulbs up to 40 watts, floor lamps E27 up to 60 watts. "
    "LED bulbs fit all lamps and can be dimmed when the package says so.",
    f"Opening hours: a person is on the phone {OPENING_HOURS_IN_WORDS}. The shop has no store.",
]
# It goes to the model, which would make something up where it is given nothing.
NOTHING = Document(
    "If this was a question about the shop: nothing is written down on it. Do not guess. Say that "
    "you do not know, and offer a person.",
    similarity=0.0,
)
MOST_DOCUMENTS = 2
COMMON_WORDS = set(
    """
    a about all am an and any are as at be but by can could do does for from get had has have
    hello her hi him his how i if in is it its just like long many may me much my no not of ok
    okay on one or our please she so some tell than thank that the their them then there they
    this to too up us want was we well were what when where which who why will with would yes
    you your
    """.split()
)


def look_up(question: str) -> list[Document]:
    """What the shop knows about a question: the share of its words that a text has, best first.

    It is no search engine: it finds words, not meanings. For a few dozen texts that is enough,
    and you can see why it found what it found.
    """
    asked = _words(question)
    if not asked:
        return []
    shares = [(len(asked & _words(text)) / len(asked), text) for text in KNOWLEDGE]
    best = sorted((each for each in shares if each[0]), key=lambda each: -each[0])
    return [Document(text, round(share, 2)) for share, text in best[:MOST_DOCUMENTS]] or [NOTHING]


def _words(text: str) -> set[str]:
    found = re.findall(r"[^\W_]+", text.casefold())
    # "lamps" is to find "lamp".
    return {word.removesuffix("s") for word in found if word not in COMMON_WORDS}


def _knowledge_base() -> dict[str, Any]:
    """Where Vapi asks for knowledge. It wants to be told, even where it is the assistant's own."""
    settings = Settings.from_environ(os.environ)
    if settings.url is None:
        return {}
    secrets = settings.server_secrets
    fields = SharedSecret(*secrets).server_fields() if secrets else {}
    server = {"url": f"{settings.url}/webhook", **fields}
    return {"knowledgeBase": {"provider": "custom-knowledge-base", "server": server}}


# --- who answers --------------------------------------------------------------------------

tools = Toolset([track_order, request_refund])

order_desk = Assistant(
    name="Lumen order desk",
    first_message="The order desk. What is the number of your order?",
    system_prompt=(
        "You look after the orders of the lamp shop Lumen. Ask for the number of the order. Call "
        "track_order for who waits for a lamp, and request_refund for who wants the money back. "
        "You see the orders of the phone that calls, and no others. For any other question, hand "
        "the caller back to the front desk. Use transferCall for who wants a person, and endCall "
        "after goodbye. Be short: you are heard, not read. Today is {{date}}."
    ),
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    tools=[
        *tools,
        Handoff(
            AssistantDestination(
                "Lumen front desk",
                description="The caller asks for something that is not about an order.",
                # Who was greeted once is not greeted again.
                overrides={"firstMessage": "What else would you like to know?"},
            )
        ),
        TransferCall(),
        EndCall(),
    ],
)

front_desk = Assistant(
    name="Lumen front desk",
    first_message="Lumen lamps, hello! Is it about an order, or a question?",
    system_prompt=(
        "You answer the phone of the lamp shop Lumen. Answer questions about the shop only from "
        "the documents that you are given; where they say nothing, say that you do not know. Call "
        "hand_over for who asks for an order or a refund. Use transferCall for who wants a "
        "person, and endCall after goodbye. Be short: you are heard, not read."
    ),
    model={"provider": "openai", "model": "gpt-4o", **_knowledge_base()},
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    tools=[
        # To whom is asked of `find_colleague`, and where TransferCall leads of `find_person`.
        Handoff(
            function={
                "name": "hand_over",
                "description": "Hand the caller over to the colleague for orders and refunds.",
                "parameters": {
                    "type": "object",
                    "properties": {"topic": {"type": "string", "enum": ["order", "refund"]}},
                    "required": ["topic"],
                },
            }
        ),
        TransferCall(),
        EndCall(),
    ],
)

support = Squad("Lumen support", [front_desk, order_desk])

OPENINGS = {
    "order": "The order desk, hello. What is the number of your order?",
    "refund": "The order desk, hello. What is the number of the order that you send back?",
}

# --- what Vapi asks -----------------------------------------------------------------------

events = Events()


@events.on("assistant-request")
def answer_call(request: AssistantRequest) -> Squad:
    """Let the squad answer, where nothing is stored at Vapi."""
    return support


@events.on("knowledge-base-request")
def find_knowledge(request: KnowledgeBaseRequest) -> list[Document]:
    """Give the model what the shop knows about the caller's last words."""
    return look_up(request.question or "")


@events.on("handoff-destination-request")
def find_colleague(request: HandoffDestinationRequest) -> AssistantDestination | str:
    """Hand over to the order desk, which begins with what the caller wants."""
    opening = OPENINGS.get(str(request.parameters.get("topic")).lower())
    if opening is None:
        return "There is no colleague for that. Answer it yourself, or offer a person."
    return AssistantDestination("Lumen order desk", overrides={"firstMessage": opening})


@events.on("transfer-destination-request")
def find_person(request: TransferDestinationRequest) -> NumberDestination | str:
    """Say where a caller goes who asks for a person, or why that is not possible."""
    person = os.environ.get("SHOP_PERSON")
    if not person or not is_open(datetime.now()):
        return f"Nobody is on the phone now. People are there {OPENING_HOURS_IN_WORDS}."
    return NumberDestination(person, message="I am putting you through.")


def is_open(now: datetime) -> bool:
    """Whether people are on the phone."""
    return now.hour in OPENING_HOURS.get(now.weekday(), ())
