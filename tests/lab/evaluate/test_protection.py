"""What protected codes cost and give away, on vectors whose answers are known."""

import json

import numpy as np
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
    measure,
)


def normed(vectors: Floats) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def report() -> ProtectionReport:
    """Two thousand people, two hundred of whom come again at 30 degrees of themselves."""
    rng = np.random.default_rng(0)
    enrolled = normed(rng.standard_normal((2000, 64)))
    noise = normed(rng.standard_normal((200, 64)))
    angle = np.radians(30)
    probes = np.cos(angle) * enrolled[:200] + np.sin(angle) * noise
    return measure(enrolled, normed(probes))


def test_mates_are_found_by_code_as_by_vector(report: ProtectionReport):
    for found in (report.by_vector, report.by_code):
        assert all(found.within[k].rate == 1 for k in SHORTLISTS)
        assert all(found.fnmr[fmr] == 0 for fmr in FMRS)


def test_codes_under_different_secrets_are_linked_no_better_than_by_chance(
    report: ProtectionReport,
):
    assert report.linkability < 0.05
    assert report.linkability < 2 * report.by_chance
    assert report.within_a_gallery > 0.95


def test_scores_that_lie_apart_link_fully_and_equal_ones_not_at_all():
    rng = np.random.default_rng(1)
    low, high = rng.normal(0, 1, 5000), rng.normal(50, 1, 5000)
    assert _d_sys(high, low) == pytest.approx(1)
    assert _d_sys(low, low) == 0
    # Two normal distributions one deviation apart: D_sys by numerical integration.
    assert _d_sys(rng.normal(1, 1, 200_000), rng.normal(0, 1, 200_000)) == pytest.approx(
        0.2935, abs=0.02
    )


def test_a_code_alone_tells_nothing_and_more_with_every_palm_that_is_known(
    report: ProtectionReport,
):
    cosines = {attack.knows: attack.cosine for attack in report.attacks}
    accepted = {attack.knows: attack.accepted for attack in report.attacks}
    assert abs(cosines["a guess at the secret"]) < 0.05
    assert accepted["a guess at the secret"] < 0.01
    known = [cosines[f"{count} known palms"] for count in KNOWN]
    assert known == sorted(known)
    # Not what one would like, and what has to be said.
    assert cosines["the secret"] > 0.95
    assert accepted["the secret"] == 1


def test_what_is_told_is_told_in_json_too(report: ProtectionReport):
    told = json.loads(json.dumps(report.json()))
    assert told["unlinkability"]["d_sys"] == report.linkability
    assert len(told["irreversibility"]) == len(report.attacks)
    for attack in report.attacks:
        assert attack.knows in report.text()


def test_the_same_drawn_person_is_nearer_than_another():
    _start()
    from palm.template import current

    _, matcher = current.pair()
    own, again, other = matcher.vectors(
        [_draw(1, 3, 0, 0.0), _draw(1, 1, 1, 0.0), _draw(2, 1, 1, 0.0)]
    )
    assert own @ again > own @ other
