"""A request to the API and its answer."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .._shapes import is_object
from ._fields import KINDS, TITLES, Kind
from ._parts import Body
from ._platform_defaults import without_secrets
from ._recording import RecordedRequest
from ._refusals import RefusedError, not_found, refused, wrong_key
from ._store import Store

NEW_CALL: Body = {"type": "outboundPhoneCall", "status": "queued"}

_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}
_RESOURCE = re.compile(r"/([a-z-]+)(?:/([^/]+))?")
_CONTROL = re.compile(r"/control/([^/]+)")
_MOST = 1000

_NOBODY_SPEAKS = (
    "Couldn't Get Assistant. Need Either `assistant`, `assistantId`, `squad`, Or `squadId`."
)
_NO_NUMBER = "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`."
_SPEAKERS = ("assistant", "assistantId", "squad", "squadId", "workflow", "workflowId")
_NUMBERS = ("phoneNumber", "phoneNumberId", "transport")
_REFERENCES: dict[Kind, str] = {
    "assistant": "assistantId",
    "squad": "squadId",
    "phone-number": "phoneNumberId",
}


@dataclass(frozen=True)
class Rest:
    """The API of one organisation."""

    store: Store
    api_key: str
    page_size: int | None
    oldest_first: bool
    returns_secrets: bool

    def answer(self, request: Request, came: RecordedRequest) -> Response:
        """Do what is asked."""
        try:
            return self._answered(request, came)
        except RefusedError as refusal:
            return JSONResponse(refusal.body, refusal.status)

    def _answered(self, request: Request, came: RecordedRequest) -> Response:
        if control := _CONTROL.fullmatch(came.path):
            return self._control(control[1], came)
        self._authenticate(request)
        found = _RESOURCE.fullmatch(came.path)
        if found is None or found[1] not in _KINDS:
            raise _no_such_route(came)
        return self._routed(_KINDS[found[1]], found[2], came, _base_url(request))

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.api_key}".encode()):
            raise wrong_key()

    def _routed(self, kind: Kind, id: str | None, came: RecordedRequest, base: str) -> Response:
        if id is not None:
            return JSONResponse(self._seen(kind, self._one(kind, id, came), base))
        if came.method == "GET":
            return JSONResponse([self._seen(kind, item, base) for item in self._page(kind, came)])
        if came.method == "POST":
            return JSONResponse(self._created(kind, _object(came), base), 201)
        raise _no_such_route(came)

    def _one(self, kind: Kind, id: str, came: RecordedRequest) -> Body:
        if came.method == "GET":
            return self.store.get(kind, id)
        if came.method == "PATCH":
            return self.store.update(kind, id, _object(came))
        if came.method == "DELETE":
            return self.store.delete(kind, id)
        raise _no_such_route(came)

    def _page(self, kind: Kind, came: RecordedRequest) -> list[Body]:
        limit = _limit(came.query.get("limit", "100"))
        if self.page_size is not None:
            limit = min(limit, self.page_size)
        items = self.store.filtered(kind, came.query)
        return (items if self.oldest_first else items[::-1])[:limit]

    def _created(self, kind: Kind, body: Body, base: str) -> Body:
        if kind == "call":
            return self._called(body, base)
        return self._seen(kind, self.store.create(kind, body), base)

    def _called(self, body: Body, base: str) -> Body:
        self.store.check("call", body)
        self._check_references(body)
        customers = body.pop("customers", None)
        if customers is None:
            return self._dialed(body, base)
        calls = [self._dialed({**body, "customer": customer}, base) for customer in customers]
        return {"results": calls, "errors": []}

    def _check_references(self, body: Body) -> None:
        if not any(body.get(name) for name in _SPEAKERS):
            raise refused(400, _NOBODY_SPEAKS)
        if not any(body.get(name) for name in _NUMBERS):
            raise refused(400, _NO_NUMBER)
        for kind, name in _REFERENCES.items():
            id = body.get(name)
            if id is not None and not self.store.has(kind, id):
                raise refused(400, f"Couldn't Get {TITLES[kind]}. `{name}` {id} Does Not Exist.")

    def _dialed(self, body: Body, base: str) -> Body:
        later = {"status": "scheduled"} if body.get("schedulePlan") else {}
        return self._seen("call", self.store.add("call", {**NEW_CALL, **later, **body}), base)

    def _seen(self, kind: Kind, item: Body, base: str) -> Body:
        """A resource as it is read at this address."""
        if kind == "call":
            item = {**item, "monitor": _monitor(item["id"], base)}
        return item if self.returns_secrets else without_secrets(item)

    def _control(self, call_id: str, came: RecordedRequest) -> Response:
        if came.method != "POST":
            raise _no_such_route(came)
        if not self.store.is_live(call_id):
            raise not_found("call")
        self.store.command(call_id, _object(came))
        return JSONResponse({"success": True})


def failure(
    status: int, headers: dict[str, str], body: Mapping[str, Any] | bytes | None
) -> Response:
    """An answer that stands for trouble on the platform's side."""
    if isinstance(body, bytes):
        return Response(body, status, headers, "text/html")
    told = refused(status, "Something Went Wrong.").body if body is None else body
    return JSONResponse(told, status, headers)


def _no_such_route(came: RecordedRequest) -> RefusedError:
    return refused(404, f"Cannot {came.method} {came.path}")


def _object(came: RecordedRequest) -> Body:
    if not is_object(came.body):
        raise refused(400, ["the body must be a JSON object"])
    return dict(came.body)


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]+", text):
        raise refused(400, ["limit must be a number conforming to the specified constraints"])
    if int(text) > _MOST:
        raise refused(400, [f"limit must not be greater than {_MOST}"])
    return int(text)


def _base_url(request: Request) -> str:
    # Starlette's own `base_url` is that of the outermost app.
    return str(request.url.replace(path=request.scope.get("root_path", ""), query=""))


def _monitor(call_id: str, base: str) -> Body:
    sockets = re.sub("^http", "ws", base)
    return {
        "listenUrl": f"{sockets}/listen/{call_id}",
        "controlUrl": f"{base}/control/{call_id}",
    }
