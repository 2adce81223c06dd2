"""What a palm has beside its lines is compared where its lines lie."""

from dataclasses import replace

import numpy as np
import pytest

from palm.liveness.signed import (
    RELIEF_AT_LEAST,
    RELIEF_BESIDE_VEINS,
    SUREST,
    VEINS_AT_LEAST,
    Agreement,
    Signer,
    Signs,
)
from palm.template.compact import BYTES

LINES, RELIEF, VEINS, OTHERS = (np.random.default_rng(seed).bytes(BYTES) for seed in range(4))
OWN = Signs(LINES, RELIEF, VEINS)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def test_a_palm_agrees_with_itself_and_not_with_another_that_shows_its_lines(signer: Signer):
    assert signer.compare(OWN, OWN).agrees
    assert not signer.compare(OWN, Signs(LINES, OTHERS, OTHERS)).agrees


def test_a_cast_has_the_relief_of_a_palm_and_not_its_veins(signer: Signer):
    cast = signer.compare(OWN, replace(OWN, veins=OTHERS, skin=SUREST))
    assert cast.relief_agrees
    assert not cast.veins_agree


def test_veins_that_are_hardly_seen_count_the_more_the_surer_it_is_skin(signer: Signer):
    doubtful, sure, surer = (
        signer.compare(OWN, replace(OWN, skin=skin)).veins for skin in (0.0, SUREST, SUREST + 1)
    )
    assert doubtful is not None
    assert sure is not None
    assert doubtful < sure == surer


def test_what_either_does_not_have_says_nothing(signer: Signer):
    blind = replace(OWN, veins=None)
    assert signer.compare(blind, OWN).veins is None
    assert signer.compare(blind, OWN).agrees
    assert signer.compare(OWN, replace(OWN, relief=None, veins=None)).agrees


def test_less_is_asked_of_the_relief_where_veins_agree():
    between = (RELIEF_AT_LEAST + RELIEF_BESIDE_VEINS) / 2
    assert not Agreement(between, None).agrees
    assert Agreement(between, VEINS_AT_LEAST).agrees


def test_signs_complete_others_that_lack_one_of_theirs_and_have_no_more():
    blind, flat = replace(OWN, veins=None), replace(OWN, relief=None)
    assert OWN.complete(None)
    assert OWN.complete(blind)
    assert not blind.complete(OWN)
    assert not OWN.complete(OWN)
    assert not blind.complete(flat)


@pytest.mark.parametrize("signs", [(LINES, b"short", VEINS), (b"", None, None)])
def test_signs_of_another_length_are_none(signs: tuple[bytes, bytes | None, bytes | None]):
    with pytest.raises(ValueError, match="not the signs"):
        Signs(*signs)


@pytest.mark.parametrize("skin", [float("nan"), float("inf")])
def test_a_score_is_a_number(skin: float):
    with pytest.raises(ValueError, match="not a score"):
        Signs(LINES, None, VEINS, skin)
