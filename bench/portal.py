"""How fast the portal's pages come, and how much they weigh with all that they load."""

import re
import ssl
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

import httpx
import numpy as np

from bench.figure import Figure
from cloud.portal.asking import HOME, SIGN_IN
from cloud.portal.signing_in import CODE
from cloud.settings import Settings
from tests.support.portal import forms
from tests.support.portal_walk import Customer
from tests.support.served import PLAIN, Served

LOADS = 60
"""How often each page is asked for."""
WARM_UP = 3
"""The first loads, which are not counted."""
MEDIAN_MS, WEIGHT_KB = 100, 100

_LINKS = re.compile(r'<a [^>]*href="(/portal[^"#?]*)"')
_LOADED = re.compile(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"')
_NAMED_IN_CSS = re.compile(r'url\("([^"]+)"\)')


def measure() -> Iterator[Figure]:
    with TemporaryDirectory() as state, Served(Path(state), Settings(recognition=PLAIN)) as served:
        customer = Customer(served, "bench")
        customer.has_paid_often()
        trusted = ssl.create_default_context(cafile=served.state.ca)
        with httpx.Client(base_url=served.url, verify=trusted, trust_env=False) as http:
            pages = {SIGN_IN: _timed(http, SIGN_IN)}
            _sign_in(http, customer)
            pages |= {path: _timed(http, path) for path in _found(http)}
            weights = {path: _weight(http, path) for path in pages}
    how = f"{LOADS} loads of each page, one after another, service on loopback"
    for path, taken in pages.items():
        name = re.sub(r"[0-9a-f]{32}", "*", path)
        yield Figure(f"{name}, median", statistics.median(taken), "ms", how, MEDIAN_MS)
        yield Figure("  95 of 100", float(np.percentile(taken, 95)), "ms", how)
    heaviest = max(weights, key=weights.__getitem__)
    how = f"{heaviest} and all that it loads, of {len(weights)} pages"
    yield Figure("heaviest page", weights[heaviest] / 1000, "kB", how, WEIGHT_KB)


def _sign_in(http: httpx.Client, customer: Customer) -> None:
    form = forms(http.get(SIGN_IN))[SIGN_IN].fields
    http.post(SIGN_IN, data={**form, "phone": customer.phone})
    answer = http.post(CODE, data={**form, "code": customer.code()})
    assert answer.headers["location"] == HOME


def _found(http: httpx.Client) -> list[str]:
    """Returns all pages that links lead to from the first one, one of each kind."""
    found, left = {HOME}, [HOME]
    while left:
        for path in _LINKS.findall(http.get(left.pop()).text):
            if path not in found and "." not in path:
                found.add(path)
                left.append(path)
    return sorted({re.sub(r"[0-9a-f]{32}", "", path): path for path in found}.values())


def _timed(http: httpx.Client, path: str) -> list[float]:
    """Returns the milliseconds of each load."""
    taken: list[float] = []
    for _ in range(WARM_UP + LOADS):
        began = time.perf_counter()
        answer = http.get(path)
        taken.append(1000 * (time.perf_counter() - began))
        assert answer.status_code in (200, 303), f"{path}: {answer.status_code}"
    return taken[WARM_UP:]


def _weight(http: httpx.Client, path: str) -> int:
    """Returns the bytes of a page and of all that it names."""
    page = http.get(path)
    weight, left = len(page.content), set(_LOADED.findall(page.text))
    for address in left:
        file = http.get(address)
        weight += len(file.content)
        for named in _NAMED_IN_CSS.findall(file.text):
            weight += len(http.get(urljoin(address, named)).content)
    return weight
