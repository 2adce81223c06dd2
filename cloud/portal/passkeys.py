"""Pages on which people add passkeys and remove them. `cloud.portal.signing_in` signs in with
one."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.people import passkeys
from cloud.portal.asking import HOME, Asker, json, redirect, router
from cloud.portal.signing_in import CREDENTIAL_LENGTH
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

routes: APIRouter = router()


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
    if not await passkeys.remove(asked.session, who.person, passkey_id):
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, passkey_id))
    return redirect(HOME)
