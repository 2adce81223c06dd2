"""The model of growth agrees with the textbooks, and with its simulation."""

import pytest

from bench.growth import Costs, Size, modelled_s, plant_for, simulated_s, waiting_s


@pytest.mark.parametrize(
    ("busy", "variation", "waits"),
    [
        # One server: Pollaczek and Khinchine's formula, which is exact.
        (0.5, 1, 1.0),
        (0.5, 0, 0.5),
        (0.8, 1, 4.0),
    ],
)
def test_one_server_is_waited_for_as_the_formula_says(busy: float, variation: float, waits: float):
    assert waiting_s(busy, 1, variation, 1) == pytest.approx(waits)


def test_servers_together_are_waited_for_less_than_each_by_itself():
    assert waiting_s(8, 1, 1, 10) < waiting_s(0.8, 1, 1, 1) / 10


def test_no_core_is_busier_than_it_may_be_and_none_is_idle():
    size, costs = Size(100_000_000), Costs()
    plant = plant_for(size, costs)
    answering = size.per_s * costs.answering_s
    assert 0.5 * plant.answering < answering <= 0.6 * plant.answering
    codes = size.per_s * size.palms / 1e6 * costs.scanning_s
    assert 0.5 * plant.scanning < codes <= 0.6 * plant.scanning


def test_the_model_is_what_is_simulated():
    size, costs = Size(2_000_000), Costs()
    plant = plant_for(size, costs)
    taken = simulated_s(size, plant, costs, count=2_000)
    assert modelled_s(size, plant, costs) == pytest.approx(float(taken.mean()), rel=0.1)
