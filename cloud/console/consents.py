"""The page of the texts that people are asked to agree to at a site, with how many of a merchant's
people have agreed to each."""

from fastapi import APIRouter, Response

from cloud.console.asking import Asker, router
from cloud.console.places import site_of
from cloud.console.roles import Right
from cloud.merchants.merchants import law_of, place_of
from cloud.people import consents
from protocol.documents import digest_of

routes: APIRouter = router(Right.SEE)


@routes.get("/sites/{site_id}/consents")
async def show_consents(asked: Asker) -> Response:
    chosen = asked.context.settings
    site, merchant = await place_of(asked.session, site_of(asked).id)
    everybody, agreed = await consents.agreed_to(asked.session, merchant.id)
    texts = [
        (text, digest_of(text)) for text in await consents.texts_at(asked.session, chosen, site.id)
    ]
    return asked.page(
        "consents.html",
        site=site,
        merchant=merchant,
        law=law_of(site, chosen),
        own_law=site.law is not None,
        texts=texts,
        agreed=agreed,
        everybody=everybody,
        contact=chosen.privacy.contact,
        months=chosen.retention.inactive_months,
        reviewed=chosen.privacy.reviewed,
    )
