"""Requests of browsers to the portal (`cloud.web.browsers`).

Besides the cookies of who is signed in and of who is about to sign in, there is one of who has
begun to sign up. None is used for anything else. A fourth cookie names the language that was
chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response

from cloud.context import Context
from cloud.keys.persons import OpenPerson
from cloud.people import sign_ins
from cloud.people.one_time_codes import Send
from cloud.people.sign_ins import Browser, SignedIn
from cloud.portal import languages, pages
from cloud.web.browsers import (
    BrowserRequest,
    BrowserRoute,
    context_of,
    minutes,
    origin_at,
    redirect,
    token_in,
)
from cloud.web.language import Language
from cloud.web.problems import Refusal

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


@dataclass(kw_only=True)
class Asked(BrowserRequest):
    """One request of a browser to the portal."""

    session_cookie: ClassVar[str] = SESSION
    visitor_cookie: ClassVar[str] = VISITOR

    who: SignedIn | None = field(default=None, init=False)

    async def recognise(self) -> None:
        token = self.session_token
        if token is not None:
            self.who = await sign_ins.find(self.context, self.session, token, self.now)

    @property
    def is_signed_in(self) -> bool:
        return self.who is not None

    @property
    def signed_in(self) -> SignedIn:
        """Returns who is signed in, in a route that only they reach."""
        assert self.who is not None
        return self.who

    @property
    def person(self) -> OpenPerson:
        return self.signed_in.person

    @property
    def begun_token(self) -> str | None:
        """Returns the token of a browser in which a sign-up was begun; None in others."""
        return token_in(self.request, BEGUN)

    @property
    def browser(self) -> Browser:
        """Returns what the browser says that it is."""
        said = self.request.headers.get("user-agent", "")
        return Browser(name=_called(said, _BROWSERS), system=_called(said, _SYSTEMS))

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Returns a page, with what every page needs."""
        return pages.draw(
            template,
            _language(self.request),
            status,
            back=_back(self.request),
            merchant=self.context.settings.merchant.name,
            signed_in=self.is_signed_in,
            needs_passkey=self.who is not None and self.who.needs_passkey,
            form_token=self.form_token,
            takes_passkeys=self.site.takes_passkeys,
            **values,
        )

    def later(self, send: Send) -> None:
        """Has a message sent once the request is answered, which must not take longer for it."""

        async def begin() -> None:
            self.context.begin(send())

        self.afterwards.append(begin)


async def _asked(request: Request) -> Asked:
    # FastAPI would call it on a thread if it were not asynchronous.
    return request.state.asked


Asker = Annotated[Asked, Depends(_asked)]


class PageRoute(BrowserRoute[Asked]):
    """A page for who is signed in. Everybody else is led to sign in, and who has a passkey and has
    signed in by a code alone, to sign in with that."""

    asks = Asked
    for_everybody: ClassVar[bool] = False
    for_code_alone: ClassVar[bool] = False
    """Whether it also serves who has a passkey and has signed in by a code alone."""

    def origin(self, context: Context, request: Request) -> str:
        return origin_at(context, request, context.settings.portal.url)

    async def admit(self, asked: Asked) -> Response | None:
        if self.for_everybody:
            return None
        if asked.who is None:
            return redirect(SIGN_IN)
        if asked.who.needs_passkey and not self.for_code_alone:
            return redirect(NEEDS_PASSKEY)
        return None

    def refused(self, request: Request, refusal: Refusal) -> Response:
        problem, context = refusal.problem, context_of(request)
        context.noted.note_refusal("portal", problem)
        response = pages.draw(
            "refused.html",
            _language(request),
            problem.status,
            back=_back(request) if request.method == "GET" else HOME,
            merchant=context.settings.merchant.name,
            signed_in=False,
            kind=problem.type.name.lower(),
            minutes=minutes(refusal),
        )
        if problem.retry_after is not None:
            response.headers["retry-after"] = str(problem.retry_after)
        return response


class PublicRoute(PageRoute):
    """A page for everybody, signed in or not."""

    for_everybody = True


class CodeRoute(PageRoute):
    """A page for who is signed in, also by a code alone. It shows nothing about them."""

    for_code_alone = True


class LeavingRoute(CodeRoute):
    """A page that people need to have their data deleted."""

    serves_deletions = True


class ReceiptRoute(PublicRoute):
    """A page for whoever has no account, and has had their data deleted or wants it."""

    serves_deletions = True


def router(route: type[PageRoute] = PageRoute) -> APIRouter:
    return APIRouter(prefix=HOME, route_class=route, include_in_schema=False)


def _language(request: Request) -> Language:
    accepted = ",".join(request.headers.getlist("accept-language"))
    return languages.choose(request.cookies.get(LANGUAGE), accepted)


def _back(request: Request) -> str:
    """Returns where the same page is drawn again, once another language is chosen."""
    query = request.url.query if request.method == "GET" else ""
    return request.url.path + (f"?{query}" if query else "")


def _called(said: str, names: Mapping[str, str]) -> str:
    return next((name for word, name in names.items() if word in said), "")
