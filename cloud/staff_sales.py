"""The verbs of `./run cloud staff` about sales and refunds."""

# ruff: noqa: T201 - a command answers on standard output

import argparse
from collections.abc import Callable

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import acts
from cloud.console.four_eyes import Chosen
from cloud.console.roles import Reach, Role
from cloud.console.sales import first_line, lines_of, note_export, wanted_by
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.payments import sales
from cloud.payments.purchases import PurchaseRow
from cloud.payments.refunds import Reason
from cloud.payments.sales import SaleState, Step
from cloud.providers import stripe_units
from cloud.staff_verbs import CannotDo, there
from cloud.web.language import decimal, minor_of
from cloud.web.problems import Refusal
from protocol.messages import Money, RefundRequest

_ALL = Reach(Role.OPERATOR, None, None)
_AT_ONCE = 1000
"""How many sales are read from the database at once."""


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds these verbs. `add` is the function of `cloud.staff` that adds one."""
    # The id of a device may begin with a dash, so options begin with a plus.
    listed = add("sales", _export, "print sales as lines of CSV, the newest first", "+")
    where = listed.add_mutually_exclusive_group()
    for kind in ("merchant", "site", "device"):
        where.add_argument(f"++{kind}", help=f"only sales of the {kind} with this id")
    listed.add_argument(
        "++when", default="", help="a day or a month: YYYY-MM-DD or YYYY-MM, in UTC"
    )
    # Its value must not stand in `state`, where the option --state of the service stands.
    listed.add_argument(
        "++state",
        dest="became",
        choices=list(SaleState),
        default="",
        help="only sales in this state",
    )
    listed.add_argument("++reference", default="", help="the till's name for the sale")
    one = add("sale", _show, "show the steps of one sale from the till to the ledger")
    back = add("refund", _give_back, "refund a sale, in full or in part")
    back.add_argument("--amount", help="the amount, such as 12.50; default: all that is left")
    back.add_argument("--reason", choices=list(Reason), required=True)
    back.add_argument(
        "--reference",
        help="your own name of the refund, of 8 to 64 characters; the same name never makes a "
        "second refund",
    )
    for verb in (one, back):
        verb.add_argument("sale", help="the id of the sale, which is the last column of `sales`")


async def _export(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    kinds = ("merchant", "site", "device")
    named = [(kind, name) for kind in kinds if (name := getattr(arguments, kind)) is not None]
    where = " ".join(named[0]) if named else ""
    chosen = Chosen(
        where=where,
        when=arguments.when,
        state=arguments.became,
        reference=arguments.reference,
    )
    try:
        wanted = await wanted_by(session, _ALL, chosen)
    except Refusal:
        raise CannotDo(
            "there is no such place or time. List places: staff merchants, staff sites, staff "
            "devices. Times are YYYY-MM-DD or YYYY-MM."
        ) from None
    rows = await sales.listed(session, wanted, _AT_ONCE)
    await note_export(session, arguments.by, wanted, chosen, rows)
    print(first_line(), end="")
    while rows:
        async for line in lines_of(session, _ALL, rows):
            print(line, end="")
        rows = await sales.listed(session, wanted, _AT_ONCE, (rows[-1].at, rows[-1].id))


async def _show(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    row = await _sale(arguments, session)
    for step in await sales.way_of(session, row):
        at = "-" if step.at is None else f"{step.at:%Y-%m-%d %H:%M:%S}"
        print(at, step.stage, *_told(step, row), sep="\t")


def _told(step: Step, row: PurchaseRow) -> list[str]:
    minor = step.minor or (row.amount_minor if step.stage in ("asked", "paid") else 0)
    amount = f"{decimal(minor, row.currency)} {row.currency}" if minor else "-"
    return [amount, step.told or "-", step.by or "-", step.why or "-"]


async def _give_back(arguments: argparse.Namespace, session: AsyncSession, _: MasterKey) -> None:
    row = await _sale(arguments, session)
    amount: Money | None = None
    if arguments.amount is not None:
        minor = minor_of(arguments.amount, row.currency)
        if minor is None:
            raise CannotDo(f"{arguments.amount} is no amount of {row.currency} above zero.")
        amount = Money(minor=minor, currency=row.currency)
    try:
        request = RefundRequest(
            reference=arguments.reference or f"command-{new_id()}", amount=amount
        )
    except ValidationError:
        raise CannotDo(
            "a reference has 8 to 64 characters: letters, digits, dashes and underscores."
        ) from None
    chargeable = stripe_units.chargeable
    try:
        refund = await acts.refund(
            session, chargeable, arguments.by, row, request, reason=Reason(arguments.reason)
        )
    except Refusal as refusal:
        raise CannotDo(f"nothing was refunded: {refusal.problem.detail}.") from None
    given = f"{decimal(refund.amount_minor, row.currency)} {row.currency}"
    print(
        f"refund {refund.id}\nThe service gives {given} back within a minute: staff sale {row.id}"
    )


async def _sale(arguments: argparse.Namespace, session: AsyncSession) -> PurchaseRow:
    return there(await sales.find(session, arguments.sale), "sales", arguments.sale)
