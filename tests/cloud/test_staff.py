"""`./run cloud staff`: merchants, sites and devices, from the command line."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.__main__ import main
from cloud.db.sqlite import SqliteDatabase
from cloud.outbox.tables import Errand
from cloud.payments import receipts
from cloud.payments.tables import PurchaseRow
from cloud.settings import Settings
from palm.calibration import LEVELLED_3_INTERVALS
from protocol.messages import Age, AgeCheck, ProblemType, Purchase, Reader
from tests.support import databases
from tests.support.device import Refused, TestDevice
from tests.support.served import PLAIN, Served

Staff = Callable[..., str]
"""Runs a command of staff, and returns what it prints."""


@pytest.fixture
def staff(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Staff:
    def run(*words: str, state: Path | None = None, status: int = 0) -> str:
        """Without the state directory of a service, it is a new one with a file."""
        where = [] if state is None else databases.words_for(state)
        assert main(["--state", str(state or tmp_path), *where, "staff", *words]) == status
        shown = capfd.readouterr()
        return shown.err if status else shown.out

    return run


def add_florist(staff: Staff, *more: str) -> tuple[str, str]:
    """Adds a merchant, and returns its id and that of its site."""
    words = ("--name", "Florist", "--country", "DE", "--currency", "EUR", *more)
    found = re.fullmatch(r"merchant (\w+)\nsite (\w+)\n", staff("add-merchant", *words))
    assert found
    return found[1], found[2]


def test_a_new_service_has_the_merchant_of_its_settings(staff: Staff, tmp_path: Path):
    assert staff("merchants") == "first\tUS\tUSD\t-\tCorner Shop\t-\n"
    (tmp_path / "settings.toml").write_text(
        'liveness = "required"\n[merchant]\nname = "Bakery"\ncurrency = "EUR"\n'
        'account = "acct_bakery"\n'
    )
    assert staff("merchants") == "first\tUS\tEUR\tacct_bakery\tBakery\t-\n"
    assert staff("sites") == "first\tfirst\t-\tShop\n"


def test_a_site_has_a_law_and_gets_another(staff: Staff, tmp_path: Path):
    assert "privacy.contact is not set" in staff("change-site", "first", "--law", "US-IL", status=2)
    (tmp_path / "settings.toml").write_text('[privacy]\ncontact = "privacy@example.com"\n')
    words = ("--name", "Deli", "--country", "US", "--currency", "USD", "--law", "US-IL")
    _, site = staff("add-merchant", *words).split("site ")
    site = site.strip()
    assert f"{site}\t" in staff("sites")
    assert "\tUS-IL\tShop\n" in staff("sites")
    staff("change-site", site, "--law", "US-WA")
    assert "\tUS-WA\tShop\n" in staff("sites")
    staff("change-site", site, "--law", "none")
    assert "US-" not in staff("sites")


@pytest.mark.parametrize(
    ("law", "told"),
    [("US-TN", "no law that the service knows"), ("EU", "no law of US"), ("GB", "no law of US")],
)
def test_a_law_that_cannot_be_a_sites_is_refused_and_nothing_is_changed(
    staff: Staff, law: str, told: str
):
    before = staff("sites")
    assert told in staff("change-site", "first", "--law", law, status=2)
    assert told in staff("add-site", "first", "Station", "--law", law, status=2)
    assert staff("sites") == before


def test_a_european_merchant_whose_site_has_the_plain_law_is_told_so(
    staff: Staff, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    def told(*words: str) -> str:
        assert main(["--state", str(tmp_path), "staff", *words]) == 0
        return capfd.readouterr().err

    (tmp_path / "settings.toml").write_text('[privacy]\ncontact = "privacy@example.com"\n')
    words = ("add-merchant", "--name", "Florist", "--country", "DE", "--currency", "EUR")
    assert "has the plain law, and in DE that is EU" in told(*words)
    assert told("sites") == "", "once, when it becomes so"
    assert told(*words, "--law", "EU") == ""
    assert "in GB that is GB" in told("change-merchant", staff_merchant(staff), "--country", "GB")
    words = ("add-merchant", "--name", "Deli", "--country", "US", "--currency", "USD")
    assert told(*words) == ""


def staff_merchant(staff: Staff) -> str:
    """Returns the id of a merchant that was added, whose site has the plain law."""
    plain = [line.split("\t") for line in staff("sites").splitlines()]
    return next(row[1] for row in plain if row[2] == "-" and row[1] != "first")


def test_a_merchant_is_added_with_a_site_and_gets_more(staff: Staff):
    merchant, site = add_florist(staff, "--account", "acct_florist", "--site", "Market")
    assert f"{merchant}\tDE\tEUR\tacct_florist\tFlorist\t-\n" in staff("merchants")
    second = staff("add-site", merchant, "Station").removeprefix("site ").strip()
    listed = staff("sites")
    assert f"{site}\t{merchant}\t-\tMarket\n" in listed
    assert f"{second}\t{merchant}\t-\tStation\n" in listed


def test_a_merchant_is_changed_and_keeps_what_is_not_given(staff: Staff):
    merchant, _ = add_florist(staff)
    staff("change-merchant", merchant, "--account", "acct_florist")
    assert f"{merchant}\tDE\tEUR\tacct_florist\tFlorist\t-\n" in staff("merchants")


def test_a_merchant_names_the_region_that_its_palms_may_not_leave(
    staff: Staff, capfd: pytest.CaptureFixture[str], tmp_path: Path
):
    merchant, _ = add_florist(staff, "--region", "eu-west")
    assert "\tFlorist\teu-west\n" in staff("merchants")
    words = "staff", "change-merchant", merchant, "--name", "Fleuriste"
    assert main(["--state", str(tmp_path), *words]) == 0
    assert f"takes no palms for {merchant} from now on" in capfd.readouterr().err
    staff("change-merchant", merchant, "--region", "none")
    assert "\tFleuriste\t-\n" in staff("merchants")
    (tmp_path / "settings.toml").write_text('[service]\nregion = "eu-west"\n')
    assert main(["--state", str(tmp_path), *words, "--region", "eu-west"]) == 0
    assert capfd.readouterr().err == ""
    assert "region" in staff("change-merchant", merchant, "--region", "EU West", status=2)


def test_the_first_merchant_is_changed_in_the_settings(staff: Staff):
    told = staff("change-merchant", "first", "--name", "Bakery", status=2)
    assert "settings.toml" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--currency", "XXX"), "XXX"),
        (("--currency", "IRR"), "does not carry IRR"),
        (("--country", "UK"), "did you mean GB?"),
        (("--account", "florist"), "account"),
    ],
)
def test_a_merchant_that_cannot_sell_is_not_added(staff: Staff, given: tuple[str, str], told: str):
    words = ("--name", "Florist", "--country", "DE", "--currency", "EUR", *given)
    assert told in staff("add-merchant", *words, status=2)
    assert staff("merchants").count("\n") == 1


def test_where_there_are_several_sites_a_code_is_for_one_of_them(staff: Staff):
    assert re.fullmatch(r"[0-9]{8}\n", staff("activation-code"))
    _, site = add_florist(staff)
    assert f"--site {site}" in staff("activation-code", status=2)
    assert re.fullmatch(r"[0-9]{8}\n", staff("activation-code", "--site", site))
    assert "there is no nowhere" in staff("activation-code", "--site", "nowhere", status=2)


def test_when_staff_have_seen_an_age_is_listed_and_whose_it_was_is_not(
    staff: Staff, served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    check = AgeCheck(over=Age.EIGHTEEN, staff="40921").model_dump_json().encode()
    path = f"/identifications/{kiosk.recognised(who)}/age"
    assert kiosk.send("PUT", path, check).status_code == 204
    listed = staff("age-checks", "first", state=served.state.root).splitlines()
    (line,) = [line for line in listed if "40921" in line]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d\t40921\t{kiosk.id}", line)
    assert "there is no" in staff("age-checks", "nobody", state=served.state.root, status=2)


def test_what_has_failed_and_receipts_that_were_given_up_are_listed(staff: Staff, tmp_path: Path):
    assert staff("unfinished") == ""
    now = datetime.now(UTC)
    bought = PurchaseRow(
        id="purchase-1",
        merchant_id="first",
        device_id="device-1",
        reference="till-7-0042",
        amount_minor=1250,
        currency="USD",
        card_brand="visa",
        card_last4="4242",
        outcome="approved",
        at=now,
        receipt=receipts.UNSENT,
    )
    due = datetime(2026, 11, 29, 12, tzinfo=UTC)
    waiting = Errand(id="errand-1", kind="forget card", payload=b"sealed", attempts=3, due_at=due)

    async def happens() -> None:
        store = SqliteDatabase(tmp_path / "palms.db")
        async with store.session() as session:
            session.add_all([bought, waiting])
            await session.commit()
        await store.close()

    asyncio.run(happens())
    assert staff("unfinished") == (
        "waits\tforget card\t3\t2026-11-29 12:00\n"
        f"given up\tsend receipt\tfirst\ttill-7-0042\t{now:%Y-%m-%d %H:%M}\n"
    )


@pytest.mark.parametrize("verb", ["revoke-device", "replace-device"])
def test_a_device_whose_id_begins_with_a_dash_is_no_option(staff: Staff, verb: str):
    assert "there is no" in staff(verb, "-hUu_x", status=2)


def test_devices_are_listed_revoked_and_replaced_beside_a_running_service(
    staff: Staff, tmp_path: Path
):
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        stolen, broken = served.kiosk(), served.kiosk()
        staff("revoke-device", stolen.id, state=root)
        code = staff("replace-device", broken.id, state=root).strip()
        served.device().activate(code)
        for device in (stolen, broken):
            with pytest.raises(Refused) as refused:
                device.get("/purchases/never-happened", Purchase)
            assert refused.value.problem.type is ProblemType.UNKNOWN_DEVICE
        listed = staff("devices", state=root).splitlines()
        assert sorted("revoked" in line for line in listed) == [False, True, True]
        told = staff("revoke-device", stolen.id, state=root, status=2)
        assert "no active device" in told


def test_a_card_reader_is_bound_to_a_device_and_taken_away_beside_a_running_service(
    staff: Staff, tmp_path: Path
):
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        device = served.kiosk()
        staff("bind-reader", device.id, "tmr_Counter1", state=root)
        assert "\ttmr_Counter1\t" in staff("devices", state=root)
        assert device.get("/readers/tmr_Counter1", Reader).reader == "tmr_Counter1"
        staff("bind-reader", device.id, "none", state=root)
        assert "tmr_Counter1" not in staff("devices", state=root)


@pytest.mark.parametrize(
    ("reader", "told"),
    [("tmr_Counter1", "no active device"), ("sk_live_secret", "tmr_"), ("tmr_", "tmr_")],
)
def test_a_reader_that_cannot_be_bound_is_told(staff: Staff, reader: str, told: str):
    said = staff("bind-reader", "-no-device", reader, status=2)
    assert told in said
    assert "sk_live" not in said


def test_everybody_is_signed_out_of_the_portal(staff: Staff, tmp_path: Path):
    assert staff("end-sessions") == "Sessions ended: 0.\n"
    with closing(sqlite3.connect(tmp_path / "palms.db")) as stored:
        stored.executescript(
            """
            INSERT INTO sessions (id, person_id, lookup, browser, since, seen_at)
                VALUES ('1', 'alex', 'a', x'00', 0, 0), ('2', 'sam', 'b', x'00', 0, 0);
            """
        )
    assert staff("end-sessions") == "Sessions ended: 2.\n"
    assert staff("end-sessions") == "Sessions ended: 0.\n"


def test_keys_of_tills_are_made_listed_and_removed(staff: Staff):
    first = staff("till-key", "first").strip()
    second = staff("till-key", "first", "--days", "365").strip()
    rows = [line.split("\t") for line in staff("keys").splitlines()]
    names = [key.partition(".")[0] for key in (first, second)]
    assert sorted(row[0] for row in rows) == sorted(names)
    until = {row[0]: row[3] for row in rows}
    assert until[names[0]] == "-"
    assert until[names[1]].startswith("until 20")
    staff("remove-key", second)
    assert staff("keys").startswith(names[0])
    assert f"there is no key {names[1]}" in staff("remove-key", names[1], status=2)


def test_a_key_that_sends_access_lists_expires_after_a_year(staff: Staff):
    key = staff("access-key", "first")
    (row,) = staff("keys").splitlines()
    assert key.startswith("access_")
    assert row.split("\t")[3].startswith("until 20")


def test_a_key_of_the_api_is_made_for_some_scopes_listed_and_removed(staff: Staff):
    key = staff("api-key", "first", "--scopes", "people:read", "refunds:write").strip()
    (row,) = staff("keys").splitlines()
    assert key.startswith(row.split("\t")[0])
    assert row.split("\t")[3].startswith("until 20")
    assert row.split("\t")[4] == "people:read refunds:write"
    staff("remove-key", key)
    assert staff("keys") == ""
    assert "there is no nobody" in staff("api-key", "nobody", status=2)
    assert staff("webhooks") == ""


def test_everybodys_passkeys_are_removed(staff: Staff, tmp_path: Path):
    """They are of no use at a new address, and a code alone would not be enough."""
    staff("merchants")
    with closing(sqlite3.connect(tmp_path / "palms.db")) as stored:
        stored.executescript(
            "INSERT INTO passkeys (id, person_id, lookup, sealed, since)"
            " VALUES ('1', 'alex', 'a', x'00', 0), ('2', 'sam', 'b', x'00', 0);"
        )
    assert staff("remove-passkeys") == "Passkeys removed: 2.\n"
    assert staff("remove-passkeys") == "Passkeys removed: 0.\n"


def test_the_runs_that_delete_unused_accounts_are_listed(staff: Staff, tmp_path: Path):
    nobody = "People who were warned of a deletion: 0 once, 0 twice.\n"
    assert staff("inactivity") == nobody
    with closing(sqlite3.connect(tmp_path / "palms.db")) as stored:
        stored.executescript(
            """
            INSERT INTO inactivity_runs VALUES (1, 1795953600000, 1795953660000, 2, 1, 0, NULL);
            INSERT INTO inactivity_runs
                VALUES (2, 1796040000000, NULL, 0, 0, 1, 'Twilio answered 503');
            """
        )
    assert staff("inactivity") == (
        "2026-11-29 12:00\t2026-11-29 12:01\ttold 2\tdeleted 1\tfailed 0\t-\n"
        "2026-11-30 12:00\tnot finished\ttold 0\tdeleted 0\tfailed 1\tTwilio answered 503\n"
        + nobody
    )


def test_thresholds_say_which_of_them_nobody_has_seen_a_score_near(staff: Staff):
    listed = staff("thresholds")
    assert listed.startswith("0 enrolled palms\n")
    assert "10,000 enrolled palms\n" in listed
    of_10_000 = listed.partition("\n10,000 enrolled palms\n")[2]
    line = next(each for each in of_10_000.splitlines() if "version 3\taccept\t" in each)
    low, high = LEVELLED_3_INTERVALS[-1]
    assert f"(95 %: {low:.2f} to {high:.2f})\tone match in 100,000,000" in line
    assert line.endswith("extrapolated, no two different palms were seen to score as high")
    measured = next(each for each in listed.splitlines() if "accept by the number" in each)
    assert measured.endswith("\tmeasured")


def test_thresholds_of_an_own_matcher_are_those_of_its_settings(staff: Staff, tmp_path: Path):
    (tmp_path / "settings.toml").write_text(
        "[[recognition.schemes]]\nversion = 7\nextractor = 'a:B'\nmatcher = 'a:C'\n"
        "calibration = [[1e-2, 1.0], [1e-6, 5.0]]\n"
    )
    first = staff("thresholds").splitlines()[1]
    assert first == (
        "version 7\taccept\tfrom 4.00, interval not known\tone match in 100,000 different palms\t"
        "calibrated, how surely is not known"
    )
