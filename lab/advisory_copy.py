"""Advisories in the form of OSV (https://ossf.github.io/osv-schema/) that lie in a file: a dump of
the whole database, a checkout of PyPA's (`PYPA`), which is a part of it, or what of either travels
with this repository (`COPY`), with its date.

Which versions an advisory is about is found out here, as the schema says: by the list of versions,
or else by the events of its ranges. Ranges of commits are no versions and are left out.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

from protocol.files import read_if_there

ROOT = Path(__file__).parents[1]
COPY = ROOT / "lab" / "advisories.json"
PYPA = "https://github.com/pypa/advisory-database"
PATIENCE_S = 300.0

Record = dict[str, Any]
"""An advisory as OSV writes it."""


class Copy(BaseModel):
    """What was known on a day of some packages of PyPI, whatever their versions."""

    date: datetime
    source: str
    names: list[str]
    records: list[Record]

    @classmethod
    def load(cls, path: Path) -> "Copy | None":
        """Raises OSError and pydantic.ValidationError."""
        raw = read_if_there(path)
        return None if raw is None else cls.model_validate_json(raw)

    def save(self, path: Path) -> None:
        """Raises OSError."""
        path.write_text(json.dumps(self.model_dump(mode="json"), indent=1) + "\n", "utf-8")


def records_in(dump: str) -> Iterator[Record]:
    """Yields what a dump holds: a zip of files, at an address or a path, or the folder of a
    checkout of PYPA. Raises httpx.HTTPError, OSError, zipfile.BadZipFile, yaml.YAMLError and
    ValueError."""
    if Path(dump).is_dir():
        for path in sorted(Path(dump).glob("vulns/*/*.yaml")):
            yield yaml.load(path.read_bytes(), _Loader)  # noqa: S506 - it is a safe one
        return
    raw = _fetched(dump) if dump.startswith(("https://", "http://")) else Path(dump).read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


class _Loader(yaml.CSafeLoader):
    """Leaves times as they are written, as JSON does."""


_LEFT = "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != _LEFT]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def changed_last(records: Iterable[Record]) -> datetime | None:
    """Returns when the latest change of a dump was made, which is how old it is; None when it says
    of none."""
    times = [datetime.fromisoformat(each["modified"]) for each in records if "modified" in each]
    return max(times, default=None)


def _fetched(url: str) -> bytes:
    answer = httpx.get(url, timeout=PATIENCE_S, follow_redirects=True)
    return answer.raise_for_status().content


def about(record: Record, names: Iterable[str]) -> Record | None:
    """Returns of a record what a copy keeps of it, None when it is about none of these packages."""
    wanted = {normal(name) for name in names}
    affected = [each for each in _of_pypi(record) if normal(each["package"]["name"]) in wanted]
    if not affected:
        return None
    kept = ("id", "aliases", "published", "summary", "withdrawn", "database_specific")
    return {key: record[key] for key in kept if key in record} | {"affected": affected}


def is_about(record: Record, name: str, version: str) -> bool:
    """Returns whether a record is about this version of a package."""
    return any(
        version in each.get("versions", ()) or any(map(_Range(version), each.get("ranges", ())))
        for each in _of_pypi(record)
        if normal(each["package"]["name"]) == normal(name)
    )


def normal(name: str) -> str:
    """Returns the name of a package as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_pypi(record: Record) -> list[dict[str, Any]]:
    affected = record.get("affected", ())
    return [each for each in affected if each.get("package", {}).get("ecosystem") == "PyPI"]


class _Range:
    """Tells whether a version is within a range of an advisory."""

    def __init__(self, version: str) -> None:
        self._version = Version(version)

    def __call__(self, told: dict[str, Any]) -> bool:
        if told.get("type") != "ECOSYSTEM":
            return False
        within = False
        for event in told.get("events", ()):
            match event:
                case {"introduced": begin}:
                    within = within or begin == "0" or self._is_at_least(begin)
                case {"fixed": end}:
                    within = within and not self._is_at_least(end)
                case {"last_affected": end}:
                    is_last = self._is_at_least(end) and Version(end) == self._version
                    within = within and (is_last or not self._is_at_least(end))
                case _:
                    pass
        return within

    def _is_at_least(self, other: str) -> bool:
        try:
            return self._version >= Version(other)
        except InvalidVersion:
            # Nobody can order it: the list of versions has to do.
            return False
