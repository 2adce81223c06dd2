"""The versions that lie in the state folder, and what is known of each.

versions/VERSION/     a version of the program, whole and checked
current               link to the one that runs; without it, the package's own version does
trial                 link to the one that is to be tried
updates/tries.json    how often that was tried, counted before each try
updates/in-use        locked while a version is fetched or tried

Each step is one rename: after a power cut it is done or not.
"""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ValidationError

from protocol.files import held, read_if_there, remove_durably, rename_durably, write_private
from protocol.rollout import order

TRIES = 3
"""How often a version may fail to serve, or a power cut end its try, until it is given up."""
ANSWER = "PALM_UPDATE_ANSWER"
"""The environment variable that holds the descriptor on which a version that is tried answers."""
SERVES = b"serves"


class Tries(BaseModel):
    version: str
    tries: int


class Versions:
    def __init__(self, state: Path) -> None:
        self.folder = state / "versions"
        self.work = state / "updates"
        """Where the updater keeps what it needs."""
        self._current = state / "current"
        self._trial = state / "trial"
        self._tries = self.work / "tries.json"

    @contextmanager
    def held(self) -> Generator[None]:
        """Holds the versions while the block lasts. Raises BlockingIOError where another process
        holds them, and OSError."""
        with held(self.work / "in-use"):
            yield

    def program(self, version: str) -> Path:
        return self.folder / version / "palm-kiosk"

    @property
    def current(self) -> str | None:
        return self._led_to(self._current)

    @property
    def trial(self) -> str | None:
        return self._led_to(self._trial)

    def _led_to(self, link: Path) -> str | None:
        try:
            version = link.readlink().name
            order(version)
        except (OSError, ValueError):
            return None
        return version if self.program(version).is_file() else None

    def waits(self) -> bool:
        """Returns whether a version waits to be tried."""
        return (trial := self.trial) is not None and self.may_try(trial)

    def may_try(self, version: str) -> bool:
        return self._tried(version) < TRIES

    def count_try(self, version: str) -> None:
        """Raises OSError; the version must not be tried then."""
        tried = Tries(version=version, tries=self._tried(version) + 1)
        write_private(self._tries, tried.model_dump_json().encode())

    def _tried(self, version: str) -> int:
        try:
            tried = Tries.model_validate_json(read_if_there(self._tries) or b"")
        except (OSError, ValidationError):
            return 0
        return tried.tries if tried.version == version else 0

    def offer(self, version: str) -> None:
        """Has a version tried at the next quiet moment. Raises OSError."""
        self._lead(self._trial, Path(self.folder.name, version))

    def offer_package(self, version: str, folder: Path) -> None:
        """Has the package's own version, which lies in another folder, run from the next quiet
        moment on. Raises OSError."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        self._lead(self.folder / version, folder)
        self.offer(version)

    def keep(self, version: str) -> None:
        """Has a version run from now on. Raises OSError."""
        self._lead(self._current, Path(self.folder.name, version))
        # Tries of a version that serves say nothing of the next one: a pin may lead away and back.
        self._tries.unlink(missing_ok=True)
        self.withdraw()

    def withdraw(self) -> None:
        """Has no version tried. Raises OSError."""
        remove_durably(self._trial)

    def return_to_package(self) -> None:
        """Has the package's own version run. Raises OSError."""
        remove_durably(self._current)

    def _lead(self, link: Path, to: Path) -> None:
        partial = link.with_name(link.name + ".partial")
        partial.unlink(missing_ok=True)
        partial.symlink_to(to)
        rename_durably(partial, link)

    def tidy(self) -> None:
        """Removes what neither runs nor is to be tried. Raises OSError."""
        kept = {self.current, self.trial}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def environment() -> dict[str, str]:
    """Returns the environment of this process without what belongs to this version of the program,
    such as where its libraries lie: for another version that is started."""
    kept = {n: value for n, value in os.environ.items() if not n.startswith(("_PYI", "LD_"))}
    # As PyInstaller's manual says of a program that starts another.
    return kept | {"PYINSTALLER_RESET_ENVIRONMENT": "1"}


def is_tried() -> bool:
    """Returns whether this version has been started for a try, and has not answered yet."""
    return ANSWER in os.environ


def answer() -> None:
    """Says, to the program that has started this version for a try, that it serves. Says it once,
    and nothing where nobody asks."""
    descriptor = os.environ.pop(ANSWER, None)
    if descriptor is not None:
        os.write(int(descriptor), SERVES)
        os.close(int(descriptor))
