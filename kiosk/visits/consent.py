"""Showing the texts that people agree to."""

from collections.abc import Callable, Sequence

from kiosk.screens import Choice, Screen
from kiosk.visits.visit import Visit
from protocol.documents import digest_of
from protocol.messages import Consent, ConsentText, Signature


async def ask_consent(
    visit: Visit, screen: Callable[[ConsentText], Screen[Choice]], texts: Sequence[ConsentText]
) -> Consent | Choice:
    """Shows each text by itself, and returns the consent to all of them. Otherwise returns what the
    shopper chose instead of agreeing; back leads from one text to the one before."""
    at = 0
    while at < len(texts):
        answer = await visit.stage.ask(screen(texts[at]))
        if answer is Choice.AGREE:
            at += 1
        elif answer is Choice.BACK and at > 0:
            at -= 1
        else:
            return answer
    return Consent(
        texts=[digest_of(text) for text in texts],
        agreed_at=visit.service.now(),
        signature=Signature.HELD if any(text.release for text in texts) else None,
    )
