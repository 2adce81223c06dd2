"""The service as a process: started, stopped, killed, and with damaged files."""

import json
import os
import re
import secrets
import select
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from sqlalchemy import text

from cloud.__main__ import main
from cloud.db.database import looking
from cloud.jobs.errands import run_errands
from cloud.jobs.housekeeping import run_round
from cloud.keys.masters import open_master
from cloud.policy import ENROLMENT_LIFE
from cloud.settings import Payments, Settings
from cloud.state import State
from cloud.web import certificates
from protocol.messages import (
    Account,
    BegunCode,
    BegunEnrolment,
    DeletionReceipt,
    DeletionRequest,
    Outcome,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    Side,
)
from tests.support import databases, engine, postgres
from tests.support.books import Provided, charged, listed
from tests.support.device import Refused, fresh_phone
from tests.support.dumped import in_files, in_memory
from tests.support.http_server import HttpServer, Silent
from tests.support.phone import Phone, begun_code
from tests.support.plain_palms import burst, template_of
from tests.support.served import PATIENCE_S, PLAIN, Process, Served
from tests.support.warm import Started, warm_starts


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `python -m cloud` with these arguments until it ends by itself."""

    def run(*words: object) -> Finished:
        capfd.readouterr()
        with warm_starts():
            status = main([str(word) for word in words])
        said = capfd.readouterr()
        return Finished(status, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """A service on its first run, and its state folder, for tests that leave both as they are."""
    root = tmp_path_factory.mktemp("running") / "state"
    with Process(root) as process:
        yield process, root


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


# First run


def test_a_service_without_settings_simulates_and_logs_it(tmp_path: Path):
    process = Started(["--state", str(tmp_path / "state"), "--port", "0"], tmp_path / "errors")
    assert b"sandbox_url" in process.stdout.readline()
    process.hang_up()
    said = process.wait(PATIENCE_S)
    assert "SIMULATED" in said
    stamps = re.findall(r"^(.*?) (?:INFO|WARNING|ERROR) cloud", said, re.MULTILINE)
    assert stamps
    for stamp in stamps:
        assert re.fullmatch(r"[0-9-]{10} [0-9:]{8}[+-][0-9]{4}", stamp), "a time with its zone"


def test_it_is_asked_with_curl_as_the_page_about_payments_says(running: tuple[Process, Path]):
    if shutil.which("curl") is None:
        pytest.skip("curl is not there")
    page = Path("docs/integrations/payment.md").read_text(encoding="utf-8")
    _, _, section = page.partition("### Trying it\n")
    commands = re.findall(r"^    (.+)$", section.partition("\n## ")[0], re.MULTILINE)
    assert commands[0].startswith("cd ")
    script = "\n".join([f"cd {running[1]}", *commands[1:]]).replace('"\n', '"; echo\n')
    told = subprocess.run(["bash", "-ec", script], capture_output=True, check=True, text=True)
    info, messages, problem = map(json.loads, told.stdout.splitlines())
    assert (info["sandbox"], messages) == (True, [])
    assert problem["type"] == "urn:palm-kiosk:problem:bad-signature"


def test_a_first_run_makes_its_files_readable_by_the_owner_only(running: tuple[Process, Path]):
    process, root = running
    announced = json.loads((root / "service.json").read_text())
    assert announced == {"ready": process.ready}
    assert Path(process.ready["ca"]) == root / "ca.pem"
    assert re.fullmatch("[0-9]{8}", process.ready["activation_code"])
    assert process.ready["api_url"] == f"{process.ready['url']}/v1/merchants/first"
    assert process.ready["api_key"].startswith("api_sandbox.")
    sandbox = httpx.URL(process.ready["sandbox_url"])
    assert process.device().http.get(f"{sandbox}/messages").json() == []
    for path in (root, *root.rglob("*")):
        ours = path.name != "settings.toml" and not path.is_relative_to(root / "sandbox")
        if ours:
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_accounts_purchases_and_cards_survive_a_restart(tmp_path: Path):
    with Process(tmp_path / "state") as process:
        kiosk = process.kiosk()
        account = kiosk.sign_up("alex")
        sale = kiosk.sale(kiosk.recognised("alex"))
        bought = kiosk.post("/purchases", sale, Purchase, key="sale-key")
        assert process.end()[0] == 0
    with Process(tmp_path / "state") as process:
        process.follow(kiosk)
        found = kiosk.identify("alex")
        assert found.outcome is Outcome.ACCEPTED
        assert found.customer
        assert found.customer.card == account.card
        assert kiosk.post("/purchases", sale, Purchase, key="sale-key") == bought
        # The simulated provider still has the card as well.
        again = kiosk.post("/purchases", kiosk.sale(found.identification_id), Purchase)
        assert again.outcome == "approved"


# Stopping


@pytest.mark.parametrize("way", ["end of its standard input", "SIGTERM", "SIGKILL"])
def test_the_child_processes_end_with_the_service(tmp_path: Path, way: str):
    with Process(tmp_path / "state", with_its_own_children=True) as process:
        others = [os.pidfd_open(child) for child in children(process.pid)]
        assert len(others) == 2, "the vault and the simulated provider"
        if way == "SIGKILL":
            process.kill()
        elif way == "SIGTERM":
            assert process.end()[0] == 0
            assert not (tmp_path / "state" / "service.json").exists()
        else:
            assert process.hang_up()[0] == 0
        for other in others:
            ended, _, _ = select.select([other], [], [], PATIENCE_S)
            os.close(other)
            assert ended


# Killed in the middle


BEGIN, CHARGE, REFUND = "payment_intents$", "payment_intents/.*/confirm$", "refunds$"


class Proxy(HttpServer):
    """A proxy of the payment provider that can hold one request, before or after passing it on."""

    def __init__(self, provider_url: str) -> None:
        self._path, self._passed_on = "", False
        self._held, self._released = threading.Event(), threading.Event()
        proxy = self

        class Handler(Silent):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                held = proxy.takes(self.path)
                if held and not proxy._passed_on:
                    proxy.hold()
                    return
                answer = httpx.request(
                    self.command,
                    provider_url + self.path,
                    content=body,
                    headers={
                        name: self.headers[name]
                        for name in ("authorization", "content-type")
                        if name in self.headers
                    },
                    trust_env=False,
                    verify=False,
                )
                if held:
                    proxy.hold()
                    return
                self.send_response(answer.status_code)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

        super().__init__(Handler)

    @contextmanager
    def holding(self, path: str, *, passed_on: bool) -> Iterator[threading.Event]:
        """Holds the first request to this path until the block ends, which never gets an answer.

        Yields an event that tells that it is held.
        """
        self._held, self._released = threading.Event(), threading.Event()
        self._path, self._passed_on = path, passed_on
        yield self._held
        self._path = ""
        self._released.set()

    def takes(self, path: str) -> bool:
        return bool(self._path and re.search(self._path, path)) and not self._held.is_set()

    def hold(self) -> None:
        self._held.set()
        self._released.wait(PATIENCE_S)

    def __exit__(self, *_: object) -> None:
        self._released.set()
        super().__exit__()


def kill_while(process: Process, held: threading.Event, request: Callable[[], object]) -> None:
    """Kills the service while the proxy holds what it asked the provider for on this request."""

    def ask() -> None:
        with pytest.raises(httpx.TransportError):
            request()

    asking = threading.Thread(target=ask)
    asking.start()
    assert held.wait(PATIENCE_S)
    process.kill()
    asking.join(PATIENCE_S)


@pytest.fixture
def proxy(served: Served) -> Iterator[Proxy]:
    """A proxy of the provider of the shared service."""
    with Proxy(served.provider_url) as proxy:
        yield proxy


@pytest.fixture
def start(proxy: Proxy, tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Starts a service, always over one state folder, that pays through the proxy."""
    url = f'[payments]\nstripe_url = "{proxy.url}"\n'
    with ExitStack() as running:
        yield lambda: running.enter_context(Process(tmp_path / "state", settings=url))


def posted(root: Path, kind: str) -> int:
    """Returns how many transactions of a kind the ledger of a state folder has."""
    with looking(databases.address_for(root)) as connection:
        query = text("SELECT count(*) FROM ledger WHERE kind = :kind")
        return connection.scalar(query, {"kind": kind}) or 0


def test_a_service_killed_while_paying_charges_and_posts_exactly_once(
    served: Served, proxy: Proxy, start: Callable[[], Process], tmp_path: Path
):
    """At each step in turn, and asked again in each way that a kiosk has."""
    process = start()
    kiosk = process.kiosk()
    kiosk.sign_up("alex")
    for step, passed_on, again in (
        (BEGIN, False, "with its key"),
        (BEGIN, True, "with another key"),
        (CHARGE, False, "by asking"),
        (CHARGE, True, "with its key"),
    ):
        before, booked = charged(served), posted(tmp_path / "state", "sale")
        sale = kiosk.sale(kiosk.recognised("alex"))
        key = f"key-{sale.reference}"
        with proxy.holding(step, passed_on=passed_on) as held:
            pay = partial(kiosk.post, "/purchases", sale, Purchase, key=key)
            kill_while(process, held, pay)
        process = start()
        process.follow(kiosk)
        if again == "by asking":
            bought = kiosk.get(f"/purchases/{sale.reference}", Purchase)
        else:
            key = key if again == "with its key" else f"another-{key}"
            bought = kiosk.post("/purchases", sale, Purchase, key=key)
        assert (step, bought.outcome) == (step, "approved")
        assert (step, charged(served)) == (step, before + 1)
        assert (step, posted(tmp_path / "state", "sale")) == (step, booked + 1)


def test_a_service_killed_while_refunding_refunds_and_posts_exactly_once(
    served: Served, proxy: Proxy, start: Callable[[], Process], tmp_path: Path
):
    process = start()
    kiosk = process.kiosk()
    kiosk.sign_up("alex")
    for passed_on in (False, True):
        before, booked = len(listed(served, "refunds")), posted(tmp_path / "state", "refund")
        sale = kiosk.sale(kiosk.recognised("alex"))
        kiosk.post("/purchases", sale, Purchase)
        path = f"/purchases/{sale.reference}/refunds"
        request = RefundRequest(reference=f"back-{sale.reference}")
        with proxy.holding(REFUND, passed_on=passed_on) as held:
            ask = partial(kiosk.post, path, request, Refund, key=f"key-{sale.reference}")
            kill_while(process, held, ask)
        process = start()
        process.follow(kiosk)
        given = kiosk.get(f"{path}/{request.reference}", Refund)
        assert (passed_on, given.outcome) == (passed_on, "refunded")
        assert (passed_on, len(listed(served, "refunds"))) == (passed_on, before + 1)
        assert (passed_on, posted(tmp_path / "state", "refund")) == (passed_on, booked + 1)
        assert ask() == given


METHOD, CUSTOMER, ATTACH = "payment_methods$", "customers$", "payment_methods/.*/attach$"


def customers(served: Provided) -> set[str]:
    return {customer["id"] for customer in listed(served, "customers")}


def round_after_the_enrolment_expired(served: Served, root: Path) -> None:
    """Starts the service of a state folder later, and has it do its housekeeping once."""
    payments = Payments.model_validate({"stripe_url": served.provider_url})
    again = Served(root, Settings(recognition=PLAIN, payments=payments))
    again.ahead = ENROLMENT_LIFE
    with again:
        again.do(run_round(again.context))
        again.do(run_errands(again.context))


def test_a_service_killed_while_or_after_keeping_a_card_leaves_no_customer_at_the_provider(
    served: Served, proxy: Proxy, start: Callable[[], Process], tmp_path: Path
):
    before = customers(served)
    process = start()
    kiosk = process.kiosk()
    for step in (METHOD, CUSTOMER, ATTACH):
        for passed_on in (False, True):
            with proxy.holding(step, passed_on=passed_on) as held:
                keep = partial(kiosk.add_card, kiosk.verified_enrolment())
                kill_while(process, held, keep)
            process = start()
            process.follow(kiosk)
    kiosk.add_card(kiosk.verified_enrolment())
    process.kill()
    assert customers(served) - before, "the last one at least is there"
    round_after_the_enrolment_expired(served, tmp_path / "state")
    assert customers(served) - before == set()


def test_a_card_that_is_added_again_after_the_service_was_killed_is_kept_once(
    served: Served, proxy: Proxy, start: Callable[[], Process], tmp_path: Path
):
    before = customers(served)
    process = start()
    kiosk = process.kiosk()
    enrolment_id = kiosk.verified_enrolment()
    keep = partial(kiosk.add_card, enrolment_id, key="card-key")
    with proxy.holding(ATTACH, passed_on=False) as held:
        kill_while(process, held, keep)
    process = start()
    process.follow(kiosk)
    keep()
    kiosk.add_palm(enrolment_id, burst("alex"))
    kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    process.kill()
    round_after_the_enrolment_expired(served, tmp_path / "state")
    assert len(customers(served) - before) == 1


def test_what_is_begun_on_a_phone_goes_on_after_each_kill_and_leaves_no_customer_unfinished(
    served: Served, proxy: Proxy, start: Callable[[], Process], tmp_path: Path
):
    before = customers(served)
    process = start()
    kiosk, number, begin = process.kiosk(), fresh_phone(), "/portal/begin"
    phone = Phone(process.ready["url"], Path(process.ready["ca"]))
    page = phone.sends(phone.opens(begin), begin, phone=number)
    page = phone.sends(page, f"{begin}/code", code=kiosk.last_one_time_code(number))

    def restart() -> Process:
        again = start()
        again.follow(kiosk)
        phone.follows(again.ready["url"])
        return again

    def shown() -> str:
        """Shows the code at the kiosk, and enters the one that comes by message."""
        told = kiosk.post("/begun-enrolments", BegunCode(code=begun_code(page)), BegunEnrolment)
        kiosk.verify_phone(told.enrolment_id, number)
        return told.enrolment_id

    process.kill()
    process = restart()
    page = phone.sends(phone.opens(begin), f"{begin}/consent")
    process.kill()
    process = restart()
    page = phone.opens(f"{begin}/ready")
    for passed_on in (False, True):
        with proxy.holding(ATTACH, passed_on=passed_on) as held:
            kill_while(process, held, partial(kiosk.add_card, shown()))
        process = restart()
    enrolment_id = shown()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst("alex"))
    process.kill()
    process = restart()
    # The palm that was added before the service was killed, and the enrolment, are still there.
    kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    process.kill()
    process = restart()
    assert kiosk.identify("alex").outcome is Outcome.ACCEPTED
    assert "What you began here is over" in phone.opens(f"{begin}/ready").text
    phone.close()
    process.kill()
    round_after_the_enrolment_expired(served, tmp_path / "state")
    assert len(customers(served) - before) == 1


# Damage


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[merchant", "not TOML"),
        ("[merchant]\nname = 5", "merchant.name"),
        ("[merchant]\ncurrency = 'dollars'", "merchant.currency"),
        ("colour = 'blue'", "colour"),
        ("[recognition]\nexaminer = 'nowhere:Nobody'", "nowhere"),
    ],
    ids=["broken", "wrong type", "wrong value", "unknown", "no such part"],
)
def test_corrupt_settings_are_reported_with_cause_and_remedy(
    tmp_path: Path, run: Run, content: str, says: str
):
    (tmp_path / "settings.toml").write_text(content)
    finished = run("--state", tmp_path, "--sandbox", "--port", "0")
    assert finished.status == 2
    assert says in finished.err
    assert "settings" in finished.err
    assert "Traceback" not in finished.err
    assert finished.out == ""


def test_settings_that_are_not_text_are_reported(tmp_path: Path, run: Run):
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe\x00")
    finished = run("--state", tmp_path, "--sandbox", "--port", "0")
    assert finished.status == 2
    assert "remove it to use the defaults" in finished.err


def test_a_service_without_a_payment_provider_starts_only_in_the_sandbox(tmp_path: Path, run: Run):
    (tmp_path / "settings.toml").write_text("[merchant]\nname = 'Corner Shop'")
    finished = run("--state", tmp_path, "--port", "0")
    assert finished.status == 2
    assert "--sandbox" in finished.err


def test_a_hosted_service_does_not_start_undecided_and_names_all_that_is_wrong(
    tmp_path: Path, run: Run
):
    (tmp_path / "settings.toml").write_text(
        '[merchant]\ncountry = "UK"\ncurrency = "GPB"\n[payments]\nstripe_key = "sk_live_1"'
    )
    finished = run("--state", tmp_path, "--port", "0")
    assert finished.status == 2
    for named in ("merchant.country", "did you mean GB?", "did you mean GBP?", "liveness"):
        assert named in finished.err
    assert "Traceback" not in finished.err


@pytest.mark.parametrize("name", ["master.key", "receipt.key", "server.pem", "ca.key"])
def test_a_damaged_key_is_reported_with_cause_and_remedy(tmp_path: Path, run: Run, name: str):
    state = State.open(tmp_path)
    open_master(state)
    state.receipt_key()
    certificates.ensure(state)
    state.key(name).write_bytes(b"damaged")
    finished = run("--state", tmp_path, "--sandbox", "--port", "0")
    assert finished.status == 2
    assert name in finished.err
    assert "estore" in finished.err
    assert "Traceback" not in finished.err


def test_a_missing_master_key_is_not_replaced_where_there_is_a_database(tmp_path: Path, run: Run):
    state = State.open(tmp_path)
    state.database.write_bytes(b"")
    finished = run("--state", tmp_path, "--sandbox", "--port", "0")
    assert finished.status == 2
    assert "master.key is missing" in finished.err
    assert not state.key("master.key").exists()


def test_a_damaged_database_is_reported_with_cause_and_remedy(tmp_path: Path, run: Run):
    state = State.open(tmp_path)
    open_master(state)
    state.receipt_key()
    state.database.write_bytes(b"this is not a database" * 100)
    finished = run("--state", tmp_path, "--sandbox", "--port", "0")
    assert finished.status == 2
    assert "not a database" in finished.err
    assert "backup" in finished.err
    assert "Traceback" not in finished.err


# Certificates


def test_the_server_certificate_is_renewed_before_it_expires_and_the_authority_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state = State.open(tmp_path)
    monkeypatch.setattr(certificates, "SERVER_LIFE", timedelta(days=20))
    certificates.ensure(state)
    authority, ending = state.ca.read_bytes(), state.key("server.pem").read_bytes()
    monkeypatch.undo()
    certificates.ensure(state)
    renewed = state.key("server.pem").read_bytes()
    assert state.ca.read_bytes() == authority
    assert renewed != ending
    life = x509.load_pem_x509_certificate(renewed).not_valid_after_utc - datetime.now(UTC)
    assert life > timedelta(days=300)
    certificates.ensure(state)
    assert state.key("server.pem").read_bytes() == renewed


# Commands


def test_the_activation_code_shown_to_staff_activates_a_device(
    running: tuple[Process, Path], run: Run
):
    process, root = running
    shown = run("--state", root, *databases.words_for(root), "staff", "activation-code")
    assert shown.status == 0
    assert process.device().activate(shown.out.strip()).merchant == "Corner Shop"


def test_a_deletion_is_verified_from_the_command_line(tmp_path: Path, run: Run):
    root = tmp_path / "state"
    with Process(root) as process:
        kiosk = process.kiosk()
        kiosk.sign_up("alex")
        leaving = kiosk.recognised("alex", Purpose.LEAVE)
        request = DeletionRequest(identification_id=leaving)
        receipt = kiosk.post("/deletions", request, DeletionReceipt)
        process.end()
    with Process(root):
        # Housekeeping makes the provider forget the card, if that is not done yet.
        pass
    words = ("--state", root, *databases.words_for(root), "verify-deletion")
    checked = run(*words, receipt.receipt_id)
    assert (checked.status, checked.out.partition("\n")[0]) == (0, "Nothing remains.")
    unknown = run(*words, "no-such-receipt")
    assert unknown.status == 2


# Memory


def test_the_memory_of_the_service_is_not_dumped(running: tuple[Process, Path]):
    program = (
        "import ctypes, resource\n"
        "from protocol.memory import keep_from_disk\n"
        "keep_from_disk()\n"
        "get_dumpable = 3\n"
        "print(ctypes.CDLL(None).prctl(get_dumpable, 0, 0, 0, 0))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout == b"0\n"
    process, _ = running
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read the memory of the service")
def test_no_picture_and_no_plain_template_is_anywhere_outside_the_vault(
    running: tuple[Process, Path],
):
    """Nor in the processes, the tables and the write-ahead log of a server."""
    process, root = running
    began, who = time.time_ns(), f"palm {secrets.token_hex(16)}"
    template = template_of(who)
    kiosk = process.kiosk()
    wanted = {
        "a picture": who.encode(),
        "the beginning of a template": template[:48],
        "a part of a template": template[300:348],
        "the id of a device": kiosk.id.encode(),
    }
    assert wanted["a picture"] in burst(who).encode()
    kiosk.sign_up(who)
    kiosk.recognised(who)
    pids, folders = [process.pid], [root.parent]
    if engine.is_server():
        server = postgres.server()
        server.do("CHECKPOINT")
        pids += server.pids()
        folders.append(server.data)
    found = [in_memory(pid, wanted) for pid in pids]
    found += [in_files(folder, began, wanted) for folder in folders]
    assert "the id of a device" in found[0] & found[-1], "what is there would be found"
    assert set().union(*found) == {"the id of a device"}


# Logs


def test_the_log_holds_no_number_code_token_or_name(tmp_path: Path):
    phone = fresh_phone()
    with Process(tmp_path / "state") as process:
        kiosk = process.kiosk()
        kiosk.sign_up("alex", phone=phone, sides=(Side.LEFT, Side.RIGHT), holder="Quentin Unusual")
        code = kiosk.last_one_time_code(phone)
        with pytest.raises(Refused):
            kiosk.add_card(kiosk.verified_enrolment(), "tok_chargeDeclined")
        kiosk.post("/purchases", kiosk.sale(kiosk.recognised("alex")), Purchase)
        kiosk.send("POST", "/enrolments", phone.encode())
        kiosk.http.post("/v1/enrolments", content=phone.encode())
        with looking(databases.address_for(tmp_path / "state")) as connection:
            person_id = connection.scalar(text("SELECT person_id FROM accounts"))
        leaving = kiosk.recognised("alex", Purpose.LEAVE)
        request = DeletionRequest(identification_id=leaving)
        kiosk.post("/deletions", request, DeletionReceipt)
        _, said = process.end()
    assert "api: refused as bad signature: 1" in said, "there is a log"
    for secret in (phone, phone[1:], code, "tok_", "Quentin", "Unusual", "4242", person_id, "cus_"):
        assert secret not in said
