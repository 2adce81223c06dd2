"""The portal in Debian's Chromium: everything that a customer does there, by keyboard alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser

from tests.support.portal_walk import Customer, what_scripts_change, whole_portal
from tests.support.served import Served
from tests.support.visitor import DESKTOP, IS_THERE, PHONE, WHY_NOT, Size, Visitor, chromium

pytestmark = pytest.mark.skipif(not IS_THERE, reason=WHY_NOT)

WALK_S = 1200
"""How long a walk through all pages may take on a busy machine, in seconds; it takes more than a
minute on an idle one."""
MAX_BYTES = 100_000
"""The most that a page may weigh with all that it loads."""
NARROWEST = 320
"""The width in pixels at which pages need no scrolling sideways (WCAG 2.2, 1.4.10)."""
BY_KEYBOARD = {DESKTOP, PHONE}
"""The sizes of windows in which Tab is pressed until it has reached all."""
AXE = Path(AXE_FILE_PATH).read_text()
FIND = """rules => axe.run(document, {
  resultTypes: ["violations"], preload: false, ...rules && {runOnly: {type: "rule", values: rules}},
}).then(found => found.violations.flatMap(
  each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`)))"""
WITHOUT_ROOM = r"""() => [
  document.documentElement.scrollWidth > innerWidth,
  [...document.querySelectorAll("button, .button")].flatMap(button => {
    const text = document.createTreeWalker(button, NodeFilter.SHOW_TEXT), found = [];
    while (text.nextNode()) {
      for (const word of text.currentNode.data.matchAll(/\S+/g)) {
        const range = document.createRange();
        range.setStart(text.currentNode, word.index);
        range.setEnd(text.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
    }
    return found;
  }),
]"""
"""Returns whether the page is too wide, and the words of buttons that go on in the next line."""

Checked = set[str | tuple[str, Size]]
"""The shapes of pages that axe has checked, and those around which somebody has walked, with the
size of the window."""


WRONG = b"""<!doctype html><html lang="en"><title>Wrong</title>
<style>a:focus { outline: none } p { width: 1000px }</style>
<main><h1>Wrong</h1><p><a href="/portal">Unmarked</a> <a href="/portal" tabindex="-1">Left out</a>
<span style="color: #bbb">Faint</span></p></main>"""
HEAVY = WRONG + b" " * MAX_BYTES
FOUND = ("weighs", "not reached by Tab.*Left out", "too wide at 320", "color-contrast.*Faint")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def checked() -> Checked:
    """What was checked in any of the walks."""
    return set()


def look_at(visitor: Visitor, checked: Checked, *others: Size, both: bool = False) -> Iterator[Any]:
    """Yields what is wrong with the page that is shown, with `both` in light and in dark, and what
    is wrong with its layout also at `others`. A page of the same shape as one that was `checked` is
    not checked for what shape decides."""
    page, shape = visitor.page, visitor.sees()
    yield from look_at_layout(visitor, shape, checked, *others)
    if shape in checked:
        return
    checked.add(shape)
    # The checker needs scripts; those of the page itself are not run any more.
    visitor.allow_scripts(True)
    visitor.runs(AXE)
    yield from page.evaluate(FIND)
    if both:
        page.emulate_media(color_scheme="dark" if visitor.scheme == "light" else "light")
        yield from page.evaluate(FIND, ["color-contrast"])
        page.emulate_media(color_scheme=visitor.scheme)
    visitor.allow_scripts(visitor.scripts)


def look_at_layout(visitor: Visitor, shape: str, checked: Checked, *others: Size) -> Iterator[str]:
    """Yields what is wrong with the weight of the page, the way of the focus, or the room that
    there is: at its own size, the narrowest, and `others`."""
    own = visitor.size
    if visitor.weight > MAX_BYTES:
        yield f"weighs {visitor.weight} bytes"
    for size in (own, (NARROWEST, own[1]), *others):
        width, _ = size
        visitor.resizes(size)
        if size in BY_KEYBOARD and (shape, size) not in checked:
            checked.add((shape, size))
            for place in visitor.looks_around():
                yield f"not reached by Tab at {width} pixels: {place}"
        is_too_wide, broken = visitor.page.evaluate(WITHOUT_ROOM)
        if is_too_wide:
            yield f"too wide at {width} pixels"
        for word in broken:
            yield f"broken at {width} pixels: {word}"
    visitor.resizes(own)


def test_what_is_wrong_with_a_page_is_found(browser: Browser, served: Served):
    visitor = Visitor(browser, served.origin, PHONE, scripts=False)
    visitor.gets("/portal/wrong", HEAVY, {})
    visitor.opens("/portal/wrong")
    found = [str(each) for each in look_at(visitor, set())]
    visitor.close()
    for kind in FOUND:
        assert any(re.search(kind, each) for each in found)
    assert any("Unmarked" in place for place in visitor.without_focus)


@pytest.mark.timeout(WALK_S)
def test_everything_is_done_by_keyboard_without_scripts_on_a_phone_and_has_room_on_a_desktop(
    browser: Browser, served: Served, who: str, checked: Checked
):
    visitor = Visitor(browser, served.origin, PHONE, scripts=False, scheme="dark")
    wrong: list[str] = []
    seen: set[str] = set()
    for state in whole_portal(visitor, Customer(served, who)):
        others = () if visitor.path in seen else (DESKTOP,)
        seen.add(visitor.path)
        wrong += [f"{state}: {each}" for each in look_at(visitor, checked, *others, both=True)]
    ends_well(visitor, wrong)
    assert visitor.offered - visitor.visited == set(), "nobody follows this"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_scripts_change_is_done_with_them_on_a_desktop_and_on_a_phone(
    browser: Browser, served: Served, who: str, checked: Checked, size: Size
):
    visitor = Visitor(browser, served.origin, size)
    wrong = [
        f"{state}: {each}"
        for state in what_scripts_change(visitor, Customer(served, who))
        for each in look_at(visitor, checked, both=True)
    ]
    ends_well(visitor, wrong)
    left = visitor.offered - visitor.visited
    assert not {path for _, path in left if "passkey" in path}, "nobody follows this"


def ends_well(visitor: Visitor, wrong: list[str]) -> None:
    """Ends a walk, in which this was found wrong."""
    visitor.close()
    assert wrong == []
    assert visitor.said == []
    assert visitor.strayed == []
    assert visitor.without_focus == set()
