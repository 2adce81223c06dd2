"""The texts that people are asked to agree to at a site, with how many of a merchant's people have
agreed to each."""

from datetime import date

from fastapi import APIRouter
from pydantic import AwareDatetime

from cloud.console.api.asking import Asker, router
from cloud.console.roles import Right
from cloud.integrations.asking import Scope
from cloud.merchants.merchants import law_of
from cloud.people import consents
from cloud.people.consents import Agreed
from protocol.documents import digest_of
from protocol.messages import ConsentText, Message

reading: APIRouter = router(Right.SEE, Scope.CONSENTS_READ)


class SiteLaw(Message):
    """The law that applies to the consents of people at a site."""

    code: str
    place: str
    cited: str
    """The name of the statute, as it stands in the texts."""
    own: bool
    """Whether the law was set for this site. Otherwise it is the one in the service's settings."""


class AgreedText(Message):
    """A text that people are asked to agree to now."""

    digest: str
    """SHA-256 of the text (RFC 8785), in base64."""
    text: ConsentText
    people: int
    """How many people of the merchant have agreed to this text and not withdrawn it."""
    since: AwareDatetime | None
    """When the first of them agreed; null when nobody has."""


class AgreedTexts(Message):
    """The texts that people are asked to agree to at a site before their palm is used, and the
    values that stand in them. When one of these values changes, the texts that contain it change
    too, and everybody is asked again."""

    texts: list[AgreedText]
    """The texts in the order in which they are asked."""
    people: int
    """How many people of the merchant agree to any text now."""
    law: SiteLaw
    merchant: str
    """The merchant's name."""
    operator: str
    """The operator, who is responsible for the data."""
    contact: str | None
    """The operator's contact for questions about the data; null when none is set."""
    inactive_months: int
    """After so many months without use an account is deleted, or sooner where the law requires
    it."""
    is_reviewed: bool
    """Whether the law requires a review of the policy every year."""
    reviewed_on: date | None
    """The day of the latest review; null when there was none."""


@reading.get("/sites/{site_id}/consents")
async def show(asked: Asker, site_id: str) -> AgreedTexts:
    """Returns the texts that people are asked to agree to at a site."""
    session, chosen = asked.session, asked.context.settings
    site, merchant = await asked.site(site_id), await asked.merchant()
    law = law_of(site, chosen)
    everybody, agreed = await consents.agreed_to(session, merchant.id)
    texts = await consents.texts_at(session, chosen, site.id)
    return AgreedTexts(
        texts=[_told(text, agreed.get(digest_of(text))) for text in texts],
        people=everybody,
        law=SiteLaw(code=law.code, place=law.place, cited=law.cited, own=site.law is not None),
        merchant=merchant.name,
        operator=chosen.operator,
        contact=chosen.privacy.contact,
        inactive_months=chosen.retention.inactive_months,
        is_reviewed=law.reviewed,
        reviewed_on=chosen.privacy.reviewed,
    )


def _told(text: ConsentText, agreed: Agreed | None) -> AgreedText:
    return AgreedText(
        digest=digest_of(text),
        text=text,
        people=0 if agreed is None else agreed.people,
        since=None if agreed is None else agreed.since,
    )


ROUTERS = (reading,)
