"""`./run advisories`: asks a database for known weaknesses of what requirements.lock names.

The database is OSV (https://google.github.io/osv.dev/api/), which has those of PyPI, or a mirror of
it. It is told the names and versions in the lock, which are public. Where it cannot be reached, a
dump of it can be read (`--from`), such as
https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip or a mirror's, or a checkout of
https://github.com/pypa/advisory-database. What was known once travels with this repository, with
its date (`--save`, `--offline`). SECURITY.md promises how soon a weakness is mended; one that is
older than that ends this command with status 1. What was looked at and does not concern us stands
with its reason in pyproject.toml.

`--offline` is what `./run lint` asks. It ends with status 1 for every weakness that is not
accepted, and says how old the copy is and of what it knows nothing. It also names the packages of
Debian on this machine that the program takes libraries from, or needs, and that Debian's security
archive has newer ones of.
"""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from pydantic import ValidationError

from lab.advisory_copy import (
    COPY,
    PYPA,
    ROOT,
    Copy,
    Record,
    about,
    changed_last,
    is_about,
    normal,
    records_in,
)

LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
OSV = "https://api.osv.dev"
AT_ONCE = 1000
"""The largest number of questions that the database takes at once."""
PATIENCE_S = 30.0
FRAMES: Mapping[str, timedelta] = {
    "CRITICAL": timedelta(days=7),
    "HIGH": timedelta(days=30),
    "MODERATE": timedelta(days=90),
    "LOW": timedelta(days=90),
}
"""Within how many days after its publication a weakness is mended, as SECURITY.md says."""
UNRATED = "HIGH"
"""The rating by which a weakness counts that nobody has rated."""
RENEW = "./run advisories --save, where OSV can be reached"
OLD = timedelta(days=30)
"""The age from which on a copy is said to be old."""


class NotAsked(RuntimeError):
    """The database could not be asked: the message tells why."""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Advisory:
    part: Part
    name: str
    rated: str
    published: datetime
    also: frozenset[str]
    """Other names of the same weakness."""
    told: str

    @property
    def due(self) -> datetime:
        return self.published + FRAMES[self.rated]


def parts_of(lock: str) -> list[Part]:
    """Returns what a lock names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE)
    return [Part(name, version) for name, version in found]


class Database:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=PATIENCE_S)

    def advisories(self, parts: Iterable[Part]) -> Iterator[Advisory]:
        """Yields the weaknesses of these parts, those that were withdrawn left out. Raises
        NotAsked."""
        waiting = [(part, _question(part)) for part in parts]
        while waiting:
            asked, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            answer = self._ask("POST", "/v1/querybatch", {"queries": [each for _, each in asked]})
            results = answer.get("results", [])
            if len(results) != len(asked):
                raise NotAsked("the database has not answered every question")
            for (part, question), result in zip(asked, results, strict=True):
                for each in result.get("vulns", []):
                    told = self._ask("GET", f"/v1/vulns/{each['id']}")
                    if "withdrawn" not in told:
                        yield _read(part, told)
                if "next_page_token" in result:
                    again = question | {"page_token": result["next_page_token"]}
                    waiting.append((part, again))

    def records(self, names: Iterable[str]) -> Iterator[Record]:
        """Yields what is known of all versions of packages. Raises NotAsked."""
        for name in names:
            query: dict[str, Any] = {"package": {"name": name, "ecosystem": "PyPI"}}
            while query:
                told = self._ask("POST", "/v1/query", query)
                yield from told.get("vulns", [])
                token = told.get("next_page_token")
                query = query | {"page_token": token} if token else {}

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            raise NotAsked(f"{path} was answered with {error.response.status_code}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise NotAsked(f"{path}: {type(error).__name__}: {error}") from None


def _question(part: Part) -> dict[str, Any]:
    return {"package": {"name": part.name, "ecosystem": "PyPI"}, "version": part.version}


def _read(part: Part, told: Mapping[str, Any]) -> Advisory:
    rated = str(told.get("database_specific", {}).get("severity", "")).upper()
    return Advisory(
        part,
        told["id"],
        rated if rated in FRAMES else "",
        datetime.fromisoformat(told["published"]),
        frozenset(told.get("aliases", ())),
        told.get("summary", ""),
    )


def found_in(records: Iterable[Record], parts: Iterable[Part]) -> Iterator[Advisory]:
    """Yields the weaknesses of these parts, those that were withdrawn left out."""
    by_name = {normal(part.name): part for part in parts}
    for record in records:
        if "withdrawn" in record:
            continue
        names = {normal(each["package"]["name"]) for each in record.get("affected", ())}
        for name in sorted(names & set(by_name)):
            part = by_name[name]
            if is_about(record, part.name, part.version):
                yield _read(part, record)


def accepted_in(project: Path) -> dict[str, str]:
    """Returns the weaknesses that were looked at and do not concern us, with the reason."""
    tools = tomllib.loads(project.read_text("utf-8")).get("tool", {})
    return tools.get("advisories", {}).get("accepted", {})


def behind_on_debian(packages: Iterable[str]) -> list[str]:
    """Returns what Debian's security archive has newer than this machine, of packages that are
    installed on it, as far as apt has heard. Raises NotAsked on another system."""
    simulate = ["apt-get", "--simulate", "--quiet", "--only-upgrade", "install", *packages]
    try:
        told = subprocess.run(simulate, check=True, capture_output=True, text=True).stdout  # noqa: S603 - names of packages
    except (OSError, subprocess.CalledProcessError):
        raise NotAsked("apt cannot be asked about the packages of Debian") from None
    found = re.findall(r"^Inst (\S+) \[(\S+)\] \((\S+) ([^)]*)\)", told, re.MULTILINE)
    return [f"{name} {old}, and {new} is out" for name, old, new, of in found if "-Security" in of]


def taken_from_debian() -> set[str]:
    """Returns the packages of Debian that the program was built from or needs, as the bill of
    materials of the last build names them; none where nothing was built."""
    bill = ROOT / "packaging" / "dist" / "palm-kiosk.cdx.json"
    if not bill.exists():
        return set()
    parts = json.loads(bill.read_bytes())["components"]
    return {each["name"] for each in parts if each["purl"].startswith("pkg:deb/")}


def each_once(found: Iterable[Advisory]) -> list[Advisory]:
    """Returns each weakness once, where several databases tell of it: as it is rated by whoever has
    rated it, and as UNRATED where nobody has. The one that is due first comes first."""
    kept: list[Advisory] = []
    for advisory in sorted(found, key=lambda each: (each.rated == "", each.name)):
        names = advisory.also | {advisory.name}
        if not any(
            each.part == advisory.part and names & (each.also | {each.name}) for each in kept
        ):
            kept.append(advisory)
    rated = (
        Advisory(each.part, each.name, each.rated or UNRATED, each.published, each.also, each.told)
        for each in kept
    )
    return sorted(rated, key=lambda each: (each.due, each.name))


def main(words: list[str], now: datetime | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./run advisories", description=__doc__)
    parser.add_argument("--osv", default=OSV, metavar="URL", help=f"the database (default: {OSV})")
    parser.add_argument(
        "--from",
        dest="dump",
        metavar="DUMP",
        help="a dump of OSV, at a path or an address, or the folder of a checkout of PyPA's",
    )
    parser.add_argument("--save", action="store_true", help=f"keep what is known in {COPY.name}")
    parser.add_argument("--offline", action="store_true", help="look into what was kept")
    parser.add_argument("--copy", type=Path, default=COPY, help="the file of it")
    parser.add_argument("--lock", type=Path, default=LOCK, help="the lock (default: this one's)")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME",
        help="a weakness that was looked at and does not concern us; several times",
    )
    arguments = parser.parse_args(words)
    now, accepted = now or datetime.now(UTC), {*arguments.accept, *accepted_in(PROJECT)}
    parts = parts_of(arguments.lock.read_text("utf-8"))
    if arguments.offline and not arguments.copy.exists():
        print(f"advisories: NOBODY HAS ASKED YET about {len(parts)} parts. Do: {RENEW}.")
        _tell_debian()
        return 0
    try:
        found = each_once(_found(arguments, parts, now))
    except NotAsked as why:
        print(f"advisories: {why}.", file=sys.stderr)
        return 2
    open_ones = [each for each in found if not accepted & (each.also | {each.name})]
    for each in open_ones:
        print(
            "!" if each.due <= now else " ",
            f"{each.part.name} {each.part.version}",
            each.name,
            each.rated.lower(),
            f"due {each.due:%Y-%m-%d}",
            each.told,
            sep="\t",
        )
    overdue = sum(each.due <= now for each in open_ones)
    print(f"{len(parts)} parts, {len(open_ones)} known weaknesses, {overdue} overdue.")
    if arguments.offline:
        _tell_debian()
        return 1 if open_ones else 0
    return 1 if overdue else 0


def _tell_debian() -> None:
    """Says what of Debian is behind. It fails nothing: this may not be the machine that builds."""
    packages = taken_from_debian()
    if not packages:
        print("Packages of Debian are looked at where ./run package has built.")
        return
    try:
        behind = behind_on_debian(packages)
    except NotAsked as why:
        print(f"advisories: {why}.")
        return
    for each in behind:
        print(f"! {each} in Debian's security archive: upgrade, then ./run package.")
    print(f"{len(packages)} packages of Debian, {len(behind)} behind, as far as apt has heard.")


def _found(arguments: argparse.Namespace, parts: list[Part], now: datetime) -> Iterable[Advisory]:
    """Raises NotAsked."""
    names = sorted({normal(part.name) for part in parts})
    if arguments.offline:
        return found_in(_kept(arguments.copy, names, now), parts)
    source = arguments.dump or arguments.osv
    try:
        if arguments.dump is None and not arguments.save:
            return list(Database(arguments.osv).advisories(parts))
        asked = records_in(arguments.dump) if arguments.dump else Database(source).records(names)
        told = list(asked)
        records = [kept for each in told if (kept := about(each, names)) is not None]
        if arguments.save:
            date = (changed_last(told) if arguments.dump else None) or now
            copy = Copy(date=date, source=_called(source), names=names, records=records)
            copy.save(arguments.copy)
    except (
        NotAsked,
        OSError,
        httpx.HTTPError,
        ValueError,
        zipfile.BadZipFile,
        yaml.YAMLError,
    ) as why:
        raise NotAsked(f"{source} could not be asked: {why}") from None
    return found_in(records, parts)


def _called(source: str) -> str:
    """Returns what a source is called in a copy: a path is one of this machine alone."""
    if source.startswith(("https://", "http://")):
        return source
    return PYPA if Path(source).is_dir() else "a dump of OSV"


def _kept(path: Path, names: Iterable[str], now: datetime) -> list[Record]:
    """Says what the copy does not know. Raises NotAsked when it cannot be read."""
    try:
        copy = Copy.load(path)
    except (OSError, ValidationError) as why:
        raise NotAsked(f"{path} cannot be read: {type(why).__name__}. Make it anew") from None
    if copy is None:
        raise NotAsked(f"{path} is gone") from None
    age = (now - copy.date).days
    print(f"advisories: as {copy.source} knew them on {copy.date:%Y-%m-%d}, {age} days ago.")
    if now - copy.date > OLD:
        print(f"advisories: that is old. Do: {RENEW}.")
    if unknown := sorted(set(names) - set(copy.names)):
        print(f"advisories: nothing is known of {', '.join(unknown)}. Do: {RENEW}.")
    return copy.records


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
