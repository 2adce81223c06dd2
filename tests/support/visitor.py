"""Somebody before Debian's Chromium who has a keyboard and no pointer."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Chromium without what it has for people: it needs half the time for the same pages."""
IS_THERE = Path(CHROMIUM).exists()
WHY_NOT = f"{CHROMIUM} is not there: ./run test installs it where the distribution has it"
WITHOUT_GPU = ["--disable-gpu", "--disable-gpu-compositing"]
"""Has Chromium draw without simulating a graphics processor, in which it spends a seventh of its
time."""
DESKTOP, TABLET, PHONE = (1280, 800), (820, 1180), (390, 844)
PATIENCE_MS = 90_000
"""How long a machine busy with other things may take for one page."""

Size = tuple[int, int]
"""Width and height in pixels."""
Scheme = Literal["light", "dark"]
Role = Literal["link", "button", "textbox", "combobox"]
Step = tuple[str, str]
"""The method and the path of a request."""

_PLACE = """const place = each =>
  `${[...document.querySelectorAll("*")].indexOf(each)} ${each.outerHTML.slice(0, 80)}`;
"""
_WATCH = f"""(what, target) => {{ {_PLACE}
  if (!window.seenByTab) {{
    window.seenByTab = [];
    window.noteFocus = () => {{
      const at = document.activeElement;
      const box = at.getBoundingClientRect();
      const seen = box.bottom > 0 && box.top < innerHeight
        && box.right > 0 && box.left < innerWidth;
      const outline = getComputedStyle(at);
      const marked = outline.outlineStyle !== "none" && parseFloat(outline.outlineWidth) >= 2;
      seenByTab.push([place(at), at === document.body || seen && marked]);
    }};
    addEventListener("keydown", event => {{ if (event.key === "Tab") noteFocus(); }}, true);
  }}
  const there = [...document.querySelectorAll(what)].filter(each => each.checkVisibility());
  return [there.map(place), there.indexOf(document.activeElement), there.indexOf(target)];
}}"""
"""Has the page note what has the focus each time that Tab is pressed: by then it has scrolled
there. Returns what can be reached, and the places in it of the focus and of the target, -1 for
none."""
_TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
"""The key as it goes down, in half as many messages as with its coming up again."""
_SEEN = "() => { noteFocus(); return seenByTab.splice(0).slice(1); }"
"""Returns what had the focus after each Tab, and whether it showed it."""
_REACHABLE = 'a[href], button, summary, input:not([type=hidden]), select, [tabindex="0"]'
_SEES = r"""() => [
  [
    ...[...document.links].filter(a => !a.hash).map(a => ["GET", a.href, a]),
    ...[...document.forms].map(form => [form.method.toUpperCase(), form.action, form]),
  ].filter(([, url, each]) => url.startsWith(location.origin) && each.checkVisibility())
    .map(([method, url]) => [method, url]),
  document.documentElement.outerHTML
    .replace(/>[^<]*</g, "><").replace(/ (href|value|action)="[^"]*"/g, " $1")
    .replace(/(<(tr|li)\b.*?<\/\2>)\1+/g, "$1"),
  ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .reduce((sum, each) => sum + each.encodedBodySize, 0),
]"""
"""Returns what the page offers, its shape, and the bytes of the page and of all that it has
loaded, also of what was kept from before."""
_NAME = re.compile(r"\b(?:[0-9a-f]{32}|first)\b|(?<=/)[\w-]{43}(?![\w-])")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Runs Chromium. Until it ends, no event loop can run in this thread beside Playwright's."""
    # Chromium's sandbox does not run as root.
    flags = [*WITHOUT_GPU, "--no-sandbox"] if os.geteuid() == 0 else WITHOUT_GPU
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


class Visitor:
    """Opens pages of one origin, and acts by Tab, Enter, Space and typing alone."""

    def __init__(
        self,
        browser: Browser,
        origin: str,
        size: Size = DESKTOP,
        *,
        scripts: bool = True,
        scheme: Scheme = "light",
    ) -> None:
        self._browser = browser
        self.origin = origin
        self.size = size
        self.scripts = scripts
        self.scheme: Scheme = scheme
        width, height = size
        # No browser knows the authority of the service's certificate.
        self._context = browser.new_context(
            ignore_https_errors=True,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.tools = self._context.new_cdp_session(self.page)
        self.visited: set[Step] = set()
        """What was asked for."""
        self.offered: set[Step] = set()
        """Where at the same origin the pages led to by a link or a form that was seen."""
        self._pages: set[str] = set()
        self.strayed: list[str] = []
        """Requests to another origin than that of the page that is shown."""
        self.said: list[str] = []
        """What pages have written to the console."""
        self.without_focus: set[str] = set()
        """What was reached by Tab and did not show it."""
        self.weight = 0
        """The bytes of the page that was seen last, with all that it loads."""
        self._allowed = True
        self._context.on("request", self._note)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.text, message.location))
        self.allow_scripts(scripts)

    def close(self) -> None:
        self._context.close()

    def elsewhere(self) -> "Visitor":
        """Returns the same person at another browser."""
        return Visitor(self._browser, self.origin, self.size, scripts=self.scripts)

    def allow_scripts(self, allowed: bool) -> None:
        """Scripts of pages that are opened from now on run or not."""
        if allowed is not self._allowed:
            self.tools.send("Emulation.setScriptExecutionDisabled", {"value": not allowed})
        self._allowed = allowed

    def runs(self, script: str) -> None:
        """Runs a script of the test's in the page, also a large one."""
        self.tools.send("Runtime.evaluate", {"expression": script})

    def has_an_authenticator(self) -> None:
        """Gives the browser an authenticator whose person is always verified."""
        kind = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.tools.send("WebAuthn.enable")
        self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": kind})

    def forgets_passkeys(self) -> None:
        self.tools.send("WebAuthn.disable")
        self.has_an_authenticator()

    def gets(self, path: str, html: bytes, headers: Mapping[str, str]) -> None:
        """Has an address answer once with a page that the service does not send now. While one is
        still to come, Chromium keeps nothing, and does not say what other files weigh."""
        self.page.route(
            f"{self.origin}{path}",
            lambda route: route.fulfill(body=html, content_type="text/html", headers=dict(headers)),
            times=1,
        )

    # What is done

    def opens(self, path: str) -> None:
        """Types an address."""
        self.page.goto(f"{self.origin}{path}")

    def follows(self, name: str) -> None:
        self._reaches("link", name)
        self._leaves_by("Enter")

    def presses(self, name: str) -> None:
        self._reaches("button", name)
        self._leaves_by("Space")

    def tries(self, name: str) -> None:
        """Presses a button that may leave the page as it is."""
        self._reaches("button", name)
        self.page.keyboard.press("Space")

    def downloads(self, name: str, role: Role = "link") -> bytes:
        """Follows a link to a file, or presses a button for one, and returns the file."""
        self._reaches(role, name)
        with self.page.expect_download() as download:
            self.page.keyboard.press("Enter")
        return download.value.path().read_bytes()

    def types(self, label: str, text: str) -> None:
        """Types into a field in place of what is in it."""
        self._reaches("textbox", label)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def enters(self, label: str, text: str) -> None:
        """Types into a field, and sends the form from there."""
        self.types(label, text)
        self._leaves_by("Enter")

    def chooses(self, label: str, option: str) -> None:
        """Chooses in a list by typing what it begins with."""
        self._reaches("combobox", label)
        self.page.keyboard.type(option)

    def reads(self, words: str) -> None:
        """Waits until the page says so."""
        self.page.get_by_text(words).first.wait_for()

    def link(self, name: str) -> str:
        """Returns where a link leads to."""
        found = self.page.get_by_role("link", name=name, exact=True).get_attribute("href")
        assert found
        return found

    @property
    def at(self) -> str:
        """What is written on that which has the focus."""
        return self.page.evaluate("document.activeElement.textContent")

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def resizes(self, size: Size) -> None:
        """Gives the window another size."""
        width, height = size
        if self.page.viewport_size != {"width": width, "height": height}:
            self.page.set_viewport_size({"width": width, "height": height})

    def sees(self) -> str:
        """Notes what the page offers, and what it weighs. Returns its shape: the page without its
        words, values and addresses, and with one of rows that are alike."""
        offered, shape, self.weight = self.page.evaluate(_SEES)
        self.offered |= {(method, _path(url)) for method, url in offered}
        return shape

    def looks_around(self) -> set[str]:
        """Walks once around the page. Returns what was not reached."""
        places, _, _ = self._watches(None)
        # Behind the last one is the page itself, where the focus begins.
        return set(places) - set(self._tabs(len(places) + 1))

    # How

    def _reaches(self, role: Role, name: str) -> None:
        places, at, to = self._watches(self._finds(role, name))
        steps = (to - at) % (len(places) + 1)
        if to >= 0 and (steps == 0 or self._tabs(steps)[-1] == places[to]):
            return
        # Tab goes on from elsewhere where a link has led into the page.
        more = range(len(places) + 2)
        assert to >= 0, f"{name} is not among what Tab reaches"
        assert any(self._tabs(1) == [places[to]] for _ in more), f"{name} is not reached by Tab"

    def _finds(self, role: Role, name: str) -> str:
        """Returns the first thing with this role and name, as Chromium tells them to a screen
        reader."""
        page = self.tools.send("Runtime.evaluate", {"expression": "document"})["result"]["objectId"]
        asked = {"objectId": page, "role": role, "accessibleName": name}
        nodes = self.tools.send("Accessibility.queryAXTree", asked)["nodes"]
        if not nodes:
            # A script is about to show it.
            self.page.get_by_role(role, name=name, exact=True).first.wait_for()
            nodes = self.tools.send("Accessibility.queryAXTree", asked)["nodes"]
        node = {"backendNodeId": nodes[0]["backendDOMNodeId"]}
        return self.tools.send("DOM.resolveNode", node)["object"]["objectId"]

    def _watches(self, target: str | None) -> tuple[list[str], int, int]:
        if target is None:
            return self.page.evaluate(_WATCH, _REACHABLE)
        called = {
            "functionDeclaration": f"function () {{ return ({_WATCH})('{_REACHABLE}', this); }}",
            "objectId": target,
            "returnByValue": True,
        }
        return self.tools.send("Runtime.callFunctionOn", called)["result"]["value"]

    def _tabs(self, times: int) -> list[str]:
        """Presses Tab, and returns what had the focus after each."""
        self.allow_scripts(True)
        for _ in range(times):
            self.tools.send("Input.dispatchKeyEvent", _TAB)
        seen = self.page.evaluate(_SEEN)
        self.allow_scripts(self.scripts)
        if self.page.url.startswith(self.origin):
            self.without_focus |= {place for place, is_seen in seen if not is_seen}
        return [place for place, _ in seen]

    def _leaves_by(self, key: str) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def _note(self, request: Request) -> None:
        self.visited.add((request.method, _path(request.url)))
        if request.is_navigation_request():
            self._pages.add(request.url)
        elif _origin(request.url) != _origin(self.page.url):
            self.strayed.append(request.url)

    def _hear(self, text: str, location: Any) -> None:
        url = location["url"]
        # Chromium writes so when a page itself comes with a status of 400 or more.
        is_status = text.startswith("Failed to load resource") and url in self._pages
        # And so when the service has it forget the pages of a session.
        is_forgotten = text.startswith("Clear-Site-Data header on")
        # And so when Tab is pressed before it has given a field the focus.
        is_early = text.startswith("Autofocus processing was blocked")
        if not (is_status or is_forgotten or is_early) and _origin(url) in ("://", self.origin):
            self.said.append(f"{text} {url}")


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _path(url: str) -> str:
    """Returns the path of an address, without what names one thing of many."""
    return _NAME.sub("*", urlsplit(url).path)
