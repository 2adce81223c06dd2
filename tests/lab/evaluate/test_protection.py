"""Search codes measured on vectors for which the results are known."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lab.evaluate.protection import (
    FMRS,
    KNOWN,
    SHORTLISTS,
    Floats,
    ProtectionReport,
    _d_sys,
    _draw,
    _start,
    link_galleries,
    measure,
)
from palm.search.protection import Transform


def normed(vectors: npt.NDArray[np.floating[Any]]) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def report() -> ProtectionReport:
    """Two thousand people; two hundred are presented again, 30 degrees from their vectors."""
    rng = np.random.default_rng(0)
    enrolled = normed(rng.standard_normal((2000, 64)))
    noise = normed(rng.standard_normal((200, 64)))
    angle = np.radians(30)
    probes = np.cos(angle) * enrolled[:200] + np.sin(angle) * noise
    return measure(enrolled, normed(probes))


def test_mates_are_found_by_code_as_well_as_by_vector(report: ProtectionReport):
    for found in (report.by_vector, report.by_code):
        assert all(found.within[k].rate == 1 for k in SHORTLISTS)
        assert all(found.fnmr[fmr] == 0 for fmr in FMRS)


def test_single_codes_under_different_secrets_are_linked_no_better_than_by_chance(
    report: ProtectionReport,
):
    assert report.linkability < 0.05
    assert report.linkability < 2 * report.by_chance
    assert report.within_a_gallery > 0.95


def test_whole_galleries_are_linked_without_either_secret():
    """Three hundred people are in two galleries, 30 degrees from their vectors in the second. The
    angles within each gallery link them, which is why codes are called pseudonymous."""
    rng = np.random.default_rng(0)
    first = normed(rng.standard_normal((300, 256)))
    angle, noise = np.radians(30), normed(rng.standard_normal((300, 256)))
    second = normed(np.cos(angle) * first + np.sin(angle) * noise)
    codes, others, of_others = (
        Transform(bytes([secret]) * 32, 0, 256).search_codes(vectors)
        for secret, vectors in ((1, first), (2, second), (2, rng.permuted(second, axis=1)))
    )
    assert link_galleries(codes, others, known=30) > 0.9
    assert link_galleries(codes, of_others, known=30) < 0.1


def test_scores_that_do_not_overlap_link_fully_and_equal_ones_do_not_link():
    rng = np.random.default_rng(1)
    low, high = rng.normal(0, 1, 5000), rng.normal(50, 1, 5000)
    assert _d_sys(high, low) == pytest.approx(1)
    assert _d_sys(low, low) == 0
    # Two normal distributions one deviation apart: D_sys by numerical integration.
    assert _d_sys(rng.normal(1, 1, 200_000), rng.normal(0, 1, 200_000)) == pytest.approx(
        0.2935, abs=0.02
    )


def test_a_code_alone_reveals_nothing_and_known_palms_reveal_more(
    report: ProtectionReport,
):
    cosines = {attack.knows: attack.cosine for attack in report.attacks}
    accepted = {attack.knows: attack.accepted for attack in report.attacks}
    assert abs(cosines["a guess at the secret"]) < 0.05
    assert accepted["a guess at the secret"] < 0.01
    known = [cosines[f"{count} known palms"] for count in KNOWN]
    assert known == sorted(known)
    # With the secret, a code reveals the vector: this is a known limit.
    assert cosines["the secret"] > 0.95
    assert accepted["the secret"] == 1


def test_the_text_and_the_json_have_the_same_figures(report: ProtectionReport):
    told = json.loads(json.dumps(report.json()))
    assert told["unlinkability"]["d_sys"] == report.linkability
    assert len(told["irreversibility"]) == len(report.attacks)
    for attack in report.attacks:
        assert attack.knows in report.text()
    for each in told["linked_galleries"]:
        assert report.linked[each["known"]] == each["found"]
        assert f"{each['found']:.1%} if {each['known']} are known" in report.text()


def test_a_drawn_person_is_nearer_to_itself_than_to_another():
    _start()
    from palm.template import current

    _, matcher = current.pair()
    own, again, other = matcher.vectors(
        [_draw(1, 3, 0, 0.0), _draw(1, 1, 1, 0.0), _draw(2, 1, 1, 0.0)]
    )
    assert own @ again > own @ other
