"""Sealed captures: the vault examines them, and each is accepted once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from fastapi import Request

from cloud.matching import SignsDisagree
from cloud.policy import Limit
from cloud.recognition import challenges
from cloud.seen import Light
from cloud.vault.client import CaptureRefused, Lifeless
from cloud.vault.messages import ExaminedPalm, WireRefusal
from cloud.web import limits
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, spend_nonce
from protocol.envelope import EnvelopeError, read_header
from protocol.messages import ENVELOPE_TYPE, ProblemType, Purpose

Found = TypeVar("Found")

_REPLAY_WINDOW = timedelta(minutes=10)
"""How long the nonce of an envelope is kept: longer than the vault takes an envelope for fresh."""

_PROBLEMS = {
    WireRefusal.COLOUR_ONLY: ProblemType.INFRARED_REQUIRED,
    WireRefusal.UNREADABLE: ProblemType.ENVELOPE_UNREADABLE,
    WireRefusal.STALE: ProblemType.STALE,
    WireRefusal.UNUSABLE: ProblemType.PALM_UNUSABLE,
}


async def count(call: Call, limit: Limit) -> None:
    """Counts a palm of the calling device that the vault is about to judge. Raises LimitReached,
    and VaultUnavailable while there is no vault: then nothing was judged, and nothing counts."""
    call.context.vault.must_be_there()
    await limits.spend(call.session, limit, call.device_id, call.now)


async def examine(
    call: Call,
    request: Request,
    purposes: list[Purpose],
    search: Callable[[ExaminedPalm], Awaitable[Found]],
    visit_id: str | None = None,
) -> tuple[ExaminedPalm, Found]:
    """Has the vault examine the envelope of a request, and returns the palm with the result of
    `search` for it. Where `search` raises SignsDisagree, the palm is taken for lifeless.

    It must be called outside a transaction, because both ask the vault. It opens the transaction in
    which the envelope and its light challenge are used up; the result may be acted upon in that
    transaction only. Raises Refusal, Lifeless and VaultUnavailable.

    Nothing else opens an envelope, so here is where palms are kept from a region that they may not
    come to.
    """
    if request.headers.get("content-type") != ENVELOPE_TYPE:
        raise Refusal(ProblemType.MALFORMED, f"a palm travels as {ENVELOPE_TYPE}", status=415)
    device = await call.device()
    if not is_to_leave(call.body):
        # Whoever wants to leave can, wherever their palm was taken.
        merchant_id = device.merchant_id
        await call.context.regions.must_be_here(call.context, call.session, merchant_id)
    challenge_id = _challenge_of(call)
    challenge = None
    if challenge_id is not None:
        challenge = await challenges.answered(call, challenge_id)
    call.light = _light_of(infrared=device.infrared, challenged=challenge is not None)
    await call.session.commit()
    try:
        examined = await call.context.vault.examine(
            call.body,
            call.device_id,
            purposes,
            versions=call.context.gallery.versions,
            visit_id=visit_id,
            challenge=challenge,
            infrared=device.infrared,
        )
    except CaptureRefused as refused:
        await _use_up(call, None, challenge_id)
        kind = _PROBLEMS[refused.kind]
        time = call.now if kind is ProblemType.STALE else None
        raise Refusal(kind, refused.detail, time=time) from None
    except Lifeless as lifeless:
        await _use_up(call, lifeless.nonce, challenge_id)
        raise
    try:
        found = await search(examined)
    except SignsDisagree:
        await _use_up(call, examined.nonce, challenge_id)
        raise Lifeless(examined.purpose, examined.visit_id, examined.nonce, copied=True) from None
    await _use_up(call, examined.nonce, challenge_id)
    if challenge_id is not None:
        await challenges.met(call)
    if examined.quality is not None:
        call.context.seen.quality(call.device_id, call.light, examined.quality)
    return examined, found


def is_to_leave(envelope: bytes) -> bool:
    """Returns whether an envelope says that its palm was shown for a deletion. The vault verifies
    that it was sealed for that."""
    try:
        return read_header(envelope).context.purpose == Purpose.LEAVE
    except EnvelopeError:
        return False


def _light_of(*, infrared: bool, challenged: bool) -> Light:
    if challenged:
        return Light.BOTH if infrared else Light.RING
    return Light.INFRARED if infrared else Light.PLAIN


def _challenge_of(call: Call) -> str | None:
    """Returns the id of the challenge that the envelope names. The vault verifies that it was
    sealed with it. Raises Refusal."""
    try:
        challenge_id = read_header(call.body).context.challenge
    except EnvelopeError as error:
        raise Refusal(ProblemType.ENVELOPE_UNREADABLE, str(error)) from None
    if challenge_id is None and call.context.settings.light_required:
        raise Refusal(ProblemType.LIGHT_REQUIRED)
    return challenge_id


async def _use_up(call: Call, nonce: bytes | None, challenge_id: str | None) -> None:
    """Raises Refusal when either was used before."""
    if nonce is not None:
        until = call.now + _REPLAY_WINDOW
        await spend_nonce(call.session, call.device_id, f"envelope {nonce.hex()}", until)
    if challenge_id is not None:
        await challenges.spend(call, challenge_id)
