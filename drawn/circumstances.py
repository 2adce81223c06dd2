"""Draws living bursts and attacks under random circumstances."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from drawn import spectra
from drawn.attack import Instrument, prepare_attack
from drawn.burst import Film, Shot, challenge, film, played
from drawn.heart import Heart, Recording, record
from drawn.identity import DrawnPalm, identity
from drawn.lit import LENS, Room, Specimen, living
from drawn.presentation import Presentation
from drawn.state import State
from palm.hand.landmarks import Side

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The ranges from which a burst's circumstances are drawn: a pair is a range, a single number
    is a deviation."""

    span: Span = (0.40, 0.52)
    lean: float = 5.0
    turn: float = 10.0
    room: Span = (0.2, 1.3)
    """The room's light relative to the ring's."""
    level: Span = (0.15, 0.4)
    noise: Span = (1.5, 3.0)
    blur: Span = (0.0, 0.6)
    drift: float = 8.0
    lens: Span = (LENS, LENS)
    jitter: Span = (0.003, 0.010)
    afterglow: Span = (0.0, 0.05)
    gain: float = 0.1
    """The deviation of the log of the near-infrared camera's setting."""
    soft: Span = (0.0, 1.2)
    """The additional blur of the near-infrared camera, as a deviation in pixels."""
    daylight: float = 0.1
    """The largest room light at 850 nm, relative to the near-infrared camera's lamps."""

    def shot(self, rng: np.random.Generator, like: Shot | None = None) -> Shot:
        """Draws the circumstances of one burst. If `like` is given, the hand keeps its gesture."""
        gesture = like.shown if like else None
        beside = rng.spawn(1)[0]
        return Shot(
            shown=Presentation(
                x=float(rng.normal(0.5, 0.03)),
                y=float(rng.normal(0.58, 0.03)),
                span=float(rng.uniform(*self.span)),
                turn=float(rng.normal(0, self.turn)),
                pitch=float(rng.normal(0, self.lean)),
                yaw=float(rng.normal(0, self.lean)),
                spread=gesture.spread if gesture else float(rng.uniform(0.2, 0.8)),
                curl=gesture.curl if gesture else float(rng.uniform(0, 0.1)),
                light=float(rng.uniform(-180, 180)),
                noise=float(rng.uniform(*self.noise)),
                blur=float(rng.uniform(*self.blur)),
            ),
            room=Room(
                strength=float(np.exp(rng.uniform(*np.log(self.room)))),
                infrared=float(beside.uniform(0, self.daylight)),
                warmth=float(rng.uniform(-1, 1)),
                lens=float(rng.uniform(*self.lens)),
                crosstalk=spectra.crosstalk(rng),
            ),
            gain=float(beside.lognormal(0, self.gain)),
            soft=float(beside.uniform(*self.soft)),
            level=float(rng.uniform(*self.level)),
            drift=(float(rng.normal(0, self.drift)), float(rng.normal(0, self.drift))),
            flicker=float(rng.uniform(0, 0.02)),
            afterglow=float(rng.uniform(*self.afterglow)),
            jitter=float(rng.uniform(*self.jitter)),
        )


USUAL = Circumstances()
UNUSUAL = Circumstances(
    span=(0.33, 0.58),
    lean=8.0,
    turn=16.0,
    room=(0.08, 2.5),
    level=(0.1, 0.5),
    noise=(1.5, 4.0),
    blur=(0.0, 1.0),
    drift=13.0,
    lens=(0.85 * LENS, 1.2 * LENS),
    afterglow=(0.0, 0.08),
    gain=0.2,
    soft=(0.0, 1.8),
    daylight=0.4,
)
"""Nearer and farther, darker and brighter, with other lenses, and more motion and noise."""
EXTREME = replace(
    UNUSUAL,
    span=(0.30, 0.62),
    lean=10.0,
    turn=20.0,
    room=(0.05, 3.5),
    level=(0.08, 0.55),
    noise=(1.5, 5.0),
    blur=(0.0, 1.3),
    drift=17.0,
    lens=(0.8 * LENS, 1.3 * LENS),
)
"""Beyond the range in which the judge was fitted."""


@dataclass(frozen=True, slots=True)
class Case:
    """One burst; `instrument` is None for a living palm."""

    seed: int
    instrument: Instrument | None
    film: Film
    recorded: Callable[[], Recording]
    """Returns a pulse recording in plain white light; drawing it takes longer than all the rest."""


def cases(seed: int, within: Circumstances, living_bursts: int = 3) -> Iterator[Case]:
    """Yields bursts of a person's living hand, and one burst of each instrument that imitates
    it."""
    rng = np.random.default_rng((seed, 4))
    palm = identity(seed, list(Side)[seed % 2])
    first = within.shot(rng)
    for _ in range(living_bursts):
        yield alive(palm, within.shot(rng, like=first), rng)
    # An attacker may hold the instrument at any angle that helps.
    askew = replace(within, lean=2 * within.lean)
    for instrument in Instrument:
        shot = askew.shot(rng, like=first)
        lights = played(challenge(rng))
        prepared = prepare_attack(instrument, palm, shot, lights, rng)
        film_of_it = prepared.filmed(lights, rng)
        yield Case(seed, instrument, film_of_it, partial(prepared.recorded, rng.spawn(1)[0]))


def worn(seed: int, within: Circumstances) -> Iterator[Case]:
    """Yields a burst of a person's living hand in each state of its skin."""
    rng = np.random.default_rng((seed, 10))
    for state in State:
        yield alive(identity(seed, list(Side)[seed % 2], state), within.shot(rng), rng)


def alive(palm: DrawnPalm, shot: Shot, rng: np.random.Generator) -> Case:
    """Returns a living burst."""
    hand = living_hand(palm, shot, rng).palm_alone()
    film_of_it = film(palm, hand, shot, played(challenge(rng)), rng)
    aside = rng.spawn(1)[0]
    heart = Heart.of(aside)
    return Case(palm.seed, None, film_of_it, lambda: record(palm, hand, shot, aside, heart))


def living_hand(palm: DrawnPalm, shot: Shot, rng: np.random.Generator) -> Specimen:
    """Returns a living hand on one day. Blood and melanin vary between people, and in one person
    from day to day."""
    skin = spectra.SKIN * rng.lognormal(0, 0.03, (3, 1))
    colour = spectra.under_diodes(palm.tone.palmar * rng.lognormal(0, 0.03, 3), skin)
    colour = colour * rng.lognormal(0, 0.03, 3).astype(np.float32)
    wet = float(rng.uniform() ** 2)
    infrared = spectra.SKIN_850 * float(rng.spawn(1)[0].lognormal(0, 0.1))
    if palm.shine is not None:
        # A hand shines as its skin does that day, one more than another.
        wet = palm.shine + 0.1 * wet
    return living(palm, shot.shown, wet=wet, colour=colour, infrared=infrared)
