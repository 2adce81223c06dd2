"""The descriptions of Python types for qmllint match the types."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QMetaObject

from ui.dock import Dock
from ui.liveview import Frames, LiveView
from ui.phone_number import PhoneNumber
from ui.stage import QtStage
from ui.window import QML

TYPES = {
    "Stage": QtStage,
    "Frames": Frames,
    "LiveView": LiveView,
    "PhoneNumber": PhoneNumber,
    "Simulated": Dock,
}
TOLD = (QML / "Palm" / "live" / "live.qmltypes").read_text()


def described(name: str) -> str:
    """Returns the component of that name in live.qmltypes."""
    return next(part for part in TOLD.split("Component {") if f'name: "{name}"' in part)


def names(meta: QMetaObject) -> set[str]:
    properties = {str(meta.property(i).name()) for i in range(meta.propertyCount())}
    methods = {meta.method(i).name().toStdString() for i in range(meta.methodCount())}
    return properties | methods


@pytest.mark.parametrize("name", TYPES)
def test_every_member_told_of_is_there(name: str) -> None:
    text = re.sub(r"Parameter \{[^}]*\}", "", described(name))
    members = set(re.findall(r'(?:Property|Signal|Method) \{\s*name: "(\w+)"', text))
    assert members - names(TYPES[name].staticMetaObject) == set()


@pytest.mark.parametrize("folder", [path.parent for path in QML.glob("**/qmldir")], ids=str)
def test_every_file_is_in_its_module(folder: Path) -> None:
    listed = set(re.findall(r"(\w+\.qml)$", (folder / "qmldir").read_text(), re.MULTILINE))
    assert listed == {path.name for path in folder.glob("*.qml")}


def test_every_word_on_a_screen_can_be_translated() -> None:
    bare = re.compile(r'^\s*(?:text|title|alert|detail|words): "[^"]+"', re.MULTILINE)
    found = {path.name: bare.findall(path.read_text()) for path in QML.glob("**/*.qml")}
    assert {name: words for name, words in found.items() if words} == {}


def test_nothing_can_be_typed_selected_or_dragged_with_what_belongs_to_qt() -> None:
    """Shoppers have keys of our own: an input field would bring a context menu, an input method's
    window and a selection with it."""
    ours = [path for path in QML.rglob("*.qml") if path.parent.name != "dock"]
    brings = re.compile(
        r"\b(Text(Input|Edit|Field|Area)|DropArea|Drag|\w*Menu|ToolTip|selectByMouse)\b\s*[.{:]"
    )
    found = {path.name for path in ours if brings.search(path.read_text())}
    assert not found
