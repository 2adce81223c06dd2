"""Palms as they arrive: sealed, and told of by the vault alone."""

from datetime import timedelta

from fastapi import Request

from cloud.doors import Call, see_once
from cloud.problems import Refusal
from cloud.vault.client import CaptureRefused, Seen, VaultUnavailable
from cloud.vault.wire import Refused
from protocol.messages import ENVELOPE_TYPE, ProblemType, Purpose

_REPLAY_WINDOW = timedelta(minutes=10)
"""Well beyond the vault's own idea of freshness."""

_PROBLEMS = {
    Refused.UNREADABLE: ProblemType.ENVELOPE_UNREADABLE,
    Refused.STALE: ProblemType.STALE,
    Refused.UNUSABLE: ProblemType.PALM_UNUSABLE,
}


async def look(
    call: Call, request: Request, purposes: list[Purpose], visit_id: str | None = None
) -> Seen:
    """What the vault sees in the envelope. Call it outside a transaction; it opens the one in
    which the envelope counts as used. Raises Refusal."""
    if request.headers.get("content-type") != ENVELOPE_TYPE:
        raise Refusal(ProblemType.MALFORMED, f"a palm travels as {ENVELOPE_TYPE}", status=415)
    try:
        seen = await call.service.vault.examine(call.body, call.device_id, purposes, visit_id)
    except CaptureRefused as refused:
        kind = _PROBLEMS[refused.kind]
        time = call.now if kind is ProblemType.STALE else None
        raise Refusal(kind, refused.detail, time=time) from None
    except VaultUnavailable:
        raise Refusal(ProblemType.VAULT_UNAVAILABLE, retry_after=1) from None
    nonce = f"envelope {seen.nonce.hex()}"
    await see_once(call.session, call.device_id, nonce, call.now + _REPLAY_WINDOW)
    return seen
