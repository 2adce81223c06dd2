"""The preview of one screen follows its QML."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtQuick import QQuickItem
from pytestqt.qtbot import QtBot

from ui.examples import examples
from ui.preview import Preview, main
from ui.window import QML


@pytest.fixture
def qml(tmp_path: Path) -> Path:
    """A copy of the QML modules, with the fonts where they look for them."""
    (tmp_path / "assets").symlink_to(QML.parents[1] / "assets")
    return Path(shutil.copytree(QML, tmp_path / "ui" / "qml"))


@pytest.fixture
def preview(qapp: QGuiApplication, qml: Path) -> Iterator[Preview]:
    opened = Preview(examples()["staff-called"], qml=qml)
    yield opened
    opened.close()


def texts(item: QQuickItem) -> Iterator[str]:
    for child in item.childItems():
        yield str(child.property("text"))
        yield from texts(child)


def shown(preview: Preview) -> set[str]:
    assert preview.window
    return set(texts(preview.window.page))


def title(qml: Path) -> str:
    return next(
        line.split('"')[1]
        for line in (qml / "Palm/screens/StaffCalled.qml").read_text().splitlines()
        if "title:" in line
    )


def rewrite(qml: Path, file: str, before: str, after: str) -> None:
    path = qml / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_a_saved_screen_is_shown_anew(preview: Preview, qml: Path, qtbot: QtBot) -> None:
    before = title(qml)
    assert before in shown(preview)
    for after in ("Help is near", "Help is here"):
        with qtbot.waitSignal(preview.renewed, check_params_cb=bool):
            rewrite(qml, "Palm/screens/StaffCalled.qml", before, after)
        assert after in shown(preview)
        assert before not in shown(preview)
        before = after


def test_a_screen_that_an_editor_replaces_is_shown_anew(
    preview: Preview, qml: Path, qtbot: QtBot
) -> None:
    screen = qml / "Palm/screens/StaffCalled.qml"
    for after in ("Help is near", "Help is here"):
        fresh = screen.with_suffix(".new")
        fresh.write_text(screen.read_text().replace(title(qml), after))
        with qtbot.waitSignal(preview.renewed, check_params_cb=bool):
            fresh.replace(screen)
        assert after in shown(preview)


@pytest.mark.qt_log_level_fail("CRITICAL")
@pytest.mark.parametrize("file", ["Palm/screens/StaffCalled.qml", "Palm/Main.qml"])
def test_a_mistake_leaves_the_last_good_picture_until_it_is_mended(
    preview: Preview, qml: Path, qtbot: QtBot, file: str
) -> None:
    good = shown(preview)
    with qtbot.waitSignal(preview.renewed, check_params_cb=lambda renewed: not renewed):
        rewrite(qml, file, "import QtQuick\n", "import QtQuick\n}")
    assert shown(preview) == good
    with qtbot.waitSignal(preview.renewed, check_params_cb=bool):
        rewrite(qml, file, "import QtQuick\n}", "import QtQuick\n")
    assert shown(preview) == good


def test_an_unknown_screen_is_answered_with_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["preview", "no-such-screen"])
    assert main() == 2
    assert set(examples()) <= {line.strip() for line in capsys.readouterr().err.splitlines()}
