"""docs/integrations/first-call.md: its commands are given to a shell as they are written, and its
receiver hears of what they do."""

import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from protocol.asked import AskedPalms, RequestState
from tests.cloud.integrations.conftest import Shop
from tests.cloud.integrations.test_palm_requests import answers, palm_of
from tests.cloud.integrations.test_sales import buy
from tests.support.http_server import HttpServer
from tests.support.served import PATIENCE_S, Served

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there"),
]

PAGE = (Path(__file__).parents[3] / "docs" / "integrations" / "first-call.md").read_text("utf-8")
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def block(begins: str) -> str:
    """Returns the block of the page that begins so."""
    return next(
        text
        for text in (textwrap.dedent(found[0]) for found in BLOCK.finditer(PAGE))
        if text.startswith(begins)
    )


class Shell:
    """A shell in which the page has been followed so far."""

    def __init__(self, served: Served, shop: Shop, folder: Path) -> None:
        self._folder = folder
        api = f"{served.url}/v1/merchants/{shop.api.merchant}"
        ready = {"api_url": api, "api_key": shop.api.key, "ca": str(served.state.ca)}
        (folder / "service.json").write_text(json.dumps({"ready": ready}))
        self._begins = block("ready()").replace("/tmp/palms/service.json", "service.json")

    def begins(self, commands: str) -> "subprocess.Popen[str]":
        script = f"set -eu\n{self._begins}\n{commands}"
        return subprocess.Popen(
            ["bash", "-c", script], cwd=self._folder, stdout=subprocess.PIPE, text=True
        )

    def runs(self, commands: str) -> list[Any]:
        """Returns what each line of the answer says."""
        shell = self.begins(commands)
        told, _ = shell.communicate(timeout=PATIENCE_S)
        assert shell.returncode == 0, told
        return [json.loads(line) for line in told.splitlines()]


@contextmanager
def receiving(heard: "Queue[str]") -> Iterator[int]:
    """Serves with the receiver of the page, which prints into `heard`, and yields its port."""
    text = PAGE[PAGE.index("    import base64") :].partition("\n\nTell the service")[0]
    program, _, serves = textwrap.dedent(text).rpartition("\n\n")
    assert serves.startswith('http.server.HTTPServer(("127.0.0.1", 8000), Receiver)')
    names: dict[str, Any] = {"print": lambda *words, flush: heard.put(" ".join(words))}
    exec(program, names)
    with HttpServer(names["Receiver"]) as server:
        yield server.port


def test_the_first_webhook_comes_as_the_page_says(
    served: Served, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shell = Shell(served, shop, tmp_path)
    assert shell.runs(block('api "$API/purchases"')) == [json.loads(block('{"purchases"'))]
    heard: Queue[str] = Queue()
    with receiving(heard) as port:
        tells = block('api "$API/webhooks"').replace(":8000/", f":{port}/")
        tells, _, starts = tells.strip().rpartition("\n")
        assert starts == "python3 receive.py &"
        (delivery,) = shell.runs(f"{tells}\n{block('api -X POST')}")
        assert (delivery["type"], delivery["state"]) == ("test", "waiting")
        line = heard.get(timeout=PATIENCE_S)
    shown, told = (json.loads(each.removeprefix("genuine ")) for each in (block("genuine"), line))
    assert shown.keys() == told.keys()
    assert (told["type"], told["data"]) == (shown["type"], shown["data"])


def test_the_first_identification_goes_as_the_page_says(
    served: Served, shop: Shop, who: str, tmp_path: Path
):
    shop.kiosk.sign_up(who)
    shop.link(who, "1001")
    bought = buy(shop.kiosk, who)
    shell = Shell(served, shop, tmp_path)
    asking = shell.begins(block("KIOSK="))
    asked = None
    while asked is None:
        answer = shop.kiosk.send("PUT", "/palm-requests/taken?wait=4")
        asked = AskedPalms.model_validate_json(answer.content).request
    palm = palm_of(shop.kiosk, asked, who)
    assert answers(shop.kiosk, asked, palm).state is RequestState.IDENTIFIED
    told, _ = asking.communicate(timeout=PATIENCE_S)
    shown = json.loads(block("{…, ").replace("{…, ", "{"))
    told = json.loads(told)
    assert told.pop("statement").count(".") == 2
    assert shown.pop("statement") == "…"
    assert shown.items() <= told.items()

    people, purchases = shell.runs(block('api "$API/people'))
    assert [person["reference"] for person in people["people"]] == ["1001"]
    assert [each["purchase_id"] for each in purchases["purchases"]] == [bought.purchase_id]
    gives = block('api "$API/purchases/PURCHASE').replace("PURCHASE", bought.purchase_id)
    (refund,) = shell.runs(gives)
    assert (refund["reference"], refund["outcome"]) == ("my-first-refund", "refunded")
