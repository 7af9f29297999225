"""Where a request comes from, and whose word counts for that."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapitools import OnlyFrom
from vapitools.errors import AuthenticationError, SettingsError

from .deliveries import delivery, let_in, refused, unread

VAPI, STRANGER, PROXY = "167.150.224.7", "8.8.8.8", "10.0.0.1"
PROXIES = ("10.0.0.0/8", "fd00::/8")
BEHIND = OnlyFrom(trusted_proxies=PROXIES)


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


@pytest.mark.parametrize("client", ["167.150.224.0", "167.150.225.255", "::ffff:167.150.224.7"])
def test_vapi_s_static_range_is_let_in(client: str) -> None:
    let_in(OnlyFrom(), [], unread, client=client)


@pytest.mark.parametrize("client", ["167.150.223.255", "167.150.226.0", "::1", "::ffff:8.8.8.8"])
def test_others_are_not(client: str) -> None:
    assert "in none of our networks" in refused(OnlyFrom(), [], unread, client=client)


def test_networks_of_one_s_own_take_the_place_of_vapi_s() -> None:
    own = OnlyFrom("192.0.2.0/24", "2001:db8::1")

    let_in(own, [], client="192.0.2.9")
    let_in(own, [], client="2001:db8::1")
    refused(own, [], client=VAPI)


LET_IN: dict[str, list[str]] = {
    "one proxy": [VAPI],
    "two proxies": [f"{VAPI}, 10.9.9.9"],
    "a proxy of version 6": [f"{VAPI},fd00::5"],
    "several headers": [VAPI, "10.9.9.9", "10.8.8.8"],
    "a lie before it": [f"{STRANGER}, {VAPI}, 10.9.9.9"],
    "junk before it": [f"<script>, {VAPI}"],
    "with a port": [f"{VAPI}:4711"],
    "in version 6": [f"[::ffff:{VAPI}]:4711"],
}


@pytest.mark.parametrize("values", LET_IN.values(), ids=LET_IN)
def test_a_trusted_proxy_is_believed(values: list[str]) -> None:
    let_in(BEHIND, forwarded(*values), unread, client=PROXY)


STRANGERS: dict[str, tuple[str, list[str], str]] = {
    "a stranger who says it is vapi": (STRANGER, [VAPI], "is it a proxy that trusted_proxies"),
    "a stranger behind a proxy": (PROXY, [STRANGER], f"the address {STRANGER} is in none"),
    "a stranger's lie behind a proxy": (PROXY, [f"{VAPI}, {STRANGER}"], STRANGER),
    "a lie in an earlier header": (PROXY, [VAPI, STRANGER], STRANGER),
    "a proxy that says nothing": (PROXY, [], "a trusted proxy that names no sender"),
    "proxies only": (PROXY, ["10.1.1.1, 10.2.2.2"], "a trusted proxy that names no sender"),
    "junk": (PROXY, ["unknown"], "cannot be read"),
    "junk behind it": (PROXY, [f"{VAPI}, "], "cannot be read"),
    "an empty header": (PROXY, [""], "names no sender"),
    "a port out of range": (PROXY, [f"{VAPI}:999999"], "cannot be read"),
    "a number": (PROXY, ["2811681799"], "cannot be read"),
}


@pytest.mark.parametrize(("client", "values", "why"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_refused(client: str, values: list[str], why: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        let_in(BEHIND, forwarded(*values), unread, client=client)

    assert why in str(caught.value)


@pytest.mark.parametrize("client", [None, ""])
def test_a_sender_without_an_address_is_refused(client: str | None) -> None:
    assert "unknown to the server" in refused(OnlyFrom(), forwarded(VAPI), client=client)


def test_a_zone_of_version_6_is_not_shown() -> None:
    said = refused(BEHIND, forwarded("2001:db8::1%\nFORGED"), client=PROXY)

    assert "the address 2001:db8::1 is in none" in said
    assert "FORGED" not in said


addresses = st.ip_addresses().map(str) | st.text(st.characters(max_codepoint=255), max_size=20)


@given(addresses, st.lists(addresses, max_size=4))
def test_whatever_is_said_nobody_gets_in_but_from_our_networks(
    client: str, values: list[str]
) -> None:
    try:
        asyncio.run(BEHIND.verify(delivery(forwarded(*values), client=client)))
    except AuthenticationError:
        return
    last = client if not values else values[-1].rpartition(",")[2]
    assert any(
        ipaddress.ip_address(text.strip()) in ipaddress.ip_network("167.150.224.0/23")
        for text in (client, last)
    )


UNUSABLE: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "a host's name": (("vapi.ai",), (), "'vapi.ai' does not appear to be"),
    "bits of a host": (("10.0.0.1/8",), (), "has host bits set"),
    "empty": (("",), (), "write it like 10.0.0.0/8"),
    "a proxy by name": ((), ["proxy"], "'proxy' does not appear to be"),
    "everybody as proxy": ((), ["0.0.0.0/0"], "trusted_proxies holds every address"),
    "everybody in version 6": ((), ["10.0.0.1", "::/0"], "trusted_proxies holds every address"),
}


@pytest.mark.parametrize(("networks", "proxies", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_refused_at_once(
    networks: tuple[str, ...], proxies: Any, why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        OnlyFrom(*networks, trusted_proxies=proxies)


def test_one_proxy_needs_no_list() -> None:
    let_in(OnlyFrom(trusted_proxies=PROXY), forwarded(VAPI), client=PROXY)


def test_an_inline_assistant_calls_from_the_static_range_when_that_is_wanted() -> None:
    assert OnlyFrom().server_fields() == {"staticIpAddressesEnabled": True}
    assert OnlyFrom("10.0.0.0/8").server_fields() == {}


def test_the_repr_shows_the_networks() -> None:
    assert repr(OnlyFrom()) == "OnlyFrom('167.150.224.0/23')"
