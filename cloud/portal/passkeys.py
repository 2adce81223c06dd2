"""Pages on which people add passkeys, remove them, and say that they are lost.
`cloud.portal.signing_in` signs in with one."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.people import passkeys, sign_ins
from cloud.people.accounts import frozen_since
from cloud.policy import CODES_SUFFICE_AFTER
from cloud.portal.asking import (
    HOME,
    NEEDS_PASSKEY,
    Asker,
    CodeRoute,
    router,
)
from cloud.web.authenticators import CREDENTIAL_LENGTH
from cloud.web.browsers import json, redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

routes: APIRouter = router()
without: APIRouter = router(CodeRoute)


@routes.get("/passkeys/new")
async def show_form(asked: Asker) -> Response:
    if not asked.site.takes_passkeys:
        raise Refusal(ProblemType.NOT_FOUND)
    return asked.page(
        "passkey.html",
        browser=asked.browser,
        is_fresh=asked.signed_in.is_fresh(asked.now),
        name_length=passkeys.NAME_LENGTH,
    )


@routes.post("/passkeys/options")
async def ask_for_new(asked: Asker) -> Response:
    return json(
        await passkeys.begin_adding(
            asked.context, asked.session, asked.signed_in, asked.site, asked.now
        )
    )


@routes.post("/passkeys")
async def add(
    asked: Asker,
    credential: Annotated[str, Form(max_length=CREDENTIAL_LENGTH)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    asked.later(
        await passkeys.add(
            asked.context,
            asked.session,
            asked.signed_in,
            asked.site,
            credential,
            name=name,
            now=asked.now,
        )
    )
    return redirect(HOME)


@routes.get("/passkeys/{passkey_id}/remove")
async def ask_about(asked: Asker, passkey_id: str) -> Response:
    kept = await passkeys.passkeys_of(asked.session, asked.person)
    for each in kept:
        if each.passkey_id == passkey_id:
            return asked.page(
                "passkey_remove.html",
                passkey=each,
                is_last=len(kept) == 1,
                is_fresh=asked.signed_in.is_fresh(asked.now),
            )
    raise Refusal(ProblemType.NOT_FOUND)


@routes.post("/passkeys/{passkey_id}/remove")
async def remove(asked: Asker, passkey_id: str) -> Response:
    who = asked.signed_in
    if not who.is_fresh(asked.now):
        # The page says what to do.
        return redirect(f"{HOME}/passkeys/{passkey_id}/remove")
    if not await passkeys.remove(asked.session, who, passkey_id):
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, passkey_id))
    return redirect(HOME)


@without.get("/passkeys/needed")
async def show_what_a_code_opens(asked: Asker) -> Response:
    if not asked.signed_in.needs_passkey:
        return redirect(HOME)
    return asked.page(
        "passkey_needed.html",
        frozen=await frozen_since(asked.session, asked.person),
        suffice_at=await sign_ins.codes_suffice_at(asked.session, asked.person),
        days=CODES_SUFFICE_AFTER.days,
    )


@without.post("/passkeys/lost")
async def say_lost(asked: Asker) -> Response:
    if asked.signed_in.needs_passkey:
        told = await sign_ins.say_passkeys_lost(
            asked.context, asked.session, asked.person, asked.now
        )
        if told is not None:
            asked.later(told)
    return redirect(NEEDS_PASSKEY)
