"""`./run cloud staff`: kiosks are looked after from afar, from the command line."""

import getpass
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from cloud.settings import Settings
from tests.cloud.fleet.test_fleet import REPORT, bundle, send, told
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture
from tests.support.served import PLAIN, Served


def test_kiosks_are_set_restarted_locked_and_seen_beside_a_running_service(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("SUDO_USER", raising=False)
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()
        assert "\tactive\t-\t-\t-\t-\tTill 3\n" in staff("devices", state=root)

        staff("set-kiosk", "first", "++variant", "dark", "++volume", "30", state=root)
        staff("set-kiosk", kiosk.id, "++volume", "80", state=root)
        listed = staff("kiosk-settings", state=root).splitlines()
        assert sorted(listed) == sorted(
            ["first\tvariant\tdark", "first\tvolume\t30", f"{kiosk.id}\tvolume\t80"]
        )
        given = told(kiosk)
        assert (given.variant, given.volume) == ("dark", 80)
        staff("set-kiosk", "first", "++hours", "mon-sat 08:00-20:00", state=root)
        assert told(kiosk).hours == "mon-sat 08:00-20:00"
        staff("set-kiosk", "first", "++helpline", "Palm Services, 0800 555 0100", state=root)
        assert told(kiosk).helpline == "Palm Services, 0800 555 0100"
        staff("set-kiosk", kiosk.id, "++volume", "none", state=root)
        assert told(kiosk).volume == 30
        for words, why in (
            (("nowhere", "++volume", "1"), "there is no nowhere"),
            (("first", "++volume", "200"), "from 0 to 100"),
            (
                ("first",),
                "++variant, ++accent_light, ++accent_dark, ++volume, ++hours, ++helpline, ++logo",
            ),
        ):
            assert why in staff("set-kiosk", *words, state=root, status=2)

        (line,) = staff("devices", state=root).splitlines()
        assert "\t0.1.0 up 2 h, disk 900 MB free, memory 700 MB, 31 visits, 2 ended\t" in line
        assert line.endswith("\tcamera fault\tTill 3")

        served.ahead = kiosk.ahead = timedelta(minutes=-6)
        told(kiosk)
        served.ahead = kiosk.ahead = timedelta()
        assert staff("devices", state=root).endswith("\tsilent, camera fault\tTill 3\n")

        staff("restart-device", kiosk.id, state=root)
        assert told(kiosk).restart > 0
        staff("lock-device", kiosk.id, state=root)
        assert told(kiosk).locked
        acts = [row.split("\t")[1:] for row in staff("acts", state=root).splitlines()]
        who = getpass.getuser()
        assert acts == [["restart", who, kiosk.id], ["lock", who, kiosk.id]]

        assert "has sent no support bundle" in staff(
            "support-bundle", kiosk.id, state=root, status=2
        )
        assert send(kiosk, bundle(kiosk)) == 204
        assert '"the kiosk is open"' in staff("support-bundle", kiosk.id, state=root)

        tampered = served.kiosk()
        told(tampered, REPORT.model_copy(update={"tampering": "usb"}))
        assert f"\ttampering\tseen: usb\t{tampered.id}\n" in staff("acts", state=root)
        (line,) = [
            each for each in staff("devices", state=root).splitlines() if tampered.id in each
        ]
        assert "\trevoked " in line
        assert "\ttampering usb, camera fault\t" in line

        staff("revoke-device", kiosk.id, state=root)
        assert "no active device" in staff("lock-device", kiosk.id, state=root, status=2)


def test_limits_of_payments_are_set_listed_and_taken_away(staff: Staff):  # noqa: F811
    staff("set-policy", "--site", "first", "--pulse-above", "5000", "--staff-above", "90000")
    assert staff("policies").splitlines() == [
        "site\tfirst\tpulse_above\t5000 USD\tsite",
        "site\tfirst\tstaff_above\t90000 USD\tsite",
    ]
    staff("set-policy", "--merchant", "first", "--pulse-above", "4000")
    for words, why in (
        (("--site", "first", "--pulse-above", "4001"), "pulse_above is 4000 for the merchant"),
        (("--site", "first"), "name what to set"),
        (("--merchant", "nobody", "--pulse-above", "1"), "there is no nobody"),
    ):
        assert why in staff("set-policy", *words, status=2)
    staff("set-policy", "--merchant", "first", "--pulse-above", "none")
    assert "merchant" not in staff("policies")


def test_pictures_are_set_and_taken_away_beside_a_running_service(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
):
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), np.full((30, 20, 3), 90, np.uint8))
    root = tmp_path / "state"
    with Served(root, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()
        for words, why in (
            (("++logo", str(tmp_path / "gone")), "No such file"),
            (("++logo", __file__), "no PNG, JPEG or WebP"),
            (("++attract", *[str(photo)] * 7), "at most 6"),
        ):
            assert why in staff("set-kiosk", "first", *words, state=root, status=2)
        staff("set-kiosk", "first", "++logo", str(photo), "++attract", str(photo), state=root)
        logo, attract = told(kiosk).pictures
        assert kiosk.send("GET", f"/device/pictures/{attract.sha256}").status_code == 200
        staff("set-kiosk", "first", "++logo", "none", "++attract", "none", state=root)
        assert not told(kiosk).pictures
        assert kiosk.send("GET", f"/device/pictures/{logo.sha256}").status_code == 404
