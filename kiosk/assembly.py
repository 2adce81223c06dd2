"""Assembling a kiosk from its settings: which devices, which service, and what is simulated."""

import logging

from hardware.camera.feed import Feed
from hardware.gate import (
    Controller,
    OsdpReader,
    Relay,
    Release,
    SimulatedController,
    SimulatedRelease,
    WiegandReader,
)
from kiosk.app import Kiosk
from kiosk.capture.codes import CodeReader
from kiosk.capture.eyes import Eyes
from kiosk.capture.light_challenge import Challenger
from kiosk.capture.reader import PalmReader
from kiosk.clock import Clock, SystemClock
from kiosk.devices import Devices, WrongDevices, attach
from kiosk.faults import CannotStart
from kiosk.fittings import Fittings
from kiosk.lane import Lane
from kiosk.lately import Lately
from kiosk.lock import Lock
from kiosk.own_list import OwnList
from kiosk.passages import PassageJournal
from kiosk.passwords import Passwords
from kiosk.sealing import SealedState, take_over
from kiosk.service.client import SignatureService
from kiosk.service.connection import Connection, Elsewhere
from kiosk.service.embedded import EmbeddedService
from kiosk.service.identity import Identity
from kiosk.settings import Settings
from kiosk.simulated.network_fault import NetworkFault
from kiosk.simulated.till import SimulatedTill
from kiosk.staff import StaffPin
from kiosk.stage import Stage
from kiosk.till.journal import PurchaseJournal
from kiosk.till.nexo.certificate import ensure
from kiosk.till.nexo.door import Door
from kiosk.till.nexo.events import Events, TillAddress
from kiosk.till.nexo.keys import NAME, KeyFile
from kiosk.till.nexo.records import Records
from kiosk.till.nexo.relayed import Relayed
from kiosk.till.nexo.till import NexoTill
from kiosk.till.odoo import OdooDoor
from kiosk.till.till import Till
from kiosk.updates.quiet import Quiet
from kiosk.updates.versions import Versions, is_tried
from kiosk.venue.opening import open_gate
from protocol.sealed import SealedPath

log = logging.getLogger(__name__)

THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}
"""The addresses that no other machine reaches."""


def assemble(
    settings: Settings, stage: Stage, state: SealedState, lately: Lately | None = None
) -> Kiosk:
    """Returns a kiosk of everything the settings name, with the `state` that
    `open_state` returns, in which everything is sealed then. Nothing of it runs yet. `lately` has
    the latest lines of the log.

    Raises CannotStart when device addresses are wrong or a file of the state folder cannot be used.
    """
    clock = SystemClock()
    files = state.files
    lock = Lock(settings.state)
    lock.go_on()
    passwords = Passwords(files)
    try:
        devices = attach(
            passwords.fill(settings.camera),
            settings.infrared and passwords.fill(settings.infrared),
            settings.light,
            settings.terminal,
            enclosure=settings.enclosure,
            usb=settings.usb,
            gate=None if settings.gate is None else (settings.gate, files),
            sound=settings.sound,
        )
        light, infrared = devices.light, devices.infrared
        service = SignatureService(
            Identity.load_or_make(files / "identity.json"),
            clock,
            settings.service_patience,
            infrared=infrared is not None,
        )
    except WrongDevices as wrong:
        raise CannotStart.for_all([(fault.cause, fault.remedy) for fault in wrong.faults]) from None
    identity = service.identity
    if identity.device is not None:
        lock.open()
    cameras = [devices.camera, *([] if infrared is None else [infrared.source])]
    pin = StaffPin.of(files, clock.wall)
    if not pin.chosen:
        log.warning("nobody has chosen the staff PIN: the first who touches Staff can choose it")
    journal = PurchaseJournal(files / "purchases")
    journal.check()
    # Whatever is damaged was told, and is left as it is.
    take_over(state)
    quiet = None
    # Updates may have been switched off since the version that is tried was fetched.
    if settings.updates is not None or is_tried():
        quiet = Quiet(settings.updates, Versions(settings.state), clock)
    feed = Feed(devices.camera, devices.size)
    eyes = Eyes(feed)
    challenger = None if light is None else Challenger(light, service, feed)
    return Kiosk(
        settings=settings,
        state=state,
        stage=stage,
        feed=feed,
        eyes=eyes,
        infrared=infrared,
        light=light,
        reader=PalmReader(eyes, feed, challenger, infrared),
        codes=CodeReader(feed),
        terminal=devices.terminal,
        enclosure=devices.enclosure,
        fittings=Fittings(settings.state / "fittings.json", identity, devices.usb, cameras),
        lock=lock,
        sound=devices.sound,
        service=service,
        connection=_connection(settings, clock, quiet, activates=lock.locked is None),
        till=_till(settings, files, service, clock),
        journal=journal,
        pin=pin,
        clock=clock,
        quiet=quiet,
        lane=None if settings.gate is None else _lane(settings, files, devices, service, clock),
        lately=lately or Lately(),
    )


def _lane(
    settings: Settings,
    files: SealedPath,
    devices: Devices,
    service: SignatureService,
    clock: Clock,
) -> Lane:
    """Raises CannotStart."""
    controller: Controller | None = None
    release: Release | None = None
    # Where a hand is seen to be alive, only the service can tell.
    by_list = devices.light is None and devices.infrared is None
    match devices.gate:
        case OsdpReader() | WiegandReader() | SimulatedController():
            controller = devices.gate
        case Relay() | SimulatedRelease():
            release = devices.gate
        case None:
            pass
    venue = settings.venue
    return Lane(
        controller,
        release,
        None if venue is None else lambda: open_gate(files, venue, clock),
        service,
        clock,
        PassageJournal(files / "passages"),
        OwnList(service, clock) if by_list else None,
    )


def _till(settings: Settings, files: SealedPath, service: SignatureService, clock: Clock) -> Till:
    """Raises CannotStart."""
    till = settings.till
    if till is None:
        return SimulatedTill()
    certificate = files / "till-certificate.pem"
    ensure(certificate, till.name)
    keys = KeyFile(files / NAME)
    listener = None
    if till.events is not None:
        listener = TillAddress(Passwords(files).fill(till.events), till.events_ca)
    events = Events(listener, lambda: next(iter(keys.keys()), None), till.name)
    door = Door(
        till.host,
        till.port,
        certificate,
        keys,
        events if till.callback else None,
        unencrypted=till.unencrypted,
    )

    def merchant() -> str:
        device = service.identity.device
        return device.merchant if device else settings.merchant

    box = till.odoo
    odoo = None
    if box is not None:
        secret = None if box.host in THIS_MACHINE else certificate
        odoo = OdooDoor(box.host, box.port, secret, box.origins)
    return NexoTill(
        door,
        events,
        Records(files / "till.db"),
        service,
        merchant=merchant,
        clock=clock,
        tips=till.tips,
        odoo=odoo,
        relayed=Relayed(service, clock) if till.through_service else None,
    )


def _connection(
    settings: Settings, clock: Clock, quiet: Quiet | None, *, activates: bool
) -> Connection:
    if settings.service.url is not None:
        return Elsewhere(settings.service.url, settings.service.ca)
    return EmbeddedService(
        settings.state / "service",
        settings.name,
        clock,
        NetworkFault() if settings.dock else None,
        activates=activates,
        kept=quiet and quiet.kept,
    )
