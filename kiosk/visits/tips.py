"""Asking for a tip."""

from dataclasses import replace

from kiosk.screens import Choice, ChooseTip, Entered
from kiosk.till.till import Sale
from kiosk.visits.visit import Visit
from protocol.messages import MOST_MINOR, Money


async def ask_tip(visit: Visit, sale: Sale) -> Sale | None:
    """Returns the sale with the tip that the shopper adds, None when they cancel. Tips that cannot
    be charged are not offered."""
    refusals = [await visit.service.refusal(with_tip(sale.amount, tip)) for tip in tips_of(sale)]
    tips = [tip for tip, why in zip(tips_of(sale), refusals, strict=True) if why is None]
    if not tips:
        return sale
    while True:
        answer = await visit.stage.ask(ChooseTip(sale.merchant, sale.amount, tuple(tips)))
        match answer:
            case Choice.CANCEL:
                return None
            case Choice.SKIP:
                return sale
            case Entered(text) if text.isdecimal() and 1 <= int(text) <= len(tips):
                tip = tips[int(text) - 1]
                return replace(sale, amount=with_tip(sale.amount, tip), tip=tip)
            case _:
                continue


def tips_of(sale: Sale) -> list[Money]:
    """Returns the tips of a sale that make no amount above the largest one."""
    amount = sale.amount
    parts = [max(1, (amount.minor * percent + 50) // 100) for percent in sale.tips]
    return [
        Money(minor=part, currency=amount.currency)
        for part in parts
        if amount.minor + part <= MOST_MINOR
    ]


def with_tip(amount: Money, tip: Money) -> Money:
    return Money(minor=amount.minor + tip.minor, currency=amount.currency)
