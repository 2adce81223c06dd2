"""The console in Debian's Chromium: everything that staff do there, by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.cloud.portal.test_in_a_browser import ends_well, look_at, look_at_layout
from tests.support.console_walk import Team, what_is_looked_at_daily, whole_console
from tests.support.served import Served
from tests.support.visitor import DESKTOP, IS_THERE, TABLET, WHY_NOT, Visitor, chromium

pytestmark = pytest.mark.skipif(not IS_THERE, reason=WHY_NOT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_everything_is_done_by_keyboard_on_a_desktop(browser: Browser, served: Served):
    visitor = Visitor(browser, served.origin, DESKTOP)
    checked: set[str] = set()
    wrong = [
        f"{state}: {each}"
        for state in whole_console(visitor, Team(served))
        for each in look_at(visitor, checked, both=True)
    ]
    ends_well(visitor, wrong)
    assert visitor.offered - visitor.visited == set(), "nobody follows this"


def test_what_is_looked_at_daily_has_room_on_a_tablet(browser: Browser, served: Served):
    visitor = Visitor(browser, served.origin, TABLET, scheme="dark")
    states = what_is_looked_at_daily(visitor, Team(served))
    ends_well(visitor, [f"{state}: {each}" for state in states for each in look_at_layout(visitor)])
