"""An operator's repository of updates, as `./run release` makes it, and a web server before it."""

import io
import json
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from kiosk.updates.versions import Versions
from tests.support.http_server import HttpServer, Silent

RELEASE = runpy.run_path(str(Path(__file__).parents[2] / "packaging" / "release.py"))
main: Callable[[Sequence[str]], int] = RELEASE["main"]
PASSPHRASE = "on paper, in a safe"

PROGRAM = """\
#!{python} -IS
# Stands for the packaged program of one version.
import os, sys
if sys.argv[1] == "--self-test":
    {self_test}
    print("palm-kiosk {version}")
    sys.exit()
state = sys.argv[sys.argv.index("--state") + 1]
with open(os.path.join(state, "ran"), "a") as file:
    print("{version}", *sys.argv[1:], file=file)
answers = os.environ.get("PALM_UPDATE_ANSWER")
if answers is not None:
    {answer}
    os.write(int(answers), b"serves")
"""


def write_program(folder: Path, version: str, *, self_test: str = "", answer: str = "") -> Path:
    """Writes a program that does something in its self-test, and before it answers that it serves.
    Returns its folder."""
    folder.mkdir(parents=True)
    (folder / "library").write_bytes(version.encode() * 1000)
    program = folder / "palm-kiosk"
    words = {"self_test": self_test or "pass", "answer": answer or "pass"}
    program.write_text(PROGRAM.format(python=sys.executable, version=version, **words))
    program.chmod(0o755)
    return folder


def offer(state: Path, version: str, *, answer: str = "") -> None:
    """Has a kiosk find a version that waits to be tried."""
    versions = Versions(state)
    write_program(versions.folder / version, version, answer=answer)
    versions.offer(version)


class Operator:
    """Somebody with the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository, self.keys = folder / "repository", folder / "keys"
        self.passphrase = PASSPHRASE
        self.run("new")
        self.root = self.newest_root()

    def run(self, *words: str) -> int:
        where = ["--repository", str(self.repository), "--keys", str(self.keys)]
        stdin, sys.stdin = sys.stdin, io.StringIO(self.passphrase + "\n")
        try:
            return main([*where, *words])
        finally:
            sys.stdin = stdin

    def newest_root(self) -> bytes:
        """Returns what kiosks are given."""
        files = (self.repository / "metadata").glob("*.root.json")
        return max(files, key=lambda path: int(path.name.split(".")[0])).read_bytes()

    def release(self, version: str, *more: str, **behaviour: str) -> None:
        program = write_program(self.folder / "built" / version, version, **behaviour)
        bill = self.folder / "bill.json"
        bill.write_text(json.dumps({"metadata": {"component": {"version": version}}}))
        words = ["--version", version, "--sbom", str(bill), "--ring", "100"]
        assert self.run("add", str(program), *words, *more) == 0

    def keep_copy(self, name: str) -> Path:
        """Returns a copy of the repository as it is now."""
        return Path(shutil.copytree(self.repository, self.folder / name))


@contextmanager
def valid_for(role: str, time: timedelta) -> Iterator[None]:
    """Has what a role signs end after another time."""
    valid: dict[str, timedelta] = RELEASE["VALID"]
    usual, valid[role] = valid[role], time
    try:
        yield
    finally:
        valid[role] = usual


class Files(Silent, SimpleHTTPRequestHandler):
    """Answers with files."""


class Mirror(HttpServer):
    """A web server of files on this machine."""

    def __init__(self, folder: Path) -> None:
        super().__init__(partial(Files, directory=str(folder)))
        self.folder = folder

    def shows(self, folder: Path) -> None:
        """Shows other files from now on."""
        self._server.RequestHandlerClass = partial(Files, directory=str(folder))  # pyright: ignore
