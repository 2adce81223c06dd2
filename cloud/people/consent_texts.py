"""The texts that people agree to: what is kept, why, how long, by whom, and how to withdraw.

A text is made of a law, a merchant and the settings that are in force, so it promises what the
service does. Whatever changes in it, its digest changes, and whoever has agreed to another one is
asked again. `VERSION` names the wording; a changed wording gets another one.
"""

from functools import lru_cache
from typing import NamedTuple

from cloud.law import Law, longest
from cloud.policy import BOOKKEEPING, ENTRIES_KEPT
from cloud.settings import Settings
from protocol.messages import ConsentSection, ConsentText

VERSION = "2027-01"
LANGUAGE = "en"


class _Told(NamedTuple):
    """What a text is made of."""

    law: Law
    merchant: str
    operator: str
    contact: str | None
    months: int


def texts_for(law: Law, merchant: str, chosen: Settings) -> tuple[ConsentText, ...]:
    """Returns what people are asked at a merchant's site, each text by itself."""
    months = longest(chosen.retention.inactive_months, {law})
    return _write(_Told(law, merchant, chosen.operator, chosen.privacy.contact, months))


@lru_cache(maxsize=1024)
def _write(told: _Told) -> tuple[ConsentText, ...]:
    law = told.law
    asked = [_what(told), _why(told), _how_long(told)]
    sharing = [_who(told)]
    end = [_choice(told), _withdrawing(told)]
    if law.shares_apart:
        return (
            _text(law, "May we keep this about you?", [*asked, *end]),
            _text(law, "May we share this with others?", [*_shared(told), *sharing, *end]),
        )
    if law.release:
        signed = ConsentSection(
            heading="Your release",
            text=f"By signing I release this to {told.operator}: it may collect, keep and use what "
            "is made of my palm as this text says. My signature is electronic: I give it with "
            "a button that says so.",
        )
        return (_text(law, "Written release for your palm", [*asked, *sharing, *end, signed]),)
    title = "Your explicit consent" if law.explicit else "What we keep, if you agree"
    return (_text(law, title, [*asked, *sharing, *end]),)


def _text(law: Law, title: str, sections: list[ConsentSection]) -> ConsentText:
    return ConsentText(
        version=VERSION,
        law=law.code,
        language=LANGUAGE,
        title=title,
        sections=sections,
        release=law.release,
    )


def _what(told: _Told) -> ConsentSection:
    name = " This is biometric data." if told.law.explicit else " This is a biometric identifier."
    return ConsentSection(
        heading="What we keep",
        text=f"A code made from your palm, encrypted.{name} Pictures are erased at once.\n"
        "Your mobile number.\n"
        "A stand-in for your card: its kind, last four digits and name, never its number.\n"
        "What you buy with your palm: amount, time, kiosk and card.\n"
        "Your membership card, your tickets, and that staff have seen your age, if you show them.\n"
        "The doors you pass with your palm: which and when, for "
        f"{ENTRIES_KEPT.days} days; and what a site gives you to pass them.\n"
        "To what you agreed, when and where.",
    )


def _why(told: _Told) -> ConsentSection:
    return ConsentSection(
        heading="Why",
        text=f"To recognise you when you hold your palm before a kiosk of {told.merchant}, and to "
        "charge what you confirm. Your number is for codes, receipts, which you can decline, and "
        "news about your account. Not for advertising. Nothing is sold, leased or traded.",
    )


def _how_long(told: _Told) -> ConsentSection:
    years = BOOKKEEPING.days // 365
    return ConsentSection(
        heading="How long",
        text=f"Until you delete it, and at most {told.months} months after you last used your "
        "palm; we tell you twice before. Purchases stay for the books then, without your name, "
        f"for {years} years.",
    )


def _shared(told: _Told) -> list[ConsentSection]:
    return [
        ConsentSection(
            heading="What we share",
            text="Your card's stand-in, the amounts that you confirm, your mobile number for the "
            f"messages to it, and at {told.merchant} your first name with an initial. Nobody gets "
            "the code made from your palm.",
        ),
        ConsentSection(
            heading="Why",
            text="So that you can pay, and find receipts and codes on your phone.",
        ),
    ]


def _who(told: _Told) -> ConsentSection:
    return ConsentSection(
        heading="Who has it",
        text=f"{told.operator} answers for your data.\n"
        f"{told.merchant} is told your first name and an initial, your card's kind and last four "
        "digits, and what you buy there.\n"
        "A payment provider charges your card. A message provider sends to your number.\n"
        "None of them gets the code made from your palm.",
    )


def _choice(told: _Told) -> ConsentSection:
    if told.law.explicit:
        return ConsentSection(
            heading="Your choice",
            text="You are free to say no. You can always pay another way, as quickly, at the same "
            "price and with the same service.",
        )
    return ConsentSection(
        heading="Your choice", text="You can always pay another way instead, at the same price."
    )


def _withdrawing(told: _Told) -> ConsentSection:
    reach = f" Questions and requests: {told.contact}." if told.contact else ""
    rights = (
        " You may see, correct, take along and delete what we keep, and complain to your "
        "supervisory authority. What was done before you withdraw stays lawful."
        if told.law.explicit
        else " You may see, correct, take along and delete what we keep."
    )
    return ConsentSection(
        heading="How to withdraw",
        text=f"At any kiosk with this sign-up or on its website, at any time: it is done at once."
        f"{rights}{reach} We answer within {told.law.answers_in} days.",
    )
