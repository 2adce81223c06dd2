"""`./run fuzz`: has Schemathesis send the service what its OpenAPI document allows and forbids.

Schemathesis knows no signatures, so its requests pass a proxy on loopback that signs them as a
device. It has the key of an integrator, in whose place the proxy puts one of many, so that it is
not told to wait, and one of the operator's for what is of no merchant. What it asks of any merchant
is asked of theirs. Nor can it show a palm: what it asks about an id is asked about one that there
is.
Arguments are passed on to `schemathesis run`, such as `--max-examples 100`.
"""

import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from cloud.jobs.housekeeping import write_seen
from cloud.merchants.tables import FIRST
from cloud.seen import Kind
from cloud.settings import Settings
from cloud.web.merchant_keys import API_KEY, KeyUse
from protocol.messages import ProblemType, Purchase, Purpose
from protocol.signature import Request, sign_request
from tests.support.device import TestDevice
from tests.support.integrator import Integrator, integrator
from tests.support.served import PLAIN, Served

HERE = Path(__file__).parent
NOT_FORWARDED = {
    "accept-encoding",
    "connection",
    "content-digest",
    "content-length",
    "host",
    "signature",
    "signature-input",
    "transfer-encoding",
}
PLAIN_ID = "[A-Za-z0-9_-]{8,64}(?=[/?]|$)"
"""What may be an id: all else in its place is to be refused."""
KEYS = 20
"""So many keys take turns, each of which may ask 600 times a minute."""
OF_NONE = re.compile(
    r"(?:GET /v1/(?:devices|merchants)|"
    r"\w+ /v1/(?:approvals|audit|audit-files|jobs|reconciliation|secret-replacements|staff)\b[^?]*)"
    r"(?:\?|$)"
)
"""Operations on what is of no merchant."""
NOT_RETURNED = {"connection", "content-encoding", "content-length", "date", "transfer-encoding"}


def what_there_is(
    served: Served, kiosk: TestDevice, api: Integrator
) -> list[tuple[re.Pattern[str], str]]:
    """Returns the ids of what there is at a kiosk, each with where it stands in paths: behind the
    first group."""
    kiosk.sign_up("somebody")
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised("somebody")), Purchase)
    receiver = api.post("/webhooks", {"url": "http://127.0.0.1:1/", "events": ["palm.refused"]})[
        "receiver_id"
    ]
    delivery = api.post(f"/webhooks/{receiver}/test")["delivery_id"]
    wanted = {"kind": "approve", "question": "Yes?", "device_id": kiosk.id, "expires_in_s": 600}
    request = api.post("/palm-requests", wanted)["request_id"]
    kiosk.send("PUT", "/palm-requests/taken?wait=0")
    served.context.seen.happened(Kind.CODES, kiosk.id)
    served.do(write_seen(served.context))
    (attack,) = api.get("/attacks")["attacks"]
    places = {
        f"^(/v1/merchants/{FIRST}/sites/){PLAIN_ID}": FIRST,
        f"(/attacks/){PLAIN_ID}": attack["attack_id"],
        f"(/merchants/{FIRST}/approvals/){PLAIN_ID}": api.post("/audit-files")["approval_id"],
        f"^(/v1/purchases/){PLAIN_ID}": bought.reference,
        f"^(/v1/merchants/{FIRST}/purchases/){PLAIN_ID}": bought.purchase_id,
        f"^(/v1/merchants/{FIRST}/webhooks/){PLAIN_ID}": receiver,
        f"(/deliveries/){PLAIN_ID}": delivery,
        f"(/palm-requests/)(?!taken){PLAIN_ID}": request,
        f"^(/v1/enrolments/){PLAIN_ID}": kiosk.verified_enrolment(),
    }
    for purpose, of in {
        Purpose.CARDS: "cards",
        Purpose.ENTER: "tickets",
        Purpose.IDENTIFY: "(?:membership|age|holdings)",
    }.items():
        found = kiosk.recognised("somebody", purpose)
        places[f"^(/v1/identifications/){PLAIN_ID}(?=/{of})"] = found
    return [(re.compile(place), name) for place, name in places.items()]


def signing_proxy(served: Served, key: str) -> ThreadingHTTPServer:
    """Returns a server on a free port of loopback that signs each request and passes it on. Its
    device is activated again when it has told of tampering, which revokes it: all that came after
    would be refused. Other keys take the place of `key`."""
    device = served.kiosk()
    of_merchant = cycle(integrator(served).key for _ in range(KEYS))
    of_operator = cycle(integrator(served, None).key for _ in range(KEYS))
    of_access = integrator(served, use=KeyUse.ACCESS).key
    there = what_there_is(served, device, integrator(served))

    class Signing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                answer = self._answer(body)
            except httpx.LocalProtocolError:
                # What no client can send needs no answer of the service.
                answer = httpx.Response(400, json={"type": "about:blank", "status": 400})
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in NOT_RETURNED:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        def _answer(self, body: bytes) -> httpx.Response:
            sent = {
                name.lower(): value
                for name, value in self.headers.items()
                if name.lower() not in NOT_FORWARDED
            }
            is_of_merchant = self.path.startswith("/v1/merchants/")
            is_of_none = OF_NONE.match(f"{self.command} {self.path}") is not None
            if sent.get(API_KEY) == key:
                sent[API_KEY] = next(of_operator if is_of_none else of_merchant)
            if self.command == "POST" and not (is_of_merchant or is_of_none):
                # Those with a key describe the header, so that it is tried without.
                sent.setdefault("idempotency-key", secrets.token_urlsafe(16))
            asked = re.sub("^/v1/merchants/[^/?]+/", f"/v1/merchants/{FIRST}/", self.path)
            if self.command != "DELETE":
                for place, name in there:
                    asked = place.sub(lambda found, name=name: found[1] + name, asked)
            if "/access-list" in asked:
                # Another kind of key, for a site.
                sent[API_KEY] = of_access
                asked = re.sub("/sites/[^/?]+/", f"/sites/{FIRST}/", asked)
            url = device.http.base_url.join(asked)
            path, _, query = url.raw_path.decode("latin-1").partition("?")
            request = Request(self.command, path, query, sent, body)
            answer = self._sent(url, request)
            if answer.status_code == 401 and ProblemType.UNKNOWN_DEVICE in answer.text:
                device.activate(served.activation_code())
                answer = self._sent(url, request)
            return answer

        def _sent(self, url: httpx.URL, request: Request) -> httpx.Response:
            signed = {**request.headers, **sign_request(request, device.key, now=time.time())}
            return device.http.request(request.method, url, content=request.body, headers=signed)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.forward
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Signing)
    server.daemon_threads = True
    return server


def main(schemathesis: str, options: list[str]) -> int:
    settings = Settings(recognition=PLAIN)
    with tempfile.TemporaryDirectory() as state, Served(Path(state), settings) as served:
        key = integrator(served).key
        proxy = signing_proxy(served, key)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}"
        command = [
            schemathesis,
            "--config-file",
            str(HERE / "schemathesis.toml"),
            "run",
            f"{url}/v1/openapi.json",
            "--url",
            url,
            "--checks",
            "all",
            "--header",
            f"X-API-Key: {key}",
            *options,
        ]
        environment = os.environ | {"PYTHONPATH": str(HERE)}
        try:
            return subprocess.run(command, env=environment, check=False, cwd=state).returncode
        finally:
            proxy.shutdown()
            proxy.server_close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
