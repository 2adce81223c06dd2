"""Assembling a kiosk from its settings: which devices, which service, and what is simulated."""

from functools import partial

from drawn import Shopper
from hardware.address import Address
from hardware.camera import CameraSource, Scene, SimulatedCamera, camera_at
from hardware.camera.feed import Feed
from hardware.faults import DeviceFault
from hardware.light import Light, SimulatedLight, light_at
from hardware.terminal import terminal_at
from kiosk.app import Kiosk
from kiosk.capture.eyes import Eyes
from kiosk.capture.light_challenge import Challenger
from kiosk.capture.reader import PalmReader
from kiosk.clock import Clock, SystemClock
from kiosk.faults import CannotStart
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
from palm.hand.landmarks import Side


def assemble(settings: Settings, stage: Stage) -> Kiosk:
    """Returns a kiosk of everything the settings name. Nothing of it runs yet.

    Raises CannotStart when a device address is wrong or the state folder cannot be used.
    """
    clock = SystemClock()
    state = settings.state
    try:
        light = _light(settings)
        camera = camera_at(settings.camera, {"shopper": partial(_shopper, light)})
        infrared = _infrared(settings, camera)
        terminal = terminal_at(settings.terminal)
        service = SignatureService(
            Identity.load_or_make(state / "identity.json"),
            clock,
            settings.service_patience,
            infrared=infrared is not None,
        )
    except DeviceFault as fault:
        raise CannotStart(fault.cause, fault.remedy) from None
    except OSError as error:
        raise CannotStart(
            f"The state folder {state} cannot be used: {error.strerror}.",
            "Make room or correct its permissions, or name another with --state.",
        ) from None
    feed = Feed(camera)
    eyes = Eyes(feed)
    challenger = None if light is None else Challenger(light, service, feed)
    return Kiosk(
        settings=settings,
        stage=stage,
        feed=feed,
        eyes=eyes,
        infrared=infrared,
        light=light,
        reader=PalmReader(eyes, feed, challenger, infrared),
        terminal=terminal,
        service=service,
        connection=_connection(settings, clock),
        till=SimulatedTill(),
        journal=PurchaseJournal(state / "purchases"),
        pin=StaffPin(state / "staff.json", clock.wall),
        clock=clock,
    )


def _connection(settings: Settings, clock: Clock) -> Connection:
    if settings.service.url is not None:
        return Elsewhere(settings.service.url, settings.service.ca)
    network_fault = NetworkFault() if settings.dock else None
    return EmbeddedService(settings.state / "service", settings.name, clock, network_fault)


def _light(settings: Settings) -> Light | None:
    """Returns the light ring, None without one. A simulated ring lights a simulated hand only, so
    before a real camera it counts as none."""
    light = light_at(settings.light)
    simulated = Address.parse(settings.camera).scheme == "sim"
    return None if isinstance(light, SimulatedLight) and not simulated else light


def _infrared(settings: Settings, camera: CameraSource) -> Feed | None:
    """Returns the second camera, None without one. A simulated one sees the hand of the shopper
    whom the first, simulated too, looks at."""
    if settings.infrared is None:
        return None
    scene = camera.scene if isinstance(camera, SimulatedCamera) else None

    def beside(address: Address) -> Scene:
        address.known()
        assert isinstance(scene, Shopper)
        return scene.in_infrared()

    scenes = {"": beside} if isinstance(scene, Shopper) else {}
    return Feed(camera_at(settings.infrared, scenes))


def _shopper(light: Light | None, address: Address) -> Shopper:
    options = address.known("seed", "side")
    seed = int(address.number("seed", 7, least=0, most=2**31))
    lit = light.at if isinstance(light, SimulatedLight) else None
    try:
        return Shopper(seed, Side(options.get("side", "left")), lit)
    except ValueError:
        raise address.wrong("names no hand", "Write side=left or side=right.") from None
