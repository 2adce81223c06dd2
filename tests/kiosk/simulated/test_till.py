import pytest

from kiosk.simulated.till import KEPT, SimulatedTill
from kiosk.till.till import SaleResult
from protocol.messages import Money


@pytest.mark.anyio
async def test_a_till_that_goes_on_for_days_knows_its_latest_answers_alone():
    till = SimulatedTill()
    sales = [till.ring_up(Money(minor=100, currency="USD"), "Shop") for _ in range(KEPT + 3)]
    for sale in sales:
        await till.answer(sale.reference, SaleResult.APPROVED)
    assert list(till.answers) == [sale.reference for sale in sales[3:]]
    await till.answered(sales[-1].reference, SaleResult.APPROVED)
