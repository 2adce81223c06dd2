"""`palm-kiosk -m kiosk.updates.start --state DIR [OPTION ...]` starts the kiosk in the version that
it shall run, with the same options. It belongs to the package, so that no update can break it.

A version that waits is tried: it has to answer that it serves. Otherwise the one before runs again.
"""

import argparse
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from kiosk.updates.versions import ANSWER, SERVES, Versions, environment
from protocol import VERSION
from protocol.rollout import order
from protocol.storage import cause_and_remedy
from protocol.watchdog import Systemd

log = logging.getLogger(__name__)

SERVES_WITHIN_S = 180.0
"""Seconds until a version that is tried has to serve."""
ENDS_WITHIN_S = 20
"""Seconds in which one that does not serve may end in order."""
BEFORE_S = 60.0
"""Seconds that the version before may then take until it is ready."""


def main(arguments: Sequence[str], packaged: Path, within_s: float = SERVES_WITHIN_S) -> int:
    """Becomes the program that runs, unless a version was tried: returns its exit status then.
    `packaged` is the program of the package."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="palm-kiosk -m kiosk.updates.start", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    asked, _ = parser.parse_known_args(arguments)
    versions = Versions(asked.state)
    tried = None
    try:
        with versions.held():
            if (current := versions.current) and order(current) <= order(VERSION):
                versions.return_to_package()
            tried = try_out(versions, arguments, within_s)
    except BlockingIOError:
        log.info("an update is being fetched; what waits is tried another time")
    except OSError as error:
        log.error("no other version is tried: %s %s", *cause_and_remedy(error))
    if tried is not None:
        return tried.wait()
    current = versions.current
    if current is not None and order(current) > order(VERSION):
        try:
            return become(versions.program(current), arguments)
        except OSError as error:
            log.error("version %s: %s %s", current, *cause_and_remedy(error))
    return become(packaged, arguments)


def become(program: Path, arguments: Sequence[str]) -> NoReturn:
    """Raises OSError."""
    os.execve(program, [program.name, *arguments], environment())  # noqa: S606 - ours


def try_out(
    versions: Versions, arguments: Sequence[str], within_s: float
) -> "subprocess.Popen[bytes] | None":
    """Tries the version that waits. Returns it running once it serves, None where none waits or it
    does not serve. Raises OSError."""
    version = versions.trial
    if version is None:
        return None
    if version == VERSION:
        log.info("version %s, the package's, runs again", version)
        versions.return_to_package()
    if order(version) <= order(VERSION):
        # A package that was installed since wins.
        versions.withdraw()
        return None
    if not versions.may_try(version):
        log.error("version %s is given up: it has never served", version)
        versions.withdraw()
        return None
    versions.count_try(version)
    log.info("version %s is tried", version)
    # A copy: whoever is tried, or runs after it, speaks with systemd for this unit.
    systemd = Systemd(dict(os.environ))
    systemd.starts_within(within_s + 2 * ENDS_WITHIN_S + BEFORE_S)
    reading, writing = os.pipe()
    try:
        started = subprocess.Popen(  # noqa: S603 - what the operator has signed
            [versions.program(version), *arguments],
            pass_fds=[writing],
            env=environment() | {ANSWER: str(writing)},
            process_group=0,
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    kept = False
    try:
        if serves(reading, within_s):
            versions.keep(version)
            kept = True
            log.info("version %s serves and is kept", version)
        else:
            log.error("version %s does not serve; the one before does again", version)
    finally:
        os.close(reading)
        if not kept:
            end(started, systemd)
    return started if kept else None


def serves(reading: int, within_s: float) -> bool:
    """Returns whether what was started answers in time; it has not when it ends before."""
    ready, _, _ = select.select([reading], [], [], within_s)
    return bool(ready) and os.read(reading, len(SERVES)) == SERVES


def end(started: "subprocess.Popen[bytes]", systemd: Systemd) -> None:
    """Ends a program with all that it has started. Once it has shown a screen, systemd's watchdog
    waits for a word of it: without one from here, the version before would be ended as well."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(started.pid, number)
        for _ in range(ENDS_WITHIN_S):
            systemd.feed()
            with suppress(subprocess.TimeoutExpired):
                started.wait(1)
                break


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(sys.executable)))
