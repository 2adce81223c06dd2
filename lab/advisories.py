"""`./run advisories`: asks a database for known weaknesses of what requirements.lock names.

The database is OSV (https://google.github.io/osv.dev/api/), which has those of PyPI, or a mirror of
it. It is told the names and versions in the lock, which are public. SECURITY.md promises how soon a
weakness is mended; one that is older than that ends this command with status 1.
"""

# ruff: noqa: T201 - a command answers on standard output

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

LOCK = Path(__file__).parents[1] / "requirements.lock"
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
"""As what a weakness counts that nobody has rated."""


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
    parser.add_argument("--lock", type=Path, default=LOCK, help="the lock (default: this one's)")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="NAME",
        help="a weakness that was looked at and does not concern us; several times",
    )
    arguments = parser.parse_args(words)
    now, accepted = now or datetime.now(UTC), set(arguments.accept)
    parts = parts_of(arguments.lock.read_text("utf-8"))
    try:
        found = each_once(Database(arguments.osv).advisories(parts))
    except NotAsked as why:
        print(f"advisories: {arguments.osv} could not be asked: {why}.", file=sys.stderr)
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
    return 1 if overdue else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
