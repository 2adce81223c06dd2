"""No number of a card passes through the service: it has no place for one, and what a shopper types
on the provider's page is found nowhere in it."""

import logging

import httpx
import pytest

from cloud.db.tables import Table
from cloud.providers.sandbox import SandboxProvider
from protocol.messages import Account, Card, CardPage, CardPageState
from tests.support.card_fields import FOR_NUMBERS
from tests.support.device import TestDevice
from tests.support.plain_palms import burst
from tests.support.served import Served

NUMBER = "4242424242424242"


def test_no_table_has_a_column_for_a_number():
    columns = {
        f"{table.name}.{column.name}"
        for table in Table.metadata.tables.values()
        for column in table.columns
        if set(column.name.split("_")) & FOR_NUMBERS
    }
    assert columns == set()


@pytest.mark.sqlite
def test_a_number_typed_on_the_page_is_nowhere_in_the_service(
    served: Served, kiosk: TestDevice, who: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    assert isinstance(served.context.payments, SandboxProvider)
    enrolment_id = kiosk.verified_enrolment()
    page = kiosk.post(f"/enrolments/{enrolment_id}/card/pages", None, CardPage)
    path = f"/enrolments/{enrolment_id}/card/pages/{page.page_id}"
    assert kiosk.get(path, CardPageState).state == "open"
    typed = {"number": NUMBER, "name": "Alex Doe"}
    assert httpx.post(page.url, data=typed, trust_env=False, verify=False).status_code == 303
    assert kiosk.get(path, CardPageState) == CardPageState(
        state="saved", card=Card(brand="visa", last4="4242")
    )
    kiosk.add_palm(enrolment_id, burst(who))
    account = kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    assert account.name_hint == "Alex D."
    files = [file for file in served.state.root.rglob("*") if file.is_file()]
    ours = [file for file in files if not file.is_relative_to(served.state.sandbox)]
    assert served.state.database in ours
    assert [file for file in ours if NUMBER.encode() in file.read_bytes()] == []
    assert NUMBER not in caplog.text
