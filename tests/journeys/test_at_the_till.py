"""A cashier and a shopper at one counter: the till is npm's @adyen/api-library, unmodified, and the
shopper stands before the real window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.screens import (
    Approved,
    ConfirmDelete,
    ConfirmPurchase,
    HoldPalm,
    TillMessage,
    Welcome,
)
from tests.journeys.conftest import Opens
from tests.support.hands import Person
from tests.support.manager import Manager
from tests.support.npm_till import DOOR, NpmTill, port_of_its_own
from tests.support.shopper import Shopper
from tests.support.tills import (
    KEY,
    Json,
    abort,
    line,
    payment,
    print_request,
    request,
    reversal,
    rung_up,
    status,
    told,
    write_keys,
)

NUMBER = "2025550123"


@pytest.fixture
def port() -> Iterator[None]:
    with port_of_its_own():
        yield


@pytest.fixture
def shopper(port: None, opens: Opens, tmp_path: Path) -> Shopper:
    write_keys(tmp_path / "till-keys.toml", KEY)
    return opens(till=DOOR)


@pytest.fixture
def till(shopper: Shopper, tmp_path: Path) -> Iterator[NpmTill]:
    shopper.sees(Welcome)
    till = NpmTill(tmp_path / "till-certificate.pem")
    yield till
    till.close()


def test_a_cashier_rings_up_what_a_palm_pays_aborts_the_next_sale_and_gives_back_what_returns(
    shopper: Shopper, till: NpmTill, ada: Person
) -> None:
    shopper.signs_up(ada, NUMBER)
    assert told(till.asks(request("Diagnosis", {}))) == ("Success", None)

    bread, tomatoes = line("Sourdough", 6.5, Quantity=1), line("Tomatoes", 6.0, Quantity=3)
    paying = till.sends(rung_up(bread, tomatoes))
    shopper.sees(HoldPalm)
    shopper.reads("Sourdough")
    shopper.reads("$12.50")
    shopper.shows(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.reads("Alex D.")
    shopper.shows(None)
    assert told(till.asks(status("1"))) == ("Failure", "InProgress")
    shopper.presses("Pay $12.50")
    shopper.sees(Approved)
    answer = paying.result(60)["answer"]
    assert told(answer) == ("Success", None)
    shopper.reads("A receipt goes to your phone")

    printing = till.sends(print_request("Sourdough 6.50", "Tomatoes 6.00", "Total 12.50"))
    shopper.sees(TillMessage)
    assert told(printing.result(60)["answer"]) == ("Success", None)
    shopper.presses("No message")
    shopper.reads("Nothing is sent to your phone.")
    shopper.finishes()

    aborted = till.sends(payment(9.9, "2"))
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[1])
    till.sends(abort("2"))
    assert told(aborted.result(60)["answer"]) == ("Failure", "Aborted")
    shopper.shows(None)
    shopper.sees(Welcome)

    paid = answer["SaleToPOIResponse"]["PaymentResponse"]["POIData"]["POITransactionID"]
    name = paid["TransactionID"]
    assert told(till.asks(reversal(name, 2.0, "3"))) == ("Success", None)
    rest = till.asks(reversal(name, None, "4"))["SaleToPOIResponse"]["ReversalResponse"]
    assert rest["ReversedAmount"] == 10.5
    assert told(till.asks(reversal(name, 0.5, "5"))) == ("Failure", "NotAllowed")

    shopper.presses("Delete my data")
    shopper.presses("Use my palm")
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[1])
    shopper.sees(ConfirmDelete)
    shopper.reads("Your name on your purchases: 1")


def test_a_manager_gives_back_in_the_console_and_the_tills_status_says_so(
    shopper: Shopper,
    till: NpmTill,
    ada: Person,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shopper.signs_up(ada, NUMBER)
    paying = till.sends(payment(12.5, "1"))
    shopper.sees(HoldPalm)
    shopper.shows(ada.left[1])
    shopper.sees(ConfirmPurchase)
    shopper.shows(None)
    shopper.presses("Pay $12.50")
    shopper.sees(Approved)
    paid = paying.result(60)["answer"]["SaleToPOIResponse"]["PaymentResponse"]
    name = paid["POIData"]["POITransactionID"]["TransactionID"]
    assert refunds(till.asks(status("1"))) == "refundedAmount=0.00&remainingAmount=12.50"

    manager = Manager(shopper.portal, tmp_path / "service", capsys)
    manager.gives_back(name, "4.50")
    answer = till.asks(status("1"))
    assert refunds(answer) == "refundedAmount=4.50&remainingAmount=8.00"
    repeated = answer["SaleToPOIResponse"]["TransactionStatusResponse"]["RepeatedMessageResponse"]
    assert repeated["RepeatedResponseMessageBody"] == {"PaymentResponse": paid}

    assert told(till.asks(reversal(name, 8.5, "2"))) == ("Failure", "NotAllowed")
    assert told(till.asks(reversal(name, None, "3"))) == ("Success", None)
    assert refunds(till.asks(status("1"))) == "refundedAmount=12.50&remainingAmount=0.00"
    manager.close()


def refunds(answer: Json) -> str:
    """Returns what the status of a payment says of what was given back."""
    told_of = answer["SaleToPOIResponse"]["TransactionStatusResponse"]["Response"]
    return told_of["AdditionalResponse"]
