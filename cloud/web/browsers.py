"""Requests of browsers: what each must bring, and what each answer carries.

Who is signed in is known by a cookie with a random token, and who is about to sign in, by another
one. A request that changes something must come from a page of ours: its form carries a keyed hash
of the cookie's token, and its headers must not name another site. The changes of a request and
what it counts are written in one transaction. A refusal below 500 is a decision, as in
`cloud.web.signed_request`: a wrong code counts.

The portal and the console say by whom they are asked, whom they let in, and what a refusal looks
like.
"""

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, ClassVar, Generic, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import AnyHttpUrl
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from cloud.context import Context
from cloud.db.tables import NotAText
from cloud.policy import Limit
from cloud.web import limits, pages
from cloud.web.authenticators import Site
from cloud.web.limits import Strangers
from cloud.web.problems import Refusal, unexpected_refusal
from cloud.web.trying import answering, finish
from protocol.messages import ProblemType

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

FORM_TOKEN = "form"  # noqa: S105 - the name of a field
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM_TYPE = "application/x-www-form-urlencoded"
_FORM_TYPE_WITH_FILES = "multipart/form-data"


@dataclass(kw_only=True)
class BrowserRequest(ABC):
    """One request of a browser.

    `session` is in a transaction, as in `cloud.web.signed_request.Call`.
    """

    session_cookie: ClassVar[str]
    """The cookie of who is signed in."""
    visitor_cookie: ClassVar[str]
    """The cookie of who is about to sign in."""

    context: Context
    session: AsyncSession
    request: Request
    now: datetime
    origin: str
    """The origin of the pages."""
    fields: Mapping[str, str] = field(repr=False)
    """The fields of the form that was sent."""
    visitor: str = field(repr=False)
    """The token of a browser in which nobody is signed in."""
    counted: set[str]
    """The kinds of limits by which the request is counted for the address of the browser, also by
    an attempt to answer it that was overtaken."""
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Any])
    """What is called once the transaction is committed."""

    @abstractmethod
    async def recognise(self) -> None:
        """Finds out who is signed in, if anybody is."""

    @property
    @abstractmethod
    def is_signed_in(self) -> bool: ...

    @property
    def session_token(self) -> str | None:
        """Returns the token of the cookie of who is signed in, or was."""
        return token_in(self.request, self.session_cookie)

    @property
    def has_expired(self) -> bool:
        """Whether somebody was signed in in this browser and is not any more."""
        return not self.is_signed_in and self.session_cookie in self.request.cookies

    @property
    def form_token(self) -> str:
        """Returns what the forms of a page for this browser carry."""
        token = self.session_token if self.is_signed_in else None
        return self.context.master.lookup("form", token or self.visitor)

    @property
    def site(self) -> Site:
        return Site(self.origin, self.context.settings.merchant.name)

    def strangers_spend(self, limit: Limit) -> None:
        """Counts an event for the address of the browser, once for one request. Raises Refusal."""
        if limit.kind not in self.counted:
            _strangers(self.request).spend(limit, self._address, self.now)
            self.counted.add(limit.kind)

    def strangers_take_back(self, limit: Limit) -> None:
        """Takes the latest event of the browser's address back."""
        _strangers(self.request).take_back(limit, self._address)
        self.counted.remove(limit.kind)

    @property
    def _address(self) -> str:
        proxies = {str(proxy) for proxy in self.context.settings.portal.proxies}
        address = limits.plain(self.request.client.host) if self.request.client else ""
        # Each proxy appends the address that it was called from.
        forwarded = ",".join(self.request.headers.getlist("x-forwarded-for")).split(",")
        while address in proxies and forwarded:
            address = limits.plain(forwarded.pop().strip()) or address
        return address


Asked = TypeVar("Asked", bound=BrowserRequest)


class BrowserRoute(APIRoute, ABC, Generic[Asked]):
    """A page. Whatever goes wrong is told on a page, too."""

    asks: type[Asked]
    """What a request for it is."""
    takes_files: ClassVar[bool] = False
    """Whether its form may hold a file."""
    serves_deletions: ClassVar[bool] = False
    """Whether it may use the room that is reserved for deletions (`cloud.db.reserve`)."""

    @abstractmethod
    def origin(self, context: Context, request: Request) -> str:
        """Returns the origin of the pages. Raises Refusal when the request is for none."""

    async def largest_form(self, context: Context, request: Request) -> int:
        """Returns how many bytes of a form are read into memory."""
        return limits.MAX_BODY

    @abstractmethod
    async def admit(self, asked: Asked) -> Response | None:
        """Returns where somebody is led who may not have the page; None for who may. Raises
        Refusal."""

    @abstractmethod
    def refused(self, request: Request, refusal: Refusal) -> Response:
        """Returns the page of a refusal."""

    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await self._handle(request, endpoint)
            except Refusal as refusal:
                response = self.refused(request, refusal)
            except (RequestValidationError, HTTPException, NotAText):
                response = self.refused(request, Refusal(ProblemType.MALFORMED))
            except Exception as error:
                failure = unexpected_refusal(error, f"{request.method} {self.path}")
                response = self.refused(request, failure)
            finally:
                # The files of a form that nobody has come to read.
                await request.close()
            response.headers.update(pages.HEADERS)
            return response

        return handle

    async def _handle(self, request: Request, endpoint: Handler) -> Response:
        context = context_of(request)
        origin = self.origin(context, request)
        fields: Mapping[str, str] = {}
        if request.method == "POST":
            must_come_from(origin, request)
            largest = await self.largest_form(context, request)
            fields = await _fields(request, largest, takes_files=self.takes_files)
        if context.database.is_for_deletions_only and not self.serves_deletions:
            raise Refusal(ProblemType.STORAGE_FULL)
        counted = set[str]()
        asked, response = await answering(
            lambda _: self._work(context, request, origin, fields, endpoint, counted=counted),
            context.database,
            serves_deletion=self.serves_deletions,
        )
        await finish(asked.afterwards)
        return response

    async def _work(
        self,
        context: Context,
        request: Request,
        origin: str,
        fields: Mapping[str, str],
        endpoint: Handler,
        *,
        counted: set[str],
    ) -> tuple[Asked, Response]:
        cookie = self.asks.visitor_cookie
        visitor = token_in(request, cookie)
        async with context.database.session() as session:
            asked = request.state.asked = self.asks(
                context=context,
                session=session,
                request=request,
                now=context.clock(),
                origin=origin,
                fields=fields,
                visitor=visitor or new_token(),
                counted=counted,
            )
            await asked.recognise()
            elsewhere = await self.admit(asked)
            if elsewhere is not None:
                return asked, elsewhere
            if request.method == "POST":
                given = fields.get(FORM_TOKEN, "").encode()
                if not compare_digest(given, asked.form_token.encode()):
                    raise Refusal(ProblemType.NOT_ACCEPTED)
            try:
                response = await endpoint(request)
            except Refusal as refusal:
                asked.afterwards.clear()
                if refusal.problem.status >= 500:
                    raise
                response = self.refused(request, refusal)
            await session.commit()
        if visitor is None and not asked.is_signed_in:
            set_cookie(response, cookie, asked.visitor, strict=True)
        return asked, response


def new_token() -> str:
    """Returns 256 random bits, as 43 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(32)


def token_in(request: Request, cookie: str) -> str | None:
    """Returns the token in a cookie; None when there is none."""
    token = request.cookies.get(cookie, "")
    return token if _TOKEN.fullmatch(token) else None


def redirect(place: str) -> Response:
    """Returns an answer that leads to another page, which the browser gets anew."""
    return RedirectResponse(place, 303)


def json(text: str) -> Response:
    """Returns an answer that the pages' script reads."""
    return Response(text, media_type="application/json")


def set_cookie(
    response: Response,
    name: str,
    value: str,
    life: timedelta | None = None,
    *,
    strict: bool = False,
) -> None:
    """A cookie is sent along when a link on another site leads to the pages, such as back from the
    payment provider, unless it is `strict`. Without a `life` it ends with the browser."""
    response.set_cookie(
        name,
        value,
        max_age=None if life is None else int(life.total_seconds()),
        secure=True,
        httponly=True,
        samesite="strict" if strict else "lax",
    )


def delete_cookie(response: Response, name: str, *, with_pages: bool = False) -> None:
    """The browser also forgets the pages that it has shown where they go `with_pages` (W3C Clear
    Site Data)."""
    response.delete_cookie(name, secure=True, httponly=True)
    if with_pages:
        response.headers["clear-site-data"] = '"cache", "storage"'


def context_of(request: Request) -> Context:
    return request.app.state.context


def _strangers(request: Request) -> Strangers:
    return request.app.state.strangers


def origin_at(context: Context, request: Request, url: AnyHttpUrl | None) -> str:
    """Returns the origin of pages that are at `url`, or in the sandbox at any address where it is
    not set. Raises Refusal when the request is for none."""
    host = request.headers.get("host", "").lower()
    if url is None:
        if context.sandbox:
            return f"https://{host}"
    elif (origin := str(url).rstrip("/")) == f"https://{host}":
        return origin
    raise Refusal(ProblemType.NOT_FOUND)


def must_come_from(origin: str, request: Request) -> None:
    """Raises Refusal for a request that a page of another site has made (Fetch Metadata, and the
    Origin header of RFC 6454 for browsers without it)."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    # The pages send no referrer, and browsers then send this instead of the pages' origin.
    sent_by = request.headers.get("origin", "null")
    if site != "same-origin" or sent_by not in ("null", origin):
        raise Refusal(ProblemType.NOT_ACCEPTED)


async def _fields(request: Request, largest: int, *, takes_files: bool) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != _FORM_TYPE and not (takes_files and kind == _FORM_TYPE_WITH_FILES):
        raise Refusal(ProblemType.MALFORMED, status=415)
    await limits.read_body(request, largest)
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def minutes(refusal: Refusal) -> int:
    """Returns after how many minutes what was refused may be tried again, at least one."""
    # Limits add a second to what is left.
    left_s = (refusal.problem.retry_after or 1) - 1
    return max(1, -(-left_s // 60))
