"""Attacks to which nothing was fitted: each instrument is a file, and they do what they imitate."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from drawn.burst import Film, challenge, played
from drawn.circumstances import USUAL
from drawn.lit import LAMPS
from lab.attacks.instruments import Species, species
from lab.attacks.measure import JudgedBurst, worst
from lab.attacks.staging import Presented, enrolment, staging
from palm.liveness import judge
from palm.liveness.relief import relief
from palm.liveness.response import register_burst
from palm.liveness.signed import Agreement, Signer, Signs

pytestmark = pytest.mark.slow

SEED = 41_000
NAMED = {each.name: each for each in species()}


@cache
def presented(name: str, recipe: str) -> Presented:
    lights = played(challenge(np.random.default_rng(1)))
    return NAMED[name].recipes[recipe](staging(SEED, USUAL, lights, name + recipe))


@cache
def signer() -> Signer:
    return Signer()


@cache
def enrolled() -> Signs:
    return signed(enrolment(SEED, USUAL))


def signed(film: Film) -> Signs:
    return signer().sign(register_burst(film.lit, LAMPS), film.infrared)


def agreement(name: str, recipe: str) -> Agreement:
    return signer().compare(enrolled(), signed(presented(name, recipe).film))


def test_every_instrument_has_a_name_of_its_own_and_recipes() -> None:
    assert len(NAMED) == len(species())
    assert all(isinstance(each, Species) and each.recipes for each in species())


def test_a_living_palm_agrees_with_itself_in_relief_and_near_infrared() -> None:
    again = agreement("a device that shops for challenges", "the best of 1")
    assert again.relief_agrees
    assert again.veins_agree


def test_a_tattoo_is_alive_and_has_the_relief_of_another_palm() -> None:
    tattoo = presented("transfer tattoo", "carbon on a tinted film")
    assert judge(tattoo.film.lit, LAMPS).live, "light alone does not stop it"
    found = signer().compare(enrolled(), signed(tattoo.film))
    assert not replace(found, veins=None).relief_agrees
    assert not found.veins_agree


def test_what_does_not_answer_the_ring_has_no_relief() -> None:
    film = presented("transfer tattoo", "carbon on a tinted film").film
    still = [replace(frame, image=film.lit[0].image, hand=film.lit[0].hand) for frame in film.lit]
    picture = relief(register_burst(still, LAMPS))
    assert picture.image.min() == picture.image.max()


def test_the_rate_of_an_instrument_is_that_of_its_worst_recipe() -> None:
    def burst(seed: int, recipe: str, passed: bool) -> JudgedBurst:
        return JudgedBurst(seed, "a cast", recipe, "dark", {"light": passed}, {}, {}, True, 1.0)

    found = [burst(n, "solid", n == 0) for n in range(4)]
    found += [burst(n, "thin", n < 3) for n in range(4)]
    (rate,) = worst(found, lambda each: each.passed["light"])
    assert (rate.name, rate.recipe, rate.estimate.rate) == ("a cast", "thin", 0.75)
