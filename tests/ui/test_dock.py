"""The development dock simulates the world around the kiosk."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtQuick import QQuickItem
from PySide6.QtTest import QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from hardware.faults import TemporaryFault
from hardware.gate import SimulatedController, SimulatedRelease, Verdict
from hardware.usb import Kind
from kiosk.assembly import assemble
from kiosk.settings import Settings
from kiosk.simulated.simulation import Simulation
from kiosk.simulated.till import SimulatedTill
from palm.hand.landmarks import Side
from protocol.credential import Credential, CredentialFormat
from tests.support.screenful import middle
from tests.support.sealed import state_of
from ui.dock import Dock
from ui.stage import QtStage

AtGate = Callable[[str], tuple[Dock, Simulation]]
CARD = Credential(format=CredentialFormat.WIEGAND_26, facility=118, number=1603)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    loop = asyncio.new_event_loop()
    kiosk = assemble(
        Settings(state=tmp_path, dock=True, enclosure="sim:", usb="sim:"),
        QtStage(loop),
        state_of(tmp_path),
    )
    yield Simulation(kiosk, loop)
    loop.close()


@pytest.fixture
def dock(qapp: QGuiApplication, qtbot: QtBot, world: Simulation) -> Iterator[Dock]:
    opened = Dock("light")
    opened.play(world)
    with qtbot.waitSignal(opened.window.frameSwapped):
        opened.window.update()
    yield opened
    opened.close()


def visible(item: QQuickItem) -> Iterator[QQuickItem]:
    for child in item.childItems():
        if child.isVisible():
            yield child
            yield from visible(child)


def texts(dock: Dock) -> list[str]:
    return [item.property("text") for item in visible(dock.window.contentItem())]


def click(dock: Dock, words: str) -> None:
    buttons = [
        item
        for item in visible(dock.window.contentItem())
        if item.inherits("QQuickAbstractButton") and item.property("text") == words
    ]
    scroll_to(dock, buttons[0])
    # The layout follows with the next picture.
    drawn = QSignalSpy(dock.window.frameSwapped)
    dock.window.update()
    assert drawn.wait(5000)
    QTest.mouseClick(
        dock.window,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        middle(buttons[0]),
    )


def scroll_to(dock: Dock, item: QQuickItem) -> None:
    (page,) = (i for i in visible(dock.window.contentItem()) if i.inherits("QQuickFlickable"))
    content = page.property("contentHeight") - page.height()
    down = item.mapToItem(page, QPointF()).y() + page.property("contentY") - page.height() / 2
    page.setProperty("contentY", max(0.0, min(down, content)))


def test_the_camera_is_unplugged_and_plugged_in(dock: Dock, world: Simulation) -> None:
    assert world.camera
    click(dock, "Unplug camera")
    with pytest.raises(TemporaryFault):
        world.camera.open()
    click(dock, "Plug in camera")
    world.camera.open().close()


def test_the_enclosure_is_opened_until_its_contact_is_reset(dock: Dock, world: Simulation) -> None:
    assert world.enclosure
    click(dock, "Open enclosure")
    assert world.enclosure.was_opened()
    click(dock, "Reset its contact")
    assert not world.enclosure.was_opened()


def test_the_camera_is_swapped_and_things_are_plugged_in(dock: Dock, world: Simulation) -> None:
    assert world.camera
    assert world.usb
    before = world.camera.identity
    click(dock, "Swap camera")
    assert world.camera.identity != before
    click(dock, "Plug in a keyboard")
    click(dock, "Plug in a stick")
    assert [device.kind for device in world.usb.look()] == [Kind.KEYBOARD, Kind.STORAGE]
    click(dock, "Pull out both")
    assert not world.usb.look()


def test_the_hand_is_turned_over_and_becomes_anothers(dock: Dock, world: Simulation) -> None:
    assert world.shopper
    click(dock, "Palm")
    click(dock, "Left hand")
    click(dock, "Person 7: next")
    click(dock, "In view")
    wish = world.shopper.wish
    assert wish.pose.back
    assert (wish.seed, wish.side, wish.present) == (8, Side.RIGHT, True)


def test_the_light_ring_is_shown_unplugged_and_plugged_in(
    dock: Dock, world: Simulation, qtbot: QtBot
) -> None:
    assert world.light
    segments = ((255, 0, 0), *[(0, 0, 0)] * 7)
    world.light.show(segments)
    with qtbot.waitSignal(dock.shone, check_params_cb=lambda seen: seen[0] == QColor("red")):
        pass
    click(dock, "Unplug ring")
    with pytest.raises(TemporaryFault):
        world.light.show(segments)
    click(dock, "Plug in ring")
    world.light.show(segments)


def test_a_recording_is_held_up_instead_of_the_hand(dock: Dock, world: Simulation) -> None:
    assert world.shopper
    click(dock, "A living hand")
    assert world.shopper.wish.recording
    click(dock, "A recording")
    assert not world.shopper.wish.recording


def test_a_membership_card_is_held_up_instead_of_the_hand(dock: Dock, world: Simulation) -> None:
    assert world.shopper
    click(dock, "Membership card")
    assert world.shopper.wish.card == "MEMBER-000007"
    click(dock, "Membership card")
    assert world.shopper.wish.card is None


def test_a_code_is_held_up_instead_of_the_hand(dock: Dock, world: Simulation) -> None:
    assert world.shopper
    click(dock, "The code below")
    assert world.shopper.wish.card == "TICKET-000007"
    click(dock, "The code below")
    assert world.shopper.wish.card is None


def test_the_hand_is_moved(dock: Dock, world: Simulation) -> None:
    assert world.shopper
    dock.pose("span", 0.3)
    assert world.shopper.wish.pose.span == pytest.approx(0.3)


def test_a_call_for_staff_is_shown_until_it_is_answered(
    dock: Dock, world: Simulation, qtbot: QtBot
) -> None:
    till = SimulatedTill()
    till.show_call = dock.called.emit
    called = "Till: somebody at the kiosk calls staff. Go there."
    called_again = "Till: staff were called 2 times. Go there."
    assert called not in texts(dock)
    assert asyncio.run(till.call_staff())
    qtbot.waitUntil(lambda: called in texts(dock))
    assert asyncio.run(till.call_staff())
    qtbot.waitUntil(lambda: called_again in texts(dock))
    root = dock.window.contentItem()
    button = next(i for i in visible(root) if i.property("text") == called_again)
    QTest.mouseClick(
        dock.window,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        middle(button),
    )
    qtbot.waitUntil(lambda: called_again not in texts(dock))


def test_there_is_no_gate_in_the_dock_of_a_kiosk_that_stands_at_none(dock: Dock) -> None:
    assert "Gate" not in texts(dock)


@pytest.fixture
def at_gate(qapp: QGuiApplication, tmp_path: Path) -> Iterator[AtGate]:
    """Returns a function that opens the dock of a kiosk at a simulated gate."""
    loop = asyncio.new_event_loop()
    opened: list[Dock] = []

    def make(gate: str) -> tuple[Dock, Simulation]:
        kiosk = assemble(
            Settings(state=tmp_path, dock=True, gate=gate), QtStage(loop), state_of(tmp_path)
        )
        dock, world = Dock("light"), Simulation(kiosk, loop)
        opened.append(dock)
        dock.play(world)
        return dock, world

    yield make
    for dock in opened:
        dock.close()
    loop.close()


def test_a_simulated_controller_answers_as_the_dock_says(at_gate: AtGate, qtbot: QtBot) -> None:
    dock, world = at_gate("sim:?after=0")
    qtbot.waitUntil(lambda: "No card yet" in texts(dock))
    gate = world.gate
    assert isinstance(gate, SimulatedController)
    assert asyncio.run(gate.present(CARD)) is Verdict.GRANTED
    qtbot.waitUntil(lambda: "Cards: 1, the last one 1603" in texts(dock))
    click(dock, "It denies")
    assert asyncio.run(gate.present(CARD)) is Verdict.DENIED
    click(dock, "Cut line")
    assert gate.fault is not None
    click(dock, "Mend line")
    assert gate.fault is None


def test_people_walk_up_to_a_simulated_gate_and_on(at_gate: AtGate, qtbot: QtBot) -> None:
    dock, world = at_gate("sim:release")
    qtbot.waitUntil(lambda: "Opened: 0" in texts(dock))
    gate, shopper = world.gate, world.shopper
    assert isinstance(gate, SimulatedRelease)
    assert shopper
    click(dock, "Person 8 walks up")
    assert (shopper.wish.seed, shopper.wish.present) == (8, True)
    (passing,) = (timer for timer in dock.findChildren(QTimer) if timer.isSingleShot())
    passing.timeout.emit()
    assert shopper.wish.present is False
    asyncio.run(gate.open())
    qtbot.waitUntil(lambda: "Opened: 1" in texts(dock))
    click(dock, "Unplug gate")
    with pytest.raises(TemporaryFault):
        asyncio.run(gate.open())
    click(dock, "Plug in gate")


def test_the_phone_shows_what_it_received(dock: Dock, qtbot: QtBot) -> None:
    dock.texted.emit("Your code is 204817.")
    qtbot.waitUntil(lambda: "Your code is 204817." in texts(dock))
    assert "No message yet" not in texts(dock)


def test_nothing_happens_to_what_is_not_simulated(qapp: QGuiApplication) -> None:
    alone = Dock("light")
    alone.do("unplug_camera")
    alone.ring_up(450)
    alone.present("always")
    alone.close()
