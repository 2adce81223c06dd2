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


@routes.post("/passkeys/{passkey_id}/remove")
async def remove(asked: Asker, passkey_id: str) -> Response:
    if not await passkeys.remove(asked.session, asked.person, passkey_id):
        raise Refusal(ProblemType.NOT_FOUND)
    asked.afterwards.append(partial(asked.context.database.forget_erased, passkey_id))
    return redirect(HOME)
