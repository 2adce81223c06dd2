"""`./run tour --out DIR`: a picture of every page of the portal and of the console in every state,
to be looked at."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from cloud.console.roles import Role
from cloud.settings import Settings
from tests.support.console_walk import Team, known_elsewhere, whole_console
from tests.support.identity_provider import identity_provider
from tests.support.portal_walk import Customer, Walk, whole_portal
from tests.support.served import PLAIN, Served
from tests.support.visitor import (
    DESKTOP,
    IS_THERE,
    PHONE,
    TABLET,
    WHY_NOT,
    Scheme,
    Visitor,
    chromium,
)

View = tuple[tuple[int, int], Scheme, bool]
"""The size and the colours in which pages are pictured, and whether scripts run."""
VIEWS: Mapping[str, tuple[View, ...]] = {
    "portal": ((PHONE, "light", True), (PHONE, "dark", True), (DESKTOP, "light", False)),
    "console": ((DESKTOP, "light", True), (TABLET, "dark", True)),
}


def _console(visitor: Visitor, served: Served, who: str) -> Walk:
    team = Team(served, f"Market of {who}")
    yield from whole_console(visitor, team, Role.OPERATOR)
    with identity_provider() as provider:
        yield from known_elsewhere(visitor, team, provider)


WALKS: Mapping[str, Callable[[Visitor, Served, str], Walk]] = {
    "portal": lambda visitor, served, who: whole_portal(visitor, Customer(served, who)),
    "console": _console,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run tour", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--only", default="", metavar="TEXT", help="pages with this in their name")
    # The others are about the kiosk's window.
    asked, _ = parser.parse_known_args()
    if asked.out is None:
        return
    if not IS_THERE:
        print(WHY_NOT)
        return
    with (
        TemporaryDirectory() as state,
        Served(Path(state), Settings(recognition=PLAIN)) as served,
        chromium() as browser,
    ):
        for kind, views in VIEWS.items():
            for size, scheme, scripts in views:
                folder = asked.out / f"{kind}-{scheme}-{size[0]}x{size[1]}"
                folder.mkdir(parents=True, exist_ok=True)
                visitor = Visitor(browser, served.origin, size, scripts=scripts, scheme=scheme)
                for name in WALKS[kind](visitor, served, folder.name):
                    if asked.only in name:
                        visitor.page.screenshot(path=folder / f"{name}.png", full_page=True)
                visitor.close()
                print(f"{len(list(folder.iterdir()))} pictures in {folder}")


if __name__ == "__main__":
    main()
