"""Everything that is stored about somebody, as a page and as a file (GDPR, articles 15 and 20).

A palm's template is named and not handed out: only the vault can open it, and a copy outside of it
would be one to lose. Left out is what is gone within a day: codes, claims, recognitions and
repeated answers.
"""

import json
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Response

from cloud.ages.ages import ages_of
from cloud.entry.access import all_access
from cloud.entry.entries import entries_of
from cloud.entry.kept_palms import answers_of
from cloud.entry.presences import presences_of
from cloud.entry.tickets import all_tickets
from cloud.loyalty.memberships import memberships_of
from cloud.merchants.merchants import all_merchants, all_sites
from cloud.payments.cards import cards_of
from cloud.people import alerts, consents, inactivity, passkeys, sign_ins
from cloud.people.accounts import frozen_since, mail_of, member_since, profile_of
from cloud.people.agreements import agreements_of
from cloud.portal.asking import Asked, Asker, router
from cloud.portal.history import tell_history
from cloud.recognition.palms import palms_of
from cloud.watch import incidents

routes: APIRouter = router()


@routes.get("/data")
async def show_data(asked: Asker) -> Response:
    return asked.page("data.html", data=await _everything(asked))


@routes.get("/data.json")
async def download_data(asked: Asker) -> Response:
    text = json.dumps(await _everything(asked), ensure_ascii=False, indent=2, default=_told)
    headers = {"content-disposition": 'attachment; filename="my-data.json"'}
    return Response(text, headers=headers, media_type="application/json")


async def _everything(asked: Asked) -> dict[str, Any]:
    session, person = asked.session, asked.person
    profile = await profile_of(session, person)
    mail = await mail_of(session, person)
    since = await member_since(session, person)
    activity = await inactivity.activity_of(session, person)
    names = {row.id: row.name for row in await all_merchants(session)}
    names_of_sites = {row.id: row.name for row in await all_sites(session)}
    return {
        "told_at": asked.now,
        "account": {
            "mobile_number": profile.phone,
            "mail_address": mail and mail.address,
            "name": profile.holder,
            "corrections": [{"what": each.what, "at": each.at} for each in profile.corrections],
            "since": since,
            "last_used": activity.used_at,
            "told_of_deletion_at": activity.told_again_at or activity.told_at,
            "frozen_since": await frozen_since(session, person),
            "alerts_since": await alerts.wanted_since(session, person),
            "alerts_by": await alerts.way_to(session, person),
            "codes_suffice_at": await sign_ins.codes_suffice_at(session, person),
            "consent_version": profile.consent_version,
            "consented_at": profile.agreed_at,
        },
        "palms": [
            {"hand": palm.side, "since": since, "template_version": palm.template.version}
            for palm in await palms_of(session, person)
        ],
        "cards": [
            {
                "brand": card.brand,
                "last4": card.last4,
                "expires": card.last_month and date(*card.last_month, 1),
                "name_on_card": card.holder,
                "name_at_payment_provider": card.method,
                "customer_at_payment_provider": card.customer,
                "mark_of_payment_provider": card.fingerprint,
            }
            for card in (await cards_of(session, person)).values()
        ],
        "merchants": [
            {
                "merchant": names[agreement.merchant_id],
                "agreed_at": agreement.at,
                "consent_version": agreement.version or profile.consent_version,
            }
            for agreement in await agreements_of(session, person)
        ],
        "consents": [
            {
                "merchant": given.merchant.name,
                "site": given.site.name,
                "device": given.row.device_id,
                "at": given.row.at,
                "withdrawn_at": given.row.ended_at,
                "signature": given.row.signature,
                "sha256": given.row.digest,
                "text": given.text.model_dump(mode="json"),
            }
            for given in await consents.given_by(session, person)
        ],
        "memberships": [
            {
                "merchant": names[row.merchant_id],
                "linked_at": row.at,
                "card": membership.code,
            }
            for row, membership in await memberships_of(session, person)
        ],
        "ages_seen": [
            {"merchant": names[row.merchant_id], "at": row.at, "over": seen.over}
            for row, seen in await ages_of(session, person)
        ],
        "access": [
            {
                "site": names_of_sites[row.site_id],
                "given_at": row.at,
                "accepted_at": row.accepted_at,
                **given.model_dump(mode="json"),
            }
            for row, given in await all_access(session, person)
        ],
        "recognised_without_a_network": [
            {
                "site": names_of_sites[row.site_id],
                "answered_at": row.at,
                "agreed": given.palm is not None,
                "hand": given.palm and given.palm.side,
            }
            for row, given in await answers_of(session, person)
        ],
        "tickets": [
            {"merchant": names[row.merchant_id], "linked_at": row.at, "code": ticket.code}
            for row, ticket in await all_tickets(session, person)
        ],
        "doors": [
            {
                "site": names_of_sites[row.site_id],
                "at": row.at,
                **told.model_dump(mode="json"),
            }
            for row, told in await entries_of(session, person)
        ],
        "inside": [
            {"site": names_of_sites[row.site_id], "area": row.area, "since": row.since}
            for row in await presences_of(session, person)
        ],
        "incidents": [
            {
                "what": row.kind,
                "merchant": names[row.merchant_id],
                "site": names_of_sites[row.site_id],
                "times": row.times,
                "first_at": row.first_at,
                "last_at": row.last_at,
                "note": row.note,
            }
            for row in await incidents.about(session, person)
        ],
        "sessions": [
            {
                "browser": each.browser.name,
                "system": each.browser.system,
                "since": each.since,
                "last_used": each.seen_at,
            }
            for each in await sign_ins.sessions_of(session, person, asked.now)
        ],
        "passkeys": [
            {"name": each.name, "since": each.since, "last_used": each.used_at}
            for each in await passkeys.passkeys_of(session, person)
        ],
        "uses": await tell_history(asked),
    }


def _told(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    assert isinstance(value, date)
    # Of a day only the month is known: that in which a card expires.
    return f"{value:%Y-%m}"
