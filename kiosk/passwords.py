"""The passwords that addresses in the settings need. An address names one in braces, as in
`rtsp://kiosk:{camera}@192.0.2.7/stream`, and the operator's command `password camera` asks for it:
so it stands neither in the settings nor in the environment, and is sealed on the disk."""

import logging
import re
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from kiosk.faults import FileUnusable
from protocol.program import KIOSK
from protocol.sealed import SealedPath, Unopened
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

NAME = r"[a-z0-9-]{1,32}"
_NAMED = re.compile(rf"\{{({NAME})\}}")
_PLAIN = re.compile(r"\w+://[^/@]*:[^{/@][^@]*@")
_READER = TypeAdapter[dict[str, str]](dict[str, str])


class Passwords:
    """The passwords by their names, in the sealed file `passwords.json`."""

    def __init__(self, state: SealedPath) -> None:
        self._file = state / "passwords.json"

    def keep(self, name: str, password: str) -> None:
        """Keeps a password in the place of an earlier one. Raises FileUnusable."""
        self._write(self._read() | {name: password})

    def forget(self, name: str) -> bool:
        """Returns whether there was one. Raises FileUnusable."""
        kept = self._read()
        there = kept.pop(name, None) is not None
        if there:
            self._write(kept)
        return there

    def fill(self, address: str) -> str:
        """Returns an address with the passwords that it names. One on this machine has none, and
        stays as it is; so does a name that nobody has given a password, since a kiosk without a
        camera still takes cards. The log says so. Raises FileUnusable."""
        if "://" not in address:
            return address
        if _PLAIN.match(address):
            log.warning(
                "the settings hold a password in plain: give it to `%s password NAME`, and write "
                "{NAME} in its place",
                KIOSK,
            )
        if _NAMED.search(address) is None:
            return address
        kept = self._read()

        def known(named: "re.Match[str]") -> str:
            name = named[1]
            if name in kept:
                return quote(kept[name], safe="")
            log.error("the password that the settings call {%s} is not known", name)
            return named[0]

        return _NAMED.sub(known, address)

    def _read(self) -> dict[str, str]:
        path = self._file.path
        try:
            content = self._file.read()
            return {} if content is None else _READER.validate_json(content)
        except OSError as error:
            raise FileUnusable(path, *cause_and_remedy(error)) from None
        except (Unopened, ValidationError):
            raise FileUnusable(
                path,
                f"The passwords in {path} are damaged.",
                "Restore the file; or remove it, and give the kiosk the passwords again.",
            ) from None

    def _write(self, passwords: dict[str, str]) -> None:
        try:
            self._file.write(_READER.dump_json(passwords))
        except OSError as error:
            raise FileUnusable(self._file.path, *cause_and_remedy(error)) from None
