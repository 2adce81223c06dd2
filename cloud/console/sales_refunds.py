"""Pages on which staff refund a sale, in full or in part: a form for the amount and the reason, a
page that asks to confirm, and the refund itself."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError

from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.roles import Right
from cloud.console.sales import left_of, sale_of
from cloud.db.tables import new_id
from cloud.db.turns import TurnTaken
from cloud.payments import refunds
from cloud.payments.refunds import Reason, refunded_of
from cloud.providers import ProviderUnavailable
from cloud.web.browsers import redirect
from cloud.web.language import decimal, minor_of
from cloud.web.problems import Refusal
from protocol.messages import Money, ProblemType, RefundRequest

_PROBLEMS: Mapping[ProblemType, str] = {
    ProblemType.CONFLICT: "before",
    ProblemType.CARD_FORGOTTEN: "gone",
}
"""The problem that the form tells when a refund is refused for another reason than its amount."""

routes: APIRouter = router(Right.REFUND)

Field = Annotated[str, Form(max_length=64)]


@routes.get("/sales/{sale_id}/refund")
async def ask_how_much(asked: Asker) -> Response:
    sale = sale_of(asked)
    left = await _left(asked)
    return await _form(asked, key=new_id(), amount=decimal(left, sale.currency))


@routes.post("/sales/{sale_id}/refund")
async def ask_whether(
    asked: Asker, amount: Field = "", reason: Field = "", key: Field = ""
) -> Response:
    """Shows what would be refunded, and asks to confirm it. It changes nothing."""
    sale = sale_of(asked)
    left, minor = await _left(asked), minor_of(amount, sale.currency)
    if minor is None or minor > left:
        return await _form(asked, 422, key=key, amount=amount, reason=reason, problem="amount")
    if reason not in list(Reason):
        return await _form(asked, 422, key=key, amount=amount, reason=reason, problem="reason")
    return asked.page(
        "refund_confirm.html",
        sale=sale,
        minor=minor,
        left=left,
        amount=decimal(minor, sale.currency),
        reason=reason,
        key=key,
    )


@routes.post("/sales/{sale_id}/refund/give")
async def give(asked: Asker, amount: Field = "", reason: Field = "", key: Field = "") -> Response:
    """Refunds the amount. A form that is sent several times has the same key and refunds once."""
    sale, session = sale_of(asked), asked.session
    minor = minor_of(amount, sale.currency)
    if minor is None or reason not in list(Reason):
        raise Refusal(ProblemType.MALFORMED)
    try:
        request = RefundRequest(
            reference=f"console-{key}", amount=Money(minor=minor, currency=sale.currency)
        )
    except ValidationError:
        raise Refusal(ProblemType.MALFORMED) from None
    chargeable = asked.context.payments.chargeable
    try:
        row = await acts.refund(session, chargeable, asked.by, sale, request, reason=Reason(reason))
    except Refusal as refusal:
        if refusal.problem.type is ProblemType.NOT_FOUND:
            raise
        # Somebody else may have been quicker; or the provider does not count in such units.
        problem = _PROBLEMS.get(refusal.problem.type, "step")
        return await _form(asked, 422, key=new_id(), amount=amount, reason=reason, problem=problem)
    await session.commit()
    # On failure the refund stays pending: the page of the sale says so, and housekeeping tries it
    # again.
    with suppress(ProviderUnavailable, TurnTaken):
        await refunds.settle(asked.context, session, row)
    return redirect(f"{HOME}/sales/{sale.id}")


async def _left(asked: Asked) -> int:
    """Returns how much of the sale can still be refunded, in the minor unit. Raises Refusal when
    nothing can."""
    sale = sale_of(asked)
    left = left_of(sale, await refunded_of(asked.session, sale))
    if left == 0:
        raise Refusal(ProblemType.CONFLICT)
    return left


async def _form(
    asked: Asked,
    status: int = 200,
    *,
    key: str,
    amount: str,
    reason: str = "",
    problem: str | None = None,
) -> Response:
    sale = sale_of(asked)
    return asked.page(
        "refund.html",
        status,
        sale=sale,
        left=left_of(sale, await refunded_of(asked.session, sale)),
        key=key,
        amount=amount,
        reason=reason,
        reasons=list(Reason),
        problem=problem,
    )
