"""The page of what somebody has agreed to: each text word by word, with time and place."""

from fastapi import APIRouter, Response

from cloud.merchants.merchants import find_merchant
from cloud.people import consents
from cloud.people.accounts import profile_of
from cloud.people.agreements import agreements_of
from cloud.portal.asking import Asker, router

routes: APIRouter = router()


@routes.get("/consents")
async def show_consents(asked: Asker) -> Response:
    session, person = asked.session, asked.person
    given = await consents.given_by(session, person)
    kept = {each.merchant.id for each in given}
    # Of those from before texts were kept, only the version is known.
    earlier = [
        (row, await find_merchant(session, row.merchant_id))
        for row in await agreements_of(session, person)
        if row.merchant_id not in kept
    ]
    return asked.page(
        "consents.html",
        given=given,
        earlier=earlier,
        first_version=(await profile_of(session, person)).consent_version,
    )
