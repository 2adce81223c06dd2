"""The portal in Debian's Chromium: everything that a customer does there, by keyboard alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser

from tests.support.portal_walk import Customer, whole_portal
from tests.support.served import Served
from tests.support.visitor import DESKTOP, IS_THERE, PHONE, WHY_NOT, Visitor, chromium

pytestmark = pytest.mark.skipif(not IS_THERE, reason=WHY_NOT)

MAX_BYTES = 100_000
"""The most that a page may weigh with all that it loads."""
NARROWEST = 320
"""The width in pixels at which pages need no scrolling sideways (WCAG 2.2, 1.4.10)."""
AXE = Path(AXE_FILE_PATH).read_text()
FIND = """rules => axe.run(document, {
  resultTypes: ["violations"], preload: false, ...rules && {runOnly: {type: "rule", values: rules}},
}).then(found => found.violations.flatMap(
  each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`)))"""
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"

BROKEN = """() => [...document.querySelectorAll("button, .button")].flatMap(button => {
  const text = document.createTreeWalker(button, NodeFilter.SHOW_TEXT), found = [];
  while (text.nextNode()) {
    for (const word of text.currentNode.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(text.currentNode, word.index);
      range.setEnd(text.currentNode, word.index + word[0].length);
      if (range.getClientRects().length > 1) found.push(word[0]);
    }
  }
  return found;
})"""
"""Returns the words of buttons that go on in the next line."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def look_at(visitor: Visitor) -> Iterator[Any]:
    """Yields what is wrong with the page that is shown."""
    page, size = visitor.page, visitor.page.viewport_size
    assert size
    if visitor.weight > MAX_BYTES:
        yield f"weighs {visitor.weight} bytes"
    for place in visitor.looks_around():
        yield f"not reached by Tab: {place}"
    for width in (size["width"], NARROWEST):
        page.set_viewport_size({"width": width, "height": size["height"]})
        if page.evaluate(TOO_WIDE):
            yield f"too wide at {width} pixels"
        for word in page.evaluate(BROKEN):
            yield f"broken at {width} pixels: {word}"
    page.set_viewport_size(size)
    # The checker needs scripts; those of the page itself are not run any more.
    visitor.allow_scripts(True)
    page.evaluate(AXE)
    yield from page.evaluate(FIND)
    page.emulate_media(color_scheme="dark" if visitor.scheme == "light" else "light")
    yield from page.evaluate(FIND, ["color-contrast"])
    page.emulate_media(color_scheme=visitor.scheme)
    visitor.allow_scripts(visitor.scripts)


def test_everything_is_done_by_keyboard_on_a_phone(browser: Browser, served: Served, who: str):
    visitor = Visitor(browser, served.origin, PHONE, scheme="dark")
    walk(visitor, Customer(served, who), fails=True)


def test_everything_is_done_by_keyboard_on_a_desktop_without_scripts(
    browser: Browser, served: Served, who: str
):
    visitor = Visitor(browser, served.origin, DESKTOP, scripts=False)
    walk(visitor, Customer(served, who), fails=False)


def walk(visitor: Visitor, customer: Customer, *, fails: bool) -> None:
    """Walks through the portal and finds nothing wrong with any page: in each of its states, or,
    where nothing fails, as it is seen first."""
    wrong: list[str] = []
    looked_at: set[str] = set()
    for state in whole_portal(visitor, customer, fails=fails):
        if fails or visitor.path not in looked_at:
            wrong += [f"{state}: {each}" for each in look_at(visitor)]
        looked_at.add(visitor.path)
    visitor.close()
    assert wrong == []
    assert visitor.said == []
    assert visitor.strayed == []
    assert visitor.without_focus == set()
    assert visitor.offered - visitor.visited == set(), "nobody follows this"
