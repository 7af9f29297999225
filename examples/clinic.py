"""A clinic's appointments: methods of one object as tools, so that they share what it holds.

    export VAPI_SERVER_SECRET=a-long-random-secret
    vapitools serve examples/clinic.py

The secret is what Vapi sends to prove itself. Without it, only this machine is served.

Nothing has to be stored at Vapi but the address of this server, `https://…/webhook`, and the
secret, on a phone number without an assistant: each call then asks here who is to answer it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from vapitools import (
    Assistant,
    AssistantRequest,
    CallContext,
    Events,
    RequestStart,
    ToolError,
    Toolset,
    tool,
)


class Specialty(Enum):
    """What a doctor is for. The model sees the values."""

    SKIN = "skin"
    HEART = "heart"
    CHILDREN = "children"


@dataclass(frozen=True)
class Doctor:
    """A doctor of the house."""

    name: str
    specialty: Specialty
    languages: tuple[str, ...]


class Patient(BaseModel):
    """Who comes. The model sees each field with its description."""

    name: str = Field(min_length=2, description="First and last name.")
    born: date
    insurance: Literal["public", "private"] = "public"
    allergies: list[str] = []


DOCTORS = [
    Doctor("Dr. Amara Okafor", Specialty.HEART, ("English", "French")),
    Doctor("Dr. Jonas Lind", Specialty.SKIN, ("English", "Swedish")),
    Doctor("Dr. Mei Tanaka", Specialty.CHILDREN, ("English", "Japanese")),
    Doctor("Dr. Ruth Weiss", Specialty.HEART, ("English", "German")),
]


class Clinic:
    """One house with its doctors and its diary.

    Args:
        doctors: Who works there.
        archive_seconds: How long the old archive takes to answer.
    """

    def __init__(self, doctors: list[Doctor], archive_seconds: float = 0.2) -> None:
        self._doctors = {doctor.name: doctor for doctor in doctors}
        self._archive_seconds = archive_seconds
        self._diary: dict[tuple[str, datetime], Patient] = {}
        self._phones: set[str] = set()
        # `def` tools run in threads, several at once.
        self._lock = threading.Lock()

    @tool
    async def find_doctors(
        self, specialty: Specialty | None = None, languages: list[str] | None = None
    ) -> list[Doctor]:
        """Find doctors of the house.

        Args:
            specialty: Leave it out to hear of all doctors.
            languages: The doctor should speak one of these, in English words.
        """
        spoken = {language.casefold() for language in languages or []}
        found = [
            doctor
            for doctor in self._doctors.values()
            if specialty in (None, doctor.specialty)
            and (not spoken or spoken & {language.casefold() for language in doctor.languages})
        ]
        if not found:
            raise ToolError("No doctor fits. Offer a doctor who speaks English.")
        return found

    @tool(messages=[RequestStart("I write you in.")])
    def book_appointment(
        self,
        patient: Patient,
        doctor: Annotated[str, "The doctor's full name, as find_doctors says it."],
        at: datetime,
        call: CallContext,
    ) -> str:
        """Book an appointment. Repeat the time and wait for a yes before you book.

        Args:
            patient: Ask for name and date of birth.
            at: Day and time.
        """
        if doctor not in self._doctors:
            raise ToolError(f"There is no such doctor. The doctors are {', '.join(self._doctors)}.")
        at = at.replace(tzinfo=None)  # models add a `Z` at times, and mean the clinic's own clock
        with self._lock:
            if (doctor, at) in self._diary:
                raise ToolError(f"{doctor} is taken at that time. Offer half an hour later.")
            self._diary[doctor, at] = patient
            if call.customer.number:
                self._phones.add(call.customer.number)
        return f"{patient.name} sees {doctor} on {at:%A %d %B at %H:%M}."

    @tool(messages=[RequestStart("The archive takes a moment.")], timeout=10)
    def next_appointment(self, name: str, born: date) -> str:
        """Look up the next appointment of a patient.

        Args:
            name: First and last name.
            born: The date of birth; without it nothing may be told.
        """
        time.sleep(self._archive_seconds)  # it blocks, as old systems do: only its thread waits
        with self._lock:
            own = [
                (at, doctor)
                for (doctor, at), patient in self._diary.items()
                if (patient.name.casefold(), patient.born) == (name.casefold(), born)
            ]
        if not own:
            raise ToolError("There is no appointment under that name and date of birth.")
        at, doctor = min(own)
        return f"{at:%A %d %B at %H:%M} with {doctor}."

    def knows(self, phone: str | None) -> bool:
        """Whether somebody has booked from that number."""
        with self._lock:
            return phone in self._phones


clinic = Clinic(DOCTORS)
tools = Toolset([clinic.find_doctors, clinic.book_appointment, clinic.next_appointment])

# Declared here and not in the handler: what is wrong in it is said while the bot is loaded. It
# has no `tools`, so Vapi is given those that are served.
desk = Assistant(
    name="Clinic desk",
    first_message="{{greeting}} How can I help you?",
    system_prompt=(
        "You book appointments at the desk of a clinic. You give no medical advice. Call "
        "find_doctors before you offer one, book_appointment once the caller has chosen, and "
        "next_appointment for who asks when they are due."
    ),
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
)
OPENING_HOURS = range(8, 18)

events = Events()


@events.on("assistant-request")
def answer_call(request: AssistantRequest) -> dict[str, Any] | str:
    """Let the desk answer by day. By night, the caller hears a sentence."""
    if datetime.now().hour not in OPENING_HOURS:
        return "The clinic is closed. Please call between eight and six."
    # A number can be faked: it earns a greeting, and nothing that only the patient may hear.
    known = clinic.knows(request.call.customer.number)
    greeting = "Welcome back." if known else "Welcome to the clinic."
    return {"assistant": desk, "assistantOverrides": {"variableValues": {"greeting": greeting}}}
