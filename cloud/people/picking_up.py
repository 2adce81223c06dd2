"""Picking up at a kiosk what was begun in the portal: the code that the shopper shows there leads
to an enrolment of theirs at this kiosk, which goes on as any other one does.

A code is counted before it is compared, against the kiosk. One kiosk at a time has the enrolment,
the one where the code was shown last. The number has to be proven in it before anything else, and
what was agreed to on the phone is not asked again.
"""

from functools import partial

from fastapi import APIRouter

from cloud.payments.cards import cards_of
from cloud.people import begun, consents, one_time_codes
from cloud.people.accounts import PROFILE, Profile
from cloud.people.agreements import add_agreement
from cloud.people.enrolments import enrolment_of, find_verified, start
from cloud.policy import ENROLMENT_LIFE
from cloud.recognition.proofs import count_guess
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.messages import BegunCode, BegunEnrolment, Consent, ProblemType

router: APIRouter = signed_request.router()


@router.post(
    "/begun-enrolments",
    responses=signed_request.leads_to(
        "enrolment_id",
        "enrolments.resend",
        "enrolments.verify_phone",
        "picking_up.agree",
        "enrolments.add_palm",
        "enrolments.complete",
        "enrolments.cancel",
    ),
)
async def pick_up(call: Caller, entry: BegunCode) -> BegunEnrolment:
    context, session = call.context, call.session
    guess = await count_guess(call, ())
    found = await begun.with_code(context, session, entry.code, call.now)
    if found is None:
        raise Refusal(ProblemType.WRONG_CODE, "nothing was begun with this code, or it is over")
    await guess.was_right(session)
    beginning, person = found.beginning, found.person
    phone_lookup = context.master.lookup("phone", beginning.phone)
    await one_time_codes.spend_message(call, phone_lookup)
    erased = await begun.let_go(session, found)
    await begun.last_until(session, found, call.now + ENROLMENT_LIFE)
    cards = list((await cards_of(session, person)).values())
    consent, *_ = await consents.given_by(session, person)
    profile = Profile(
        phone=beginning.phone,
        consent_version=consent.text.version,
        agreed_at=consent.row.at,
        holder=cards[0].holder if cards else None,
    )
    row = await start(call, person, phone_lookup, profile)
    call.afterwards.append(partial(context.database.forget_erased, *erased))
    return BegunEnrolment(
        **enrolment_of(row).model_dump(),
        phone_last2=beginning.phone[-2:],
        agreed=await context.accounts.agrees_at(session, person, (await call.device()).site_id),
        has_card=bool(cards),
    )


@router.put("/enrolments/{enrolment_id}/agreement", status_code=204)
async def agree(call: Caller, enrolment_id: str, consent: Consent) -> None:
    """Stores that the person agrees to what is asked at this device, which they have not done on
    their phone."""
    context, session = call.context, call.session
    row, person = await find_verified(call, enrolment_id)
    if await begun.begun_by(context, session, person) is None:
        raise Refusal(ProblemType.CONFLICT, "the person has agreed already")
    version = await consents.give(call, person, consent)
    await add_agreement(session, person, row.merchant_id, call.now, version)
    profile = person.open(Profile, row.profile, PROFILE)
    changes = {"consent_version": version, "agreed_at": consent.agreed_at}
    row.profile = person.seal(profile.model_copy(update=changes), PROFILE)
