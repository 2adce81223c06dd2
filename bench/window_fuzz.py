"""`./run fuzz-window [--minutes N] [--size WxH] [--seed N]`: whether strangers reach anything but
the kiosk's window.

The kiosk's session runs on an Xorg of its own (`bench.x_server`), with a service beside it that
hangs now and then, and a till that rings up sales. Meanwhile all keys, with all modifiers, the
mouse and up to ten fingers do what the seed says. It ends with status 1 when something was found.
"""

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from bench.soak import children, words
from bench.x_server import BEGIN, END, UPDATE, Devices, Onlooker, Window, x_server
from drawn import Presentation, draw, identity
from drawn.presentation import background
from kiosk.clock import SystemClock
from kiosk.sealing import open_state
from kiosk.staff import StaffPin
from kiosk.till.nexo.client import Rejected, TillClient, Unreachable
from kiosk.till.nexo.keys import NAME, add_key
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.messages import Money

ROOT = Path(__file__).parents[1]
SESSION = ROOT / "packaging" / "files" / "session"
WATCHDOG_S = 8
"""As the unit says."""
LOOKS_S = 0.25
"""Seconds between two looks at the screen."""
ARRANGES_WITHIN_S = 6.0
"""Seconds until a second monitor that was switched on has to be off again."""
BACK_WITHIN_S = 240.0
"""Seconds until the welcome screen has to be there again by itself: what waits for a message or for
the till waits for two minutes."""
STARTS_WITHIN_S = 120.0
STEADY_S = 5
"""For how many seconds the first welcome screen stays the same."""
UNSEEN = 16
"""The difference of two colours, of 255, that counts as none."""
HANGS_S, PLUGS_S = 75.0, 60.0
"""Seconds between two times that the service hangs, and that a second monitor is switched on."""
READY = "shoppers can sign up"
"""What the kiosk logs when it first offers to sign up."""
TRACES = ("Traceback", "Segmentation fault", "a visit failed with")
"""What a log says of a mistake of ours."""
PIN = "730518"

MODIFIERS = (37, 50, 62, 64, 105, 108, 133, 134, 135)
"""The keycodes of both Control, Shift, Alt and Super keys, and of Menu."""
CTRL, ALT, SHIFT, SUPER = 37, 64, 50, 133
F = (*range(67, 77), 95, 96)
"""The keycodes of F1 to F12."""
CHORDS: tuple[tuple[int, ...], ...] = (
    *((CTRL, ALT, key) for key in F),
    *((ALT, key) for key in F),
    *((CTRL, ALT, key) for key in (22, 119, 63, 82, 86, 28)),  # Backspace, Delete, keypad, T
    *((CTRL, key) for key in (24, 54, 25, 53, 32, 33, 39, 52, 26, 40, 9)),  # Q C W X O P S Z E D
    *((ALT, key) for key in (23, 9, 65, 107)),  # Tab, Escape, space, Print with SysRq
    *((CTRL, SHIFT, key) for key in (31, 30, 9, 23)),  # I, U, Escape, Tab
    *((SUPER, key) for key in (46, 40, 26, 27, 33, 23)),
    *((key,) for key in (107, 127, 135, 67, 95, 9, 23, 36, 65, 22, 119)),
)
"""What leads out of a window elsewhere."""


class Stranger:
    """Does one thing after the other, as chance says."""

    def __init__(self, devices: Devices, chance: random.Random, pause: Callable[[float], None]):
        self._devices = devices
        self._chance = chance
        self._pause = pause
        self._down: set[int] = set()
        self._buttons: set[int] = set()
        self._fingers: set[int] = set()
        self.done: Counter[str] = Counter()

    def act(self) -> None:
        acts = {
            self._tap: 30,
            self._swipe: 6,
            self._hold: 4,
            self._many_fingers: 5,
            self._key: 16,
            self._chord: 14,
            self._type: 5,
            self._click: 8,
            self._drag: 5,
            self._wheel: 4,
            self._to_the_edge: 3,
        }
        act = self._chance.choices(list(acts), list(acts.values()))[0]
        self.done[act.__name__.strip("_").replace("_", " ")] += 1
        act()
        if self._chance.random() < 0.8:
            self.let_go()
        self._pause(self._chance.expovariate(1 / 0.03))

    def let_go(self) -> None:
        """Takes hand and fingers away."""
        for code in sorted(self._down):
            self._devices.key(code, down=False)
        for number in sorted(self._buttons):
            self._devices.button(number, down=False)
        for finger in sorted(self._fingers):
            self._devices.touch(finger, END, *self._place())
        self._down, self._buttons, self._fingers = set(), set(), set()
        self._devices.settle()

    def _place(self) -> tuple[float, float]:
        """Returns a place on the screen, at its very edge at times."""
        across = [self._chance.random(), self._chance.random()]
        if self._chance.random() < 0.15:
            across[self._chance.randrange(2)] = self._chance.choice((0.0, 1.0))
        return across[0], across[1]

    def _press(self, code: int) -> None:
        self._down.add(code)
        self._devices.key(code, down=True)

    def _put(self, finger: int, place: tuple[float, float]) -> None:
        does = UPDATE if finger in self._fingers else BEGIN
        self._fingers.add(finger)
        self._devices.touch(finger, does, *place)

    def _tap(self) -> None:
        for _ in range(self._chance.choice((1, 1, 1, 2, 3))):
            place = self._place()
            self._put(0, place)
            self._pause(self._chance.uniform(0.01, 0.08))
            self._fingers.discard(0)
            self._devices.touch(0, END, *place)

    def _swipe(self) -> None:
        begun, ended = self._place(), self._place()
        for step in range(9):
            part = step / 8
            self._put(0, tuple(a + (b - a) * part for a, b in zip(begun, ended, strict=True)))  # pyright: ignore[reportArgumentType] - two of them
            self._pause(0.01)

    def _hold(self) -> None:
        self._put(0, self._place())
        self._pause(self._chance.uniform(0.5, 1.8))

    def _many_fingers(self) -> None:
        fingers = range(self._chance.randint(2, 10))
        for _ in range(self._chance.randint(1, 6)):
            for finger in fingers:
                self._put(finger, self._place())
            self._pause(0.01)

    def _key(self) -> None:
        for code in self._chance.sample(MODIFIERS, self._chance.choice((0, 0, 1, 2, 3))):
            self._press(code)
        self._press(self._chance.randint(8, 255))
        self._pause(self._chance.uniform(0, 0.05))

    def _chord(self) -> None:
        for code in self._chance.choice(CHORDS):
            self._press(code)
        self._pause(self._chance.uniform(0, 0.05))

    def _type(self) -> None:
        for code in self._chance.choices((*range(10, 20), *range(24, 34), 22, 36, 65), k=8):
            self._devices.key(code, down=True)
            self._devices.key(code, down=False)

    def _click(self) -> None:
        self._devices.move(self._chance.gauss(0, 500), self._chance.gauss(0, 500))
        number = self._chance.randint(1, 7)
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            self._devices.button(number, down=True)
            self._devices.button(number, down=False)

    def _drag(self) -> None:
        number = self._chance.randint(1, 3)
        self._buttons.add(number)
        self._devices.button(number, down=True)
        for _ in range(8):
            self._devices.move(self._chance.gauss(0, 150), self._chance.gauss(0, 150))
            self._pause(0.01)

    def _wheel(self) -> None:
        for _ in range(self._chance.randint(1, 20)):
            number = self._chance.randint(4, 7)
            self._devices.button(number, down=True)
            self._devices.button(number, down=False)

    def _to_the_edge(self) -> None:
        self._devices.move(*(self._chance.choice((-9999, 0, 9999)) for _ in range(2)))


class Watch:
    """Looks at the screen and at the processes all the time, and notes what should not be."""

    def __init__(
        self, display: str, session: "subprocess.Popen[bytes]", fed: socket.socket
    ) -> None:
        self._display = display
        self._looks = Onlooker(display)
        self._session = session
        self._fed = fed
        self._fed_at = time.monotonic()
        self._size = self._looks.size()
        self._window: Window | None = None
        self._excused = 0.0
        """Until when the size of the screen may be another one."""
        self.found: Counter[str] = Counter()
        self.looked = self.fed = self.second_monitors = 0

    def look(self) -> None:
        self.looked += 1
        self._hear()
        if self._session.poll() is not None:
            self._note(f"the session has ended with {self._session.returncode}")
            return
        if time.monotonic() - self._fed_at > WATCHDOG_S:
            self._note("the watchdog was not fed in time")
            self._fed_at = time.monotonic()
        if strange := strangers(self._session.pid):
            self._note(f"another program was started: {strange}")
        if time.monotonic() > self._excused:
            self._look_at_screen()

    def _look_at_screen(self) -> None:
        if self._looks.pointer_is_seen():
            self._note("the pointer has a picture")
        if self._looks.size() != self._size:
            self._note(f"the screen has become {self._looks.size()}")
        windows = self._looks.windows()
        if len(windows) != 1:
            self._note(f"{len(windows)} windows are seen")
            return
        window = windows[0]
        if (window.x, window.y, window.width, window.height) != (0, 0, *self._size):
            self._note(f"the window does not cover the screen: {window}")
        if self._window is not None and window.number != self._window.number:
            self._note("another window is seen")
        self._window = window
        # 1 is PointerRoot: the window under the pointer, and there is no other.
        if self._looks.focus() not in (window.number, 1):
            self._note("another window has the keys")

    def plug_in_second_monitor(self) -> None:
        """Switches a second monitor on, as nothing in the session does."""
        self.second_monitors += 1
        self._excused = time.monotonic() + ARRANGES_WITHIN_S
        xrandr = ["xrandr", "--display", self._display]
        mode = "{}x{}".format(*self._size)
        for change in (
            ["--addmode", "DUMMY1", mode],
            ["--output", "DUMMY1", "--mode", mode, "--right-of", "DUMMY0"],
        ):
            subprocess.run([*xrandr, *change], check=True)

    def until_it_shows(self, picture: Colour, within_s: float) -> float | None:
        """Returns after how many seconds the screen shows it, None when it does not in time."""
        began = time.monotonic()
        while not same(self.picture(), picture):
            if time.monotonic() - began > within_s:
                return None
            self.look()
            time.sleep(LOOKS_S)
        return time.monotonic() - began

    def picture(self) -> Colour:
        return self._looks.picture()

    def close(self) -> None:
        self._looks.close()

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while b"WATCHDOG=1" in self._fed.recv(256):
                self.fed += 1
                self._fed_at = time.monotonic()

    def _note(self, what: str) -> None:
        if not self.found[what]:
            print(f"  FOUND {what}", flush=True)
        self.found[what] += 1


def same(one: Colour, other: Colour) -> bool:
    """Returns whether nobody could tell them apart: the edges of letters are drawn a little
    otherwise from time to time."""
    return one.shape == other.shape and int(cv2.absdiff(one, other).max()) <= UNSEEN


def strangers(session: int) -> set[str]:
    """Returns what runs below the session and is neither Python nor one of X's programs."""
    found: set[str] = set()
    below = [session]
    while below:
        with suppress(OSError):
            for child in children(below.pop()):
                below.append(child)
                program = Path(words(child)[0]).name
                if not program.startswith("python") and program not in ("", "xrandr", "xinput"):
                    found.add(program)
    return found


def services(session: int) -> list[int]:
    """Returns the processes of the service beside the kiosk."""
    return [child for child in children(session) if "cloud" in words(child)]


@contextmanager
def kiosk(
    folder: Path, display: str, log: Path
) -> Generator[tuple["subprocess.Popen[bytes]", socket.socket]]:
    """Yields the session of a kiosk, as the package starts it, and the socket of its systemd."""
    program = folder / "palm-kiosk"
    # The package's program starts the version that is in force; here there is one.
    program.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} -m ui "$@"\n')
    program.chmod(0o755)
    session = SESSION.read_text().replace("/usr/lib/palm-kiosk/palm-kiosk", str(program))
    session = session.replace("/var/lib/palm-kiosk", str(folder / "state"))
    session = session.replace("/etc/palm-kiosk", str(folder))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, log.open("ab") as output:
        systemd.bind("")
        systemd.setblocking(False)
        name = os.fsdecode(systemd.getsockname()[1:])
        started = subprocess.Popen(
            ["/bin/sh", "-c", session],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
            | {
                "DISPLAY": display,
                "NOTIFY_SOCKET": f"@{name}",
                "WATCHDOG_USEC": str(WATCHDOG_S * 10**6),
            },
            stdout=output,
            stderr=output,
        )
        try:
            yield started, systemd
        finally:
            started.terminate()
            with suppress(subprocess.TimeoutExpired):
                started.wait(30)
            started.kill()


def prepare(folder: Path, door: int) -> None:
    """Writes the settings, a camera's pictures of a hand that comes and goes, and a PIN."""
    state, seen = folder / "state", folder / "seen"
    state.mkdir()
    seen.mkdir()
    chance = random.Random(0)
    room = background(720, 1280)
    hand = draw(identity(7, Side.LEFT), Presentation(span=0.4), np.random.default_rng(7))
    for second in range(30):
        shown = hand.image if chance.random() < 0.5 else room
        cv2.imwrite(str(seen / f"{second:02}.png"), shown)
    (folder / "settings.toml").write_text(
        f'camera = "replay:{seen}"\n'
        'terminal = "sim:?after=3&card=visa"\n'
        "memberships = true\n"
        "reduced_motion = true\n"
        f'[till]\nhost = "127.0.0.1"\nport = {door}\n'
    )
    asyncio.run(StaffPin.of(open_state(state, "none:").files, SystemClock().wall).choose(PIN))


class Till:
    """Rings up a sale now and then, and takes some of them back."""

    def __init__(self, state: Path, door: int, seed: int) -> None:
        self._state, self._door, self._chance = state, door, random.Random(seed)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ring_up()), daemon=True)
        self._key = add_key(open_state(state, "none:").files / NAME)
        self.sales = 0
        self.answers: Counter[str] = Counter()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    async def _ring_up(self) -> None:
        certificate = self._state / "till-certificate.pem"
        client = TillClient("127.0.0.1", self._door, self._key, certificate, "till-1")
        while not self._ends.is_set():
            await asyncio.sleep(self._chance.uniform(2, 20))
            number = client.next_number()
            amount = Money(minor=self._chance.randint(1, 9999), currency="USD")
            paying = asyncio.create_task(client.pay(amount, [], number))
            self.sales += 1
            try:
                await asyncio.wait([paying], timeout=self._chance.uniform(1, 25))
                if not paying.done():
                    await client.abort(number)
                self.answers[(await paying).condition or "paid"] += 1
            except (Unreachable, Rejected) as why:
                self.answers[type(why).__name__] += 1
            finally:
                paying.cancel()
        await client.close()


def until_ready(log: Path, session: "subprocess.Popen[bytes]", times: int) -> None:
    """Raises RuntimeError when the kiosk does not offer to sign up for the n-th time."""
    began = time.monotonic()
    while log.read_text(errors="replace").count(READY) < times:
        if session.poll() is not None or time.monotonic() - began > STARTS_WITHIN_S:
            raise RuntimeError(f"the kiosk has not opened:\n{log.read_text()[-2000:]}")
        time.sleep(LOOKS_S)


class Afternoon:
    """What happens at a kiosk while strangers are at it."""

    def __init__(
        self, watch: Watch, devices: Devices, session: "subprocess.Popen[bytes]", seed: int
    ) -> None:
        self._watch = watch
        self._session = session
        self._chance = random.Random(seed)
        self._looked = 0.0
        self._hung: dict[int, float] = {}
        self.hangs = 0
        self.stranger = Stranger(devices, self._chance, self._pause)

    def goes_by(self, minutes: float) -> None:
        now = time.monotonic()
        ends, hangs_at, plugs_at = now + 60 * minutes, now + HANGS_S, now + PLUGS_S
        while now < ends and self._session.poll() is None:
            self.stranger.act()
            now = time.monotonic()
            if now > plugs_at:
                plugs_at = now + PLUGS_S
                self._watch.plug_in_second_monitor()
            if now > hangs_at:
                hangs_at = now + HANGS_S
                self._hang(now + self._chance.uniform(3, 15))
            self._go_on(now)
        self._go_on(float("inf"))
        with suppress(OSError):
            self.stranger.let_go()

    def _hang(self, until: float) -> None:
        self.hangs += 1
        for service in services(self._session.pid):
            os.kill(service, signal.SIGSTOP)
            self._hung[service] = until

    def _go_on(self, now: float) -> None:
        for service in [each for each, until in self._hung.items() if now > until]:
            del self._hung[service]
            with suppress(ProcessLookupError):
                os.kill(service, signal.SIGCONT)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            if time.monotonic() - self._looked > LOOKS_S:
                self._looked = time.monotonic()
                self._watch.look()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(LOOKS_S, left))


def fuzz(folder: Path, size: tuple[int, int], minutes: float, seed: int) -> Counter[str]:
    """Returns what was found and how often."""
    log = folder / "kiosk.log"
    log.touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        door = free.getsockname()[1]
    prepare(folder, door)
    (folder / "x").mkdir()
    with x_server(folder / "x", size) as (display, devices):
        with kiosk(folder, display, log) as (session, systemd):
            till = Till(folder / "state", door, seed)
            until_ready(log, session, 1)
            with closing(Watch(display, session, systemd)) as watch:
                welcome = welcomed(watch)
                cv2.imwrite(str(folder / "welcome.png"), welcome)
                till.start()
                afternoon = Afternoon(watch, devices, session, seed)
                afternoon.goes_by(minutes)
                till.stop()
                back = watch.until_it_shows(welcome, BACK_WITHIN_S)
                if back is None:
                    cv2.imwrite(str(folder / "instead.png"), watch.picture())
                    watch.found["the welcome screen has not come back"] += 1
        if session.returncode != 0:
            watch.found[f"the kiosk ended with {session.returncode}"] += 1
        said = log.read_text(errors="replace")
        for trace in TRACES:
            if trace in said:
                watch.found[f"the log has: {trace}"] += said.count(trace)
        # Whatever was written to the state is read at the next start.
        with kiosk(folder, display, log) as (again, _):
            until_ready(log, again, 2)
    done = afternoon.stranger.done
    print(f"  {sum(done.values())} acts: {dict(done.most_common())}")
    print(f"  {till.sales} sales: {dict(till.answers)}; the service hung {afternoon.hangs} times")
    off = said.count("--output DUMMY1 --off")
    if off != watch.second_monitors:
        watch.found[f"{off} of {watch.second_monitors} second monitors were switched off"] += 1
    print(f"  {watch.second_monitors} second monitors switched on")
    print(f"  looked {watch.looked} times; the watchdog was fed {watch.fed} times")
    if back is not None:
        print(f"  back at the welcome screen after {back:.0f} s; the state starts again")
    return watch.found


def welcomed(watch: Watch) -> Colour:
    """Returns what the welcome screen looks like, once it stays the same."""
    seen, seconds = watch.picture(), 0
    while seconds < STEADY_S:
        time.sleep(1)
        before, seen = seen, watch.picture()
        seconds = seconds + 1 if same(seen, before) else 0
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run fuzz-window", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--size", default="1280x800", metavar="WxH", help="of the monitor")
    parser.add_argument("--seed", type=int, default=1, help="of the order of what is done")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep log and state in this folder"
    )
    asked = parser.parse_args()
    width, _, height = asked.size.partition("x")
    size = int(width), int(height)
    print(f"{asked.minutes:g} minutes at {asked.size}, seed {asked.seed}", flush=True)
    if asked.keep:
        asked.keep.mkdir(parents=True)
        found = fuzz(asked.keep.resolve(), size, asked.minutes, asked.seed)
    else:
        with TemporaryDirectory() as folder:
            found = fuzz(Path(folder), size, asked.minutes, asked.seed)
    for what, times in found.items():
        print(f"  FOUND {times} times: {what}")
    if not found:
        print("  nothing but the kiosk's window was reached")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
