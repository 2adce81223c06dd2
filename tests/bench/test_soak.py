"""What a soak makes of the memory after each visit."""

import os

import numpy as np
import pytest

from bench.process_tree import anonymous_kb
from bench.soak import FPS, growth
from protocol.binding import STEP_MS_AT_LEAST


def test_what_grows_is_told_with_its_bounds() -> None:
    rng = np.random.default_rng(1)
    slope = growth(list(400_000 + 7.5 * np.arange(1000) + rng.normal(0, 300, 1000)))
    assert slope.low < 7.5 < slope.high
    assert slope.low > 4


def test_what_only_varies_may_grow_by_nothing() -> None:
    slope = growth(list(np.random.default_rng(1).normal(400_000, 300, 1000)))
    assert slope.low < 0 < slope.high


def test_the_memory_of_a_process_holds_what_it_has_made() -> None:
    before = anonymous_kb(os.getpid())
    made = np.ones(2**23)
    assert anonymous_kb(os.getpid()) - before == pytest.approx(made.nbytes / 1024, rel=0.1)


def test_the_vault_takes_light_steps_at_the_pace_of_the_camera() -> None:
    assert 1000 / FPS > STEP_MS_AT_LEAST
