"""The console in Debian's Chromium: everything that staff do there, by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.cloud.portal.test_in_a_browser import WALK_S, Checked, ends_well, look_at, look_at_layout
from tests.support.console_walk import Team, known_elsewhere, whole_console
from tests.support.identity_provider import identity_provider
from tests.support.served import Served
from tests.support.visitor import DESKTOP, IS_THERE, TABLET, WHY_NOT, Visitor, chromium

pytestmark = pytest.mark.skipif(not IS_THERE, reason=WHY_NOT)

IN_THE_DARK = {
    "overview",
    "kiosk",
    "kiosk-locked",
    "audit",
    "approvals",
    "attacks",
    "recognition",
}
"""The states that between them have everything that the console colours."""
CLOSELY = IN_THE_DARK | {"kiosk-without-a-name", "register-used", "sign-in-no-passkey"}
"""The states in which axe looks at a page that it has seen in another one."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.timeout(WALK_S)
def test_everything_is_done_by_keyboard_on_a_desktop_and_has_room_on_a_tablet(
    browser: Browser, served: Served
):
    visitor = Visitor(browser, served.origin, DESKTOP)
    checked: Checked = set()
    wrong: list[str] = []
    paths: set[str] = set()
    for state in whole_console(visitor, Team(served)):
        if visitor.path not in paths or state in CLOSELY:
            looked = look_at(visitor, checked, TABLET, both=state in IN_THE_DARK)
        else:
            looked = look_at_layout(visitor, visitor.sees(), checked, TABLET)
        paths.add(visitor.path)
        wrong += [f"{state}: {each}" for each in looked]
    ends_well(visitor, wrong)
    assert visitor.offered - visitor.visited == set(), "nobody follows this"


# The provider's own affair.
@pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")
@pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")
def test_staff_come_back_from_their_identity_provider_signed_in(browser: Browser, served: Served):
    """A browser alone decides which cookies it sends along on the way back."""
    visitor = Visitor(browser, served.origin, DESKTOP)
    checked: Checked = set()
    wrong: list[str] = []
    with identity_provider() as provider:
        for state in known_elsewhere(visitor, Team(served, "Pier Market"), provider):
            wrong += [f"{state}: {each}" for each in look_at(visitor, checked, TABLET)]
    ends_well(visitor, wrong)
