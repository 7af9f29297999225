"""Two spellings of one thing are one, and each change is found, whoever has made it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vapitools.sync._canonical import canonical, digest
from vapitools.sync._comparison import changes, compare, sums
from vapitools.sync._marks import Mark

# The digest of a secret is slow on purpose.
unhurried = settings(deadline=None)

KEYS = st.sampled_from(
    ["name", "contents", "conditions", "blocking", "async", "default", "required", "secret", "url"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
FIELDS = st.dictionaries(
    st.sampled_from(["firstMessage", "voice", "model.model", "model.tools.endCall"]), VALUES
)


def test_what_vapi_adds_by_itself_is_seen_through() -> None:
    sent = {"messages": [{"type": "request-start", "content": "One moment."}]}
    kept = {"type": "request-start", "content": "One moment.", "contents": [], "conditions": []}

    assert digest(sent) == digest({"messages": [{**kept, "blocking": False}]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"timeoutSeconds": 20}, {"timeoutSeconds": 20.0}),
        ({"a": 1, "b": None}, {"b": None, "a": 1}),
        ({"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"type": "string"}, {"type": "string", "default": ""}),
    ],
)
def test_two_spellings_of_one_thing_have_one_digest(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"enum": ["b", "a"]}, {"enum": ["a", "b"]}),
        ({"serverMessages": []}, {}),
        ({"default": "x"}, {}),
        ({"numberE164CheckEnabled": False}, {}),
        ({"content": ""}, {}),
        ({"value": 1}, {"value": "1"}),
        ({"value": 1}, {"value": True}),
    ],
)
def test_two_things_have_two(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


@given(VALUES)
def test_the_canonical_form_is_one_and_is_json(value: Any) -> None:
    before = copy.deepcopy(value)

    once = canonical(value)

    assert canonical(once) == once
    assert canonical(json.loads(json.dumps(value))) == once
    assert value == before


@unhurried
@given(st.text(min_size=4), st.text(min_size=4))
def test_a_new_secret_has_a_new_digest_and_none_shows(old: str, new: str) -> None:
    digests = [digest({"server": {"secret": secret}}) for secret in (old, new)]

    assert (digests[0] == digests[1]) == (old == new)


@unhurried
@given(FIELDS)
def test_what_is_as_it_was_sent_is_not_written(fields: dict[str, Any]) -> None:
    mark = Mark("", ("Luigi",), sums(fields))

    found = compare(fields, fields, mark, mark)

    assert (found.written, found.edited, found.is_stale) == ((), (), False)


@unhurried
@given(FIELDS, FIELDS)
def test_what_vapi_has_stored_otherwise_is_not_written_again(
    fields: dict[str, Any], stored: dict[str, Any]
) -> None:
    sent = sums(fields)
    kept = {path: digest(stored.get(path)) for path in fields}
    mark = Mark("", ("Luigi",), sent, {p: sum for p, sum in kept.items() if sum != sent[p]})

    found = compare(fields, {path: stored.get(path) for path in fields}, mark, mark)

    assert (found.written, found.edited) == ((), ())


@unhurried
@given(FIELDS, FIELDS, FIELDS)
def test_each_edit_is_found_unless_it_says_what_the_code_says(
    before: dict[str, Any], stored: dict[str, Any], declared: dict[str, Any]
) -> None:
    mark = Mark("", ("Luigi",), sums(before))
    wanted = Mark("", ("Luigi",), sums(declared))

    found = compare(declared, stored, mark, wanted)

    for path in {*declared, *stored}:
        is_edited = path in before and digest(stored.get(path)) != digest(before[path])
        differs = digest(stored.get(path)) != digest(declared.get(path))
        assert (path in found.edited) == (is_edited and differs)
        assert (path in found.written) >= (path in found.edited)


@unhurried
@given(FIELDS, FIELDS)
def test_what_is_not_known_yet_is_compared_value_by_value(
    stored: dict[str, Any], declared: dict[str, Any]
) -> None:
    found = compare(declared, stored, None, Mark("", (), sums(declared)))

    differing = [p for p in declared if digest(declared[p]) != digest(stored.get(p))]
    assert {*differing} <= {*found.written}
    assert found.edited == ()


def test_a_change_is_told_value_by_value_and_its_secrets_are_masked() -> None:
    stored = {"server": {"url": "https://a", "secret": "old", "headers": {"X-Key": "k1"}}}
    declared = {"server": {"url": "https://b", "secret": "new", "headers": {"X-Key": "k2"}}}
    found = compare(declared, stored, None, Mark("", (), sums(declared)))

    told = {each.path: (each.old, each.new) for each in changes(declared, stored, found)}

    assert told == {
        "server.headers.X-Key": ("•••", "•••"),
        "server.secret": ("•••", "•••"),
        "server.url": ("https://a", "https://b"),
    }


def test_an_apply_that_was_stopped_before_it_noted_what_vapi_adds_is_no_edit() -> None:
    declared = {"voice": {"provider": "vapi", "voiceId": "Elliot"}}
    stored = {"voice": {"provider": "vapi", "voiceId": "Elliot", "speed": 1}}
    mark = Mark("", ("Luigi",), sums(declared))

    stopped = compare(declared, stored, mark, mark, is_just_written=True)
    edited = compare(declared, stored, mark, mark)

    assert (stopped.written, stopped.edited, stopped.is_stale) == ((), (), True)
    assert edited.edited == ("voice",)


@given(
    st.text(),
    st.lists(st.text(max_size=40), max_size=3),
    st.dictionaries(st.text(), st.text()),
    st.dictionaries(st.text(), st.text()),
    st.integers(0, 2**40),
)
def test_a_mark_is_what_it_was_after_a_journey_in_a_header(
    env: str, owners: list[str], sent: dict[str, str], kept: dict[str, str], at: int
) -> None:
    mark = Mark(env, tuple(owners), sent, kept, at)

    text = mark.dump()

    assert text.isascii()
    assert text.isprintable()
    assert Mark.parse(text) == mark


@given(VALUES)
def test_what_is_no_mark_is_none(value: Any) -> None:
    assert Mark.parse(value) is None
    assert Mark.parse(json.dumps(value)) is None
