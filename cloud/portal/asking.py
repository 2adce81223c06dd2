"""Requests of browsers to the portal: what each must bring, and what each answer carries.

Who is signed in is known by a cookie with a random token; who is about to sign in, by another one;
and who has begun to sign up, by a third. None is used for anything else. A fourth cookie names the
language that was chosen. A request that changes something must come from a page of the portal: its
form carries a keyed hash of the cookie's token, and its headers must not name another site. The
changes of a request and what it counts are written in one transaction. A refusal below 500 is a
decision, as in `cloud.web.signed_request`: a wrong code counts.
"""

import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from cloud.context import Context
from cloud.db.database import cause_of, is_busy, storage_fault, was_overtaken
from cloud.keys.persons import OpenPerson
from cloud.people import sign_ins
from cloud.people.one_time_codes import Send
from cloud.people.passkeys import Site
from cloud.people.sign_ins import Browser, SignedIn
from cloud.policy import Limit
from cloud.portal import languages, pages
from cloud.portal.languages import Language
from cloud.web import limits
from cloud.web.limits import Strangers
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

log = logging.getLogger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

HOME, SIGN_IN = "/portal", "/portal/sign-in"
NEEDS_PASSKEY = f"{HOME}/passkeys/needed"
"""The page for who has a passkey, and has signed in by a code alone."""
SESSION = "__Host-portal"
"""The cookie of who is signed in."""
VISITOR = "__Host-portal-visitor"
"""The cookie of who is about to sign in."""
BEGUN = "__Host-portal-begun"
"""The cookie of who has begun to sign up."""
LANGUAGE = "__Host-portal-language"
"""The cookie of the language that was chosen."""
FORM_TOKEN = "form"  # noqa: S105 - the name of a field
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM_TYPE = "application/x-www-form-urlencoded"

_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
"""What browsers are called, by a word that they send. The first that fits is meant: most also send
the words below it."""
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}


@dataclass
class Asked:
    """One request of a browser.

    `session` is in a transaction, as in `cloud.web.signed_request.Call`.
    """

    context: Context
    session: AsyncSession
    request: Request
    now: datetime
    origin: str
    """The origin of the portal's pages."""
    fields: Mapping[str, str] = field(repr=False)
    """The fields of the form that was sent."""
    visitor: str = field(repr=False)
    """The token of a browser in which nobody is signed in."""
    who: SignedIn | None
    afterwards: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Any])
    """What is called once the transaction is committed."""

    @property
    def signed_in(self) -> SignedIn:
        """Returns who is signed in, in a route that only they reach."""
        assert self.who is not None
        return self.who

    @property
    def person(self) -> OpenPerson:
        return self.signed_in.person

    @property
    def site(self) -> Site:
        return Site(self.origin, self.context.settings.merchant.name)

    @property
    def begun_token(self) -> str | None:
        """Returns the token of a browser in which a sign-up was begun; None in others."""
        return _token_in(self.request, BEGUN)

    @property
    def has_expired(self) -> bool:
        """Whether somebody was signed in in this browser and is not any more."""
        return self.who is None and SESSION in self.request.cookies

    @property
    def browser(self) -> Browser:
        """Returns what the browser says that it is."""
        said = self.request.headers.get("user-agent", "")
        return Browser(name=_called(said, _BROWSERS), system=_called(said, _SYSTEMS))

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Returns a page, with what every page needs."""
        token = self.visitor if self.who is None else self.request.cookies[SESSION]
        return pages.draw(
            template,
            _language(self.request),
            status,
            back=_back(self.request),
            merchant=self.context.settings.merchant.name,
            signed_in=self.who is not None,
            needs_passkey=self.who is not None and self.who.needs_passkey,
            form_token=_form_token(self.context, token),
            takes_passkeys=self.site.takes_passkeys,
            **values,
        )

    def later(self, send: Send) -> None:
        """Has a message sent once the request is answered, which must not take longer for it."""

        async def begin() -> None:
            self.context.begin(send())

        self.afterwards.append(begin)

    def strangers_spend(self, limit: Limit) -> None:
        """Counts an event for the address of the browser. Raises Refusal."""
        _strangers(self.request).spend(limit, self._address, self.now)

    def strangers_take_back(self, limit: Limit) -> None:
        """Takes the latest event of the browser's address back."""
        _strangers(self.request).take_back(limit, self._address)

    @property
    def _address(self) -> str:
        proxies = {str(proxy) for proxy in self.context.settings.portal.proxies}
        address = self.request.client.host if self.request.client else ""
        # Each proxy appends the address that it was called from.
        forwarded = ",".join(self.request.headers.getlist("x-forwarded-for")).split(",")
        while address in proxies and forwarded:
            address = forwarded.pop().strip() or address
        return address


async def _asked(request: Request) -> Asked:
    # FastAPI would call it on a thread if it were not asynchronous.
    return request.state.asked


Asker = Annotated[Asked, Depends(_asked)]


def redirect(place: str) -> Response:
    """Returns an answer that leads to another page of the portal, which the browser gets anew."""
    return RedirectResponse(place, 303)


def json(text: str) -> Response:
    """Returns an answer that the portal's script reads."""
    return Response(text, media_type="application/json")


def set_cookie(response: Response, name: str, value: str, life: timedelta | None = None) -> None:
    """A cookie is sent along when a link on another site leads to the portal, such as back from the
    payment provider; that of a visitor is not. Without a `life` it ends with the browser."""
    response.set_cookie(
        name,
        value,
        max_age=None if life is None else int(life.total_seconds()),
        secure=True,
        httponly=True,
        samesite="strict" if name == VISITOR else "lax",
    )


def delete_cookie(response: Response, name: str) -> None:
    """With its session, or its sign-up, a browser also forgets the pages that it has shown (W3C
    Clear Site Data)."""
    response.delete_cookie(name, secure=True, httponly=True)
    if name in (SESSION, BEGUN):
        response.headers["clear-site-data"] = '"cache", "storage"'


class PageRoute(APIRoute):
    """A page for who is signed in. Everybody else is led to sign in, and who has a passkey and has
    signed in by a code alone, to sign in with that."""

    for_everybody: ClassVar[bool] = False
    for_code_alone: ClassVar[bool] = False
    """Whether it also serves who has a passkey and has signed in by a code alone."""
    serves_deletions: ClassVar[bool] = False
    """Whether it may use the room that is reserved for deletions (`cloud.db.reserve`)."""

    def get_route_handler(self) -> Handler:
        endpoint = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await self._handle(request, endpoint)
            except Refusal as refusal:
                response = _refused(request, refusal)
            except (RequestValidationError, HTTPException):
                response = _refused(request, Refusal(ProblemType.MALFORMED))
            except Exception as error:
                response = _refused(request, _failure(error, f"{request.method} {self.path}"))
            response.headers.update(pages.HEADERS)
            return response

        return handle

    async def _handle(self, request: Request, endpoint: Handler) -> Response:
        context = _context(request)
        origin = _origin(context, request)
        fields: Mapping[str, str] = {}
        if request.method == "POST":
            must_come_from(origin, request)
            fields = await _fields(request)
        if context.database.is_for_deletions_only and not self.serves_deletions:
            raise Refusal(ProblemType.STORAGE_FULL)
        try:
            asked, response = await self._work(context, request, origin, fields, endpoint)
        except Exception as error:
            has_room = self.serves_deletions and context.database.let_go(error)
            if not (has_room or was_overtaken(error)):
                raise
            asked, response = await self._work(context, request, origin, fields, endpoint)
        for act in asked.afterwards:
            try:
                await act()
            except Exception as error:
                # What was asked for is done, and the answer must say so.
                log.error("something remains to be done after a request: %s", cause_of(error))
        return response

    @property
    def _serves_code_alone(self) -> bool:
        return self.for_everybody or self.for_code_alone

    async def _work(
        self,
        context: Context,
        request: Request,
        origin: str,
        fields: Mapping[str, str],
        endpoint: Handler,
    ) -> tuple[Asked, Response]:
        now = context.clock()
        visitor, is_new = _token_in(request, VISITOR), False
        if visitor is None:
            visitor, is_new = sign_ins.new_token(), True
        async with context.database.session() as session:
            token = _token_in(request, SESSION)
            who = await sign_ins.find(context, session, token, now) if token else None
            asked = request.state.asked = Asked(
                context, session, request, now, origin, fields, visitor, who
            )
            if who is None and not self.for_everybody:
                return asked, redirect(SIGN_IN)
            if who is not None and who.needs_passkey and not self._serves_code_alone:
                return asked, redirect(NEEDS_PASSKEY)
            if request.method == "POST":
                given = fields.get(FORM_TOKEN, "").encode()
                expected = _form_token(context, token if who and token else visitor)
                if not compare_digest(given, expected.encode()):
                    raise Refusal(ProblemType.NOT_ACCEPTED)
            try:
                response = await endpoint(request)
            except Refusal as refusal:
                asked.afterwards.clear()
                if refusal.problem.status >= 500:
                    raise
                response = _refused(request, refusal)
            await session.commit()
        if is_new and who is None:
            set_cookie(response, VISITOR, visitor)
        return asked, response


class DoorRoute(PageRoute):
    """A page for everybody, signed in or not."""

    for_everybody = True


class CodeRoute(PageRoute):
    """A page for who is signed in, also by a code alone. It shows nothing about them."""

    for_code_alone = True


class LeavingRoute(CodeRoute):
    """A page that people need to have their data deleted."""

    serves_deletions = True


class ReceiptRoute(DoorRoute):
    """A page for whoever has no account, and has had their data deleted or wants it."""

    serves_deletions = True


def router(route: type[PageRoute] = PageRoute) -> APIRouter:
    return APIRouter(prefix=HOME, route_class=route, include_in_schema=False)


def _context(request: Request) -> Context:
    return request.app.state.context


def _strangers(request: Request) -> Strangers:
    return request.app.state.strangers


def _origin(context: Context, request: Request) -> str:
    """Returns the origin of the portal's pages. Raises Refusal when the request is for none."""
    host, url = request.headers.get("host", "").lower(), context.settings.portal.url
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


async def _fields(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
        raise Refusal(ProblemType.MALFORMED, status=415)
    await limits.read_body(request)
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _token_in(request: Request, cookie: str) -> str | None:
    token = request.cookies.get(cookie, "")
    return token if _TOKEN.fullmatch(token) else None


def _form_token(context: Context, token: str) -> str:
    return context.master.lookup("form", token)


def _language(request: Request) -> Language:
    accepted = ",".join(request.headers.getlist("accept-language"))
    return languages.choose(request.cookies.get(LANGUAGE), accepted)


def _back(request: Request) -> str:
    """Returns where the same page is drawn again, once another language is chosen."""
    query = request.url.query if request.method == "GET" else ""
    return request.url.path + (f"?{query}" if query else "")


def _called(said: str, names: Mapping[str, str]) -> str:
    return next((name for word, name in names.items() if word in said), "")


def _refused(request: Request, refusal: Refusal) -> Response:
    problem = refusal.problem
    _context(request).noted.note_refusal("portal", problem)
    response = pages.draw(
        "refused.html",
        _language(request),
        problem.status,
        back=_back(request) if request.method == "GET" else HOME,
        merchant=_context(request).settings.merchant.name,
        signed_in=False,
        kind=problem.type.name.lower(),
        minutes=minutes(refusal),
    )
    if problem.retry_after is not None:
        response.headers["retry-after"] = str(problem.retry_after)
    return response


def minutes(refusal: Refusal) -> int:
    """Returns after how many minutes what was refused may be tried again, at least one."""
    # Limits add a second to what is left.
    left_s = (refusal.problem.retry_after or 1) - 1
    return max(1, -(-left_s // 60))


def _failure(error: Exception, what: str) -> Refusal:
    """Returns as what an error of the service's own is told. Its message is left out of the log: it
    may quote what was sent."""
    fault = storage_fault(error)
    if fault is not None:
        log.error("nothing can be stored: %s", cause_of(error))
        return Refusal(ProblemType.STORAGE_FULL, retry_after=60, storage=fault)
    if is_busy(error):
        log.warning("a request has to be repeated: %s", cause_of(error))
        return Refusal(ProblemType.BUSY, retry_after=1)
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed with %s\n%s", what, type(error).__name__, where)
    return Refusal(ProblemType.INTERNAL)
