"""docs/integrations/till.md, message by message: what it has a till send is what these tests send,
and what it has the kiosk answer is what the kiosk answers."""

import asyncio
import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from kiosk.screens import Choice, Entered, TillDigits
from kiosk.settings import Settings, TillDoor
from kiosk.till.till import Acquisition, Sale, SaleResult, Talk
from protocol.messages import Customer, Money, RefundRequest
from tests.support.doors import OpenDoor
from tests.support.shop import VISA, Shop
from tests.support.tills import (
    Json,
    abort,
    acquisition,
    display,
    enable,
    given_back,
    input_request,
    line,
    payment,
    print_request,
    request,
    reversal,
    rung_up,
    status,
)

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[4] / "docs" / "integrations" / "till.md").read_text("utf-8")
MESSAGE = re.compile(
    r"^    nexo (?P<kind>\w+) (?P<category>\w+) (?P<number>\d+) '(?P<body>[^']+)'\n"
    r'(?:\n(?P<answer>    \{"\w+Response": \{.*\n(?:    .+\n)*))?',
    re.MULTILINE,
)
"""A message of the page, and the answer that follows it."""
NAME = re.compile(r"nexo-[0-9a-f]{24}")
"""A TransactionID that a kiosk has given."""
SOME_NAME = "nexo-000000000000000000000000"

SENT = [
    request("Diagnosis", {}),
    rung_up(line("Sourdough", 14.5, Quantity=2), line("Staff card", -2.0)),
    status("2"),
    reversal(SOME_NAME, 1.2),
    abort("6"),
    payment(),
    acquisition(),
    payment(2.5, of=SOME_NAME),
    enable("AbortTransaction"),
    display("Three for two on tomatoes"),
    print_request("Sourdough 14.50", "Total 12.50"),
    input_request("DigitString", "Your member number?", MinLength=4, MaxLength=8),
    request("Login", {}),
    request("Logout", {}),
]
"""What the page sends, in its order; the ServiceIDs count from 1."""


def test_the_page_sends_what_the_tests_send() -> None:
    found = [
        (sent["category"], sent["number"], json.loads(NAME.sub(SOME_NAME, sent["body"])))
        for sent in MESSAGE.finditer(PAGE)
    ]
    assert found == [
        (category, str(number), message["SaleToPOIRequest"][f"{category}Request"])
        for number, message in enumerate(SENT, 1)
        for category in [message["SaleToPOIRequest"]["MessageHeader"]["MessageCategory"]]
    ]


async def shoppers(shop: Shop) -> None:
    """Pay, are known, read what is shown, and type a number."""
    while True:
        match await shop.till.next_request():
            case Sale(reference, amount):
                shop.gives_back_elsewhere(reference, amount, 0)
                await shop.till.answer(reference, SaleResult.APPROVED, card=VISA)
            case Acquisition(reference):
                alex = Customer(name_hint="Alex D.", card=VISA)
                await shop.till.tell_shopper(reference, alex)
            case Talk(reference, screen):
                entry = Entered("123456") if isinstance(screen, TillDigits) else Choice.DONE
                await shop.till.tell_entry(reference, entry)


async def test_the_kiosk_answers_as_the_page_says(shop: Shop):
    serving = asyncio.create_task(shoppers(shop))
    names: dict[str, str] = {}

    def named(text: str) -> Any:
        return json.loads(NAME.sub(lambda name: names.get(name[0], name[0]), text))

    for sent in MESSAGE.finditer(PAGE):
        if sent["category"] == "Reversal":
            part = RefundRequest(reference="reference-1", amount=Money(minor=120, currency="USD"))
            shop.answers.append(given_back("purchase-1", part))
        message = request(sent["category"], named(sent["body"]), sent["number"])
        assert message["SaleToPOIRequest"]["MessageHeader"]["MessageClass"] == sent["kind"]
        answer = await shop.asks(message)
        if sent["answer"] is None:
            assert answer is None, sent["category"]
            continue
        told: Json = dict(answer["SaleToPOIResponse"])
        told.pop("MessageHeader")
        names |= zip(NAME.findall(sent["answer"]), NAME.findall(json.dumps(told)), strict=True)
        assert told == named(sent["answer"])
    serving.cancel()


@pytest.mark.process
async def test_a_kiosk_of_the_page_is_asked_with_curl(tmp_path: Path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not there")
    started, fetched, function = (
        textwrap.dedent(found[0])
        for found in (
            re.search(r"^    \./run kiosk .*unencrypted.*\n", PAGE, re.MULTILINE),
            re.search(r"^    curl -k .*\n", PAGE, re.MULTILINE),
            re.search(r"^    nexo\(\) \{\n(?:    .*\n)+?    \}\n", PAGE, re.MULTILINE),
        )
        if found
    )
    assert Settings.load([*started.split()[2:], "--state", str(tmp_path)]).till == TillDoor(
        port=8443, unencrypted=True
    )
    kiosk = OpenDoor(tmp_path, unencrypted=True)
    async with kiosk.open():
        script = f"{fetched}\n{function}\nnexo Service Diagnosis 1 '{{}}'\n"
        script = script.replace("KIOSK:8443", "localhost:8443").replace(
            "8443", str(kiosk.door.port)
        )
        bash = await asyncio.create_subprocess_exec(
            "bash", "-c", script, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        told, problem = await bash.communicate()
    assert bash.returncode == 0, problem
    body = json.loads(told)["SaleToPOIResponse"]["DiagnosisResponse"]
    assert body["Response"] == {"Result": "Success"}
