"""Every page is read, each object is there once, and an id is never a path."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.peers import Peer, answering, json_response
from vapitools._connection import Connection
from vapitools._resources import Resource
from vapitools.client import VapiClient
from vapitools.errors import ApiError
from vapitools.testing import FakeVapi

# --- pages --------------------------------------------------------------------------------


class Store:
    """In the place of the connection: a server that pages as Vapi does."""

    def __init__(self, moments: list[int], *, most: int = 1000, oldest_first: bool = False) -> None:
        self.items = [{"id": f"{i}", "createdAt": f"{t:09}"} for i, t in enumerate(moments)]
        self.most = most
        self.oldest_first = oldest_first
        self.asked: list[dict[str, Any]] = []

    async def request(self, method: str, path: str, *, params: dict[str, Any]) -> Any:
        self.asked.append(params)
        assert len(self.asked) <= len(self.items) / 50 + 3, "it goes on and on"
        self.happens(len(self.asked))
        low, high = params.get("createdAtGe", ""), params.get("createdAtLe", "~")
        found = [item for item in self.items if low <= item["createdAt"] <= high]
        found.sort(key=lambda item: item["createdAt"], reverse=not self.oldest_first)
        return found[: min(params["limit"], self.most)]

    def happens(self, page: int) -> None:
        """Something between two pages."""


def listed(store: Any, **options: Any) -> list[str]:
    found = asyncio.run(Resource(store, "tool").list(**options))
    return [item["id"] for item in found]


COUNTS = [0, 1, 99, 100, 101, 130, 199, 200, 999, 1000, 1001, 2500]
ORDERS = pytest.mark.parametrize("oldest_first", [False, True], ids=["newest", "oldest"])


@ORDERS
@pytest.mark.parametrize("most", [100, 250, 1000])
@pytest.mark.parametrize("count", COUNTS)
def test_all_are_listed_once_and_in_order(count: int, most: int, oldest_first: bool) -> None:
    store = Store(list(range(count)), most=most, oldest_first=oldest_first)

    found = listed(store)

    everything = [str(i) for i in range(count)]
    assert found == (everything if oldest_first else everything[::-1])


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (99, 1), (130, 2), (1000, 2), (1001, 2)])
def test_no_more_pages_are_asked_for_than_needed(count: int, pages: int) -> None:
    store = Store(list(range(count)))

    listed(store, assistantId="a")

    assert len(store.asked) == pages
    assert store.asked[0] == {"assistantId": "a", "limit": 1000}
    assert all(asked["assistantId"] == "a" for asked in store.asked)


@ORDERS
@pytest.mark.parametrize("most", [100, 1000])
@given(moments=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 99)), max_size=40))
@settings(deadline=None, max_examples=40)
def test_any_number_may_be_made_at_one_moment_that_fits_on_a_page(
    most: int, oldest_first: bool, moments: list[tuple[int, int]]
) -> None:
    times = dict(moments)
    made = [moment for moment, count in times.items() for _ in range(count)]

    found = listed(Store(made, most=most, oldest_first=oldest_first))

    assert sorted(found, key=int) == [str(i) for i in range(len(made))]


@ORDERS
@given(before=st.integers(0, 150), at_once=st.integers(90, 220), after=st.integers(0, 150))
@settings(deadline=None, max_examples=60)
def test_more_at_one_moment_than_a_page_holds_are_listed_or_refused(
    oldest_first: bool, before: int, at_once: int, after: int
) -> None:
    made = [*range(before), *[1000] * at_once, *range(2000, 2000 + after)]
    store = Store(made, most=100, oldest_first=oldest_first)

    if at_once < 100:
        assert len(listed(store)) == len(made)
        return
    with pytest.raises(ApiError, match=r"one moment \(000001000\) than a page holds"):
        listed(store)


@ORDERS
@pytest.mark.parametrize("deleted", [[99], [100], [98, 99, 100], list(range(90, 110))])
def test_what_is_deleted_meanwhile_hides_nothing_else(
    oldest_first: bool, deleted: list[int]
) -> None:
    class Losing(Store):
        def happens(self, page: int) -> None:
            if page == 2:
                self.items = [item for item in self.items if int(item["id"]) not in deleted]

    found = listed(Losing(list(range(200)), most=100, oldest_first=oldest_first))

    assert {*map(int, found)} >= {*range(200)} - {*deleted}
    assert len(found) == len({*found})


@ORDERS
def test_what_is_made_meanwhile_hides_nothing(oldest_first: bool) -> None:
    class Growing(Store):
        def happens(self, page: int) -> None:
            if page <= 5:
                moment = 10_000 + page
                self.items += [
                    {"id": f"new {page} {i}", "createdAt": f"{moment:09}"} for i in range(30)
                ]

    found = listed(Growing(list(range(450)), most=100, oldest_first=oldest_first))

    assert {*found} >= {str(i) for i in range(450)}
    assert len(found) == len({*found})


def test_a_server_that_takes_no_filter_is_not_asked_for_ever() -> None:
    class Deaf(Store):
        async def request(self, method: str, path: str, *, params: dict[str, Any]) -> Any:
            return await super().request(method, path, params={"limit": 100})

    assert len(listed(Deaf(list(range(100)), most=100))) == 100


@pytest.mark.parametrize(
    ("limit", "expected", "asked"), [(1, 1, [1]), (100, 100, [100]), (150, 150, [150] * 2)]
)
def test_a_list_stops_at_its_limit(limit: int, expected: int, asked: list[int]) -> None:
    store = Store(list(range(300)), most=100)

    assert len(listed(store, limit=limit)) == expected
    assert [params["limit"] for params in store.asked] == asked


@ORDERS
def test_a_real_server_is_paged_through(oldest_first: bool) -> None:
    vapi = FakeVapi(oldest_first=oldest_first, page_size=100)
    names = [vapi.add("tool", {"type": "endCall"})["id"] for _ in range(230)]

    async def main(url: str) -> list[str]:
        async with VapiClient("test-key", base_url=url) as client:
            return [tool["id"] for tool in await client.tools.list()]

    with vapi.serve() as url:
        found = asyncio.run(main(url))

    assert found == (names if oldest_first else names[::-1])


# --- objects ------------------------------------------------------------------------------


def ask(answer: Any, method: str, *arguments: Any, status: str = "200 OK") -> tuple[Any, Peer]:
    """What a method makes of an answer."""

    async def main() -> tuple[Any, Peer]:
        async with answering(json_response(status, answer)) as peer:
            connection = Connection("key", peer.url, 5)
            try:
                return await getattr(Resource(connection, "tool"), method)(*arguments), peer
            except ApiError as error:
                return error, peer
            finally:
                await connection.aclose()

    return asyncio.run(main())


METHODS = [
    ("get", ("7",), "GET /tool/7"),
    ("create", ({"a": 1},), "POST /tool"),
    ("update", ("7", {"a": 1}), "PATCH /tool/7"),
]


@pytest.mark.parametrize(("method", "arguments", "line"), METHODS)
def test_an_object_is_what_the_server_answers(
    method: str, arguments: tuple[Any, ...], line: str
) -> None:
    found, peer = ask({"id": "7", "type": "new"}, method, *arguments)

    assert found == {"id": "7", "type": "new"}
    assert peer.lines == [line]


def test_a_deletion_returns_nothing() -> None:
    found, peer = ask({"id": "7"}, "delete", "7")

    assert found is None
    assert peer.lines == ["DELETE /tool/7"]


@pytest.mark.parametrize("answer", [None, [], "text", 7, {}, {"id": None}, {"id": 7}])
@pytest.mark.parametrize(("method", "arguments", "line"), METHODS)
def test_an_answer_of_another_kind_is_an_error(
    method: str, arguments: tuple[Any, ...], line: str, answer: Any
) -> None:
    error, _ = ask(answer, method, *arguments)

    assert str(error) == f"{line}: the answer is no object with an id; is VAPI_BASE_URL right?"
    assert error.was_done == (method != "get")


@pytest.mark.parametrize("answer", [None, {}, {"results": []}, "text", [1], [None], [{"id": 7}]])
def test_a_list_of_another_kind_is_an_error(answer: Any) -> None:
    error, _ = ask(answer, "list")

    assert str(error) == "GET /tool: the answer is no list; is VAPI_BASE_URL right?"
    assert not error.was_done


# --- ids ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "path"),
    [
        ("a/b", "a%2Fb"), ("../assistant/7", "..%2Fassistant%2F7"), ("a?limit=1", "a%3Flimit%3D1"),
        ("a#b", "a%23b"), ("a%2Fb", "a%252Fb"), ("ü", "%C3%BC"), ("a b", "a%20b"), ("...", "..."),
        ("\ud83d", "%3F"), ("\n", "%0A"), ("//evil.example/", "%2F%2Fevil.example%2F"),
        ("\\", "%5C"), ("http://evil.example", "http%3A%2F%2Fevil.example"), (";", "%3B"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "rest"), [("get", ()), ("update", ({},)), ("delete", ())], ids=lambda x: str(x)
)
def test_an_id_is_never_a_path(method: str, rest: tuple[Any, ...], id: str, path: str) -> None:
    _, peer = ask({"id": id}, method, id, *rest)

    assert [line.partition(" ")[2] for line in peer.lines] == [f"/tool/{path}"]


@pytest.mark.parametrize("id", ["", ".", ".."])
@pytest.mark.parametrize(("method", "rest"), [("get", ()), ("update", ({},)), ("delete", ())])
def test_what_is_no_id_is_not_asked_for(method: str, rest: tuple[Any, ...], id: str) -> None:
    error, peer = ask({"id": "7"}, method, id, *rest)

    verb = {"get": "GET", "update": "PATCH", "delete": "DELETE"}[method]
    assert str(error) == f"{verb} /tool: {id!r} is no id"
    assert peer.requests == []


@given(st.text(min_size=1).filter(lambda id: id not in (".", "..")))
def test_any_id_is_one_step_of_a_path(id: str) -> None:
    path = Resource(Connection("key", "http://127.0.0.1:9", 5), "tool")._one("GET", id)

    assert path.startswith("tool/")
    assert path.count("/") == 1
    assert path.isascii()
    assert not {*path} & {*"?#\\ \n"}
