"""Requests of browsers to the console (`cloud.web.browsers`), and who may make them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response
from jinja2 import Environment

from cloud.console import roles, sign_ins
from cloud.console.audit import By, Door
from cloud.console.roles import Found, Reach, Right
from cloud.console.sign_ins import SignedIn
from cloud.context import Context
from cloud.fleet.picture_making import MAX_FILE
from cloud.web import pages
from cloud.web.browsers import (
    BrowserRequest,
    BrowserRoute,
    context_of,
    minutes,
    origin_at,
    redirect,
    token_in,
)
from cloud.web.language import ENGLISH
from cloud.web.limits import MAX_BODY
from cloud.web.problems import Refusal

HOME = "/console"
SIGN_IN = f"{HOME}/sign-in"
APPROVALS = f"{HOME}/approvals"
"""The page of the acts that need the approval of a second person."""
SESSION = "__Host-console"
"""The cookie of a browser in which somebody is signed in."""
VISITOR = "__Host-console-visitor"
"""The cookie of a browser in which somebody is about to sign in."""
AWAY = "__Host-console-away"
"""The cookie of a browser that was sent to the identity provider."""


@dataclass(kw_only=True)
class Asked(BrowserRequest):
    """One request of a browser to the console."""

    session_cookie: ClassVar[str] = SESSION
    visitor_cookie: ClassVar[str] = VISITOR

    who: SignedIn | None = field(default=None, init=False)
    found: Found = field(default=Found(), init=False)
    """What the page is about."""

    async def recognise(self) -> None:
        token = self.session_token
        if token is not None:
            self.who = await sign_ins.find(self.context, self.session, token, self.now)

    @property
    def is_signed_in(self) -> bool:
        return self.who is not None

    @property
    def signed_in(self) -> SignedIn:
        """Returns who is signed in. Only a StaffRoute may ask for it."""
        assert self.who is not None
        return self.who

    @property
    def reach(self) -> Reach:
        return self.signed_in.reach

    @property
    def by(self) -> By:
        """Returns who makes the request, for the audit trail."""
        return By(Door.CONSOLE, self.signed_in.member.id, self.now)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Returns a page drawn from a template, which gets `values` and what every page needs."""
        provider = self.context.settings.console.oidc
        return pages.draw(
            _environment(),
            template,
            status,
            operator=self.context.settings.operator,
            sandbox=self.context.sandbox,
            member=None if self.who is None else self.who.member,
            reach=None if self.who is None else self.who.reach,
            form_token=self.form_token,
            takes_passkeys=self.site.takes_passkeys,
            provider=None if provider is None else provider.called,
            **values,
        )


async def _asked(request: Request) -> Asked:
    # FastAPI would call it on a thread if it were not asynchronous.
    return request.state.asked


Asker = Annotated[Asked, Depends(_asked)]


class PublicRoute(BrowserRoute[Asked]):
    """A page for everybody, signed in or not."""

    asks = Asked

    def origin(self, context: Context, request: Request) -> str:
        return origin_at(context, request, context.settings.console.url)

    async def admit(self, asked: Asked) -> Response | None:
        return None

    def refused(self, request: Request, refusal: Refusal) -> Response:
        problem, context = refusal.problem, context_of(request)
        context.noted.note_refusal("console", problem)
        response = pages.draw(
            _environment(),
            "refused.html",
            problem.status,
            operator=context.settings.operator,
            sandbox=context.sandbox,
            member=None,
            reach=None,
            kind=problem.type.name.lower(),
            minutes=minutes(refusal),
        )
        if problem.retry_after is not None:
            response.headers["retry-after"] = str(problem.retry_after)
        return response


class StaffRoute(PublicRoute):
    """A page for staff who are signed in, have the right to it, and have its subject in reach.
    A browser without a session is led to the sign-in page; everybody else is told that there is no
    such page."""

    right: ClassVar[Right]

    async def largest_form(self, context: Context, request: Request) -> int:
        token = token_in(request, SESSION) if self.takes_files else None
        if token is None:
            return MAX_BODY
        # Only whoever may send a file makes the service keep one in memory.
        async with context.database.reading() as session:
            who = await sign_ins.find(context, session, token, context.clock())
        is_theirs = who is not None and who.reach.may(self.right)
        return MAX_FILE + MAX_BODY if is_theirs else MAX_BODY

    async def admit(self, asked: Asked) -> Response | None:
        if asked.who is None:
            return redirect(SIGN_IN)
        names: Mapping[str, str] = asked.request.path_params
        asked.found = await roles.find(asked.session, asked.reach, self.right, names)
        return None


def public_router() -> APIRouter:
    """Returns a router of pages for everybody."""
    return APIRouter(prefix=HOME, route_class=PublicRoute, include_in_schema=False)


def router(needed: Right, *, files: bool = False) -> APIRouter:
    """Returns a router of pages for staff who have a right. With `files`, forms may carry files."""
    return APIRouter(prefix=HOME, route_class=_route_for(needed, files), include_in_schema=False)


def link_at(origin: str, token: str) -> str:
    """Returns the address of the page on which somebody makes a passkey."""
    return f"{origin}{HOME}/register/{token}"


@cache
def _route_for(needed: Right, files: bool) -> type[StaffRoute]:
    class RightRoute(StaffRoute):
        right = needed
        takes_files = files

    return RightRoute


@cache
def _environment() -> Environment:
    """Returns the environment of the templates. The console is in English."""
    return pages.environment(Path(__file__).parent / "templates", ENGLISH, Right=Right)
