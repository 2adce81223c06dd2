"""The factory's light: every segment lights what faces it, light adds up, and skin responds as
skin."""

import numpy as np
import pytest

from drawn.burst import challenge
from drawn.identity import DrawnPalm, identity
from drawn.lit import (
    WHITE,
    LitHand,
    Response,
    Room,
    Specimen,
    living,
    response_of,
)
from drawn.presentation import Presentation, gesture
from drawn.sprite import sprite
from palm.hand.landmarks import Side
from protocol.ring import PLACES, SEGMENTS

pytestmark = pytest.mark.slow

SHOWN = Presentation(span=0.45, y=0.5)
DARK = np.zeros((SEGMENTS, 3), np.float32)
ABOVE, RIGHT, BELOW, LEFT = 0, 2, 4, 6


@pytest.fixture(scope="module", params=Side)
def palm(request: pytest.FixtureRequest) -> DrawnPalm:
    return identity(4, request.param)


@pytest.fixture(scope="module")
def hand(palm: DrawnPalm) -> Specimen:
    return living(palm, SHOWN).palm_alone()


@pytest.fixture(scope="module")
def response(palm: DrawnPalm, hand: Specimen) -> Response:
    return response_of(hand, palm.side, SHOWN, Room(), (720, 720))


def test_the_segments_lie_clockwise_from_above_the_lens() -> None:
    right, down, away = np.array(PLACES).T
    assert down.argmin() == ABOVE
    assert right.argmax() == RIGHT
    assert not away.any()


def test_each_side_of_the_ring_lights_what_faces_it(palm: DrawnPalm, response: Response) -> None:
    hand = response.specimen
    middle = np.hypot(hand.at[:, 0], hand.at[:, 1]) < 25
    right, up = hand.facet[middle, 0], hand.facet[middle, 1]
    if palm.side is Side.RIGHT:
        right = -right  # a right hand is drawn as a left one's mirror image
    ring = np.log(response.ring[:, middle, 1])
    for toward, near, far in ((right, RIGHT, LEFT), (up, ABOVE, BELOW)):
        more = ring[near] - ring[far]
        assert more[toward > 0.15].mean() > more[toward < -0.15].mean() + 0.05


def test_the_light_of_the_segments_adds_up(response: Response) -> None:
    one, other = challenge(np.random.default_rng(1))[:2]
    together = response.under(one + other) + response.under(DARK)
    assert np.allclose(together, response.under(one) + response.under(other), atol=1e-4)


def test_the_room_is_seen_while_the_ring_is_dark(response: Response) -> None:
    assert np.allclose(response.under(DARK), response.room)


def test_red_light_fills_the_furrows(hand: Specimen) -> None:
    blue, _, red = (np.abs(normal - hand.facet).mean() for normal in hand.normal)
    assert red > 1.5 * blue


def test_a_hand_under_white_is_its_sprite_and_is_darker_in_the_dark(palm: DrawnPalm) -> None:
    plain = sprite(palm, gesture(palm, SHOWN))
    shown = LitHand(palm, SHOWN)
    assert shown.under(WHITE) is plain
    middle = tuple(int(at) for at in reversed(plain.centre))
    lit, unlit = plain.picture[middle][:3], shown.under(DARK).picture[middle][:3]
    assert (unlit < 0.8 * lit).all()
    assert np.array_equal(shown.under(DARK).picture[..., 3], plain.picture[..., 3])
