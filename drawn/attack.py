"""Physical models of presentation attack instruments (ISO/IEC 30107-3).

Each instrument is made from a living `Specimen` of which the attacker has a good photograph, and is
lit like everything else. How real instruments differ from the models is not known; see
docs/liveness.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from drawn import spectra
from drawn.anatomy import Field, array
from drawn.burst import Film, Glow, Shot, challenge, film, played
from drawn.heart import SIGNATURE, Heart, Recording, record
from drawn.identity import DrawnPalm
from drawn.lit import GRID, WHITE, Room, Specimen, living, response_of
from drawn.noise import clouds
from drawn.presentation import Presentation
from drawn.spectra import Spectra
from palm.liveness import Light


class Instrument(StrEnum):
    """The attack species; results are reported for each of them."""

    MATT_PRINT = "matt print"
    GLOSSY_PRINT = "glossy print"
    CURVED_PRINT = "print curved over a hand"
    PHONE = "phone screen"
    TABLET = "tablet video"
    ECHO = "screen that follows the light"
    CAST = "silicone cast"
    GLOVE = "plain glove"
    INJECTED = "injected recording"


def attack(
    instrument: Instrument,
    palm: DrawnPalm,
    shot: Shot,
    lights: Sequence[Light],
    rng: np.random.Generator,
) -> Film:
    """Returns a burst in which a stolen palm is presented by an instrument while the ring plays."""
    return prepare_attack(instrument, palm, shot, lights, rng).filmed(lights, rng)


@dataclass(frozen=True, slots=True)
class PreparedAttack:
    """An attack that has been prepared, and the circumstances of its presentation."""

    instrument: Instrument
    palm: DrawnPalm
    specimen: Specimen
    shot: Shot
    glow: Glow

    def filmed(self, lights: Sequence[Light], rng: np.random.Generator) -> Film:
        if self.instrument is Instrument.INJECTED:
            return _injected(self.palm, self.specimen, self.shot, lights, rng)
        return film(self.palm, self.specimen, self.shot, lights, rng, glow=self.glow)

    def recorded(self, rng: np.random.Generator) -> Recording:
        """Records the attack for the time of a pulse recording. What was filmed of a living person
        contains their pulse."""
        heart = Heart.of(rng)
        specimen, shot = self.specimen, self.shot
        match self.instrument:
            case Instrument.INJECTED:
                return record(self.palm, specimen, shot, rng, heart)
            case Instrument.TABLET:
                return record(
                    self.palm, specimen, shot, rng, None, glow=lambda at: heart(at) ** SIGNATURE
                )
            case _:
                return record(self.palm, specimen, shot, rng, None)


def prepare_attack(
    instrument: Instrument,
    palm: DrawnPalm,
    shot: Shot,
    lights: Sequence[Light],
    rng: np.random.Generator,
) -> PreparedAttack:
    """Prepares an attack with a stolen palm. For an injected recording the specimen is the living
    hand itself."""
    victim = living(palm, shot.shown, wet=float(rng.uniform(0, 0.6))).palm_alone()
    if instrument is Instrument.INJECTED:
        return PreparedAttack(instrument, palm, victim, shot, _dark)
    specimen, glow = _MAKES[instrument](Stolen(palm, victim, rng), lights)
    if instrument is Instrument.PHONE:
        # A phone's screen is smaller than a palm, and is held nearer to fill the view.
        small = float(rng.uniform(0.6, 0.85))
        specimen = replace(specimen, at=specimen.at * small)
        shot = replace(shot, room=replace(shot.room, lens=shot.room.lens * small))
    return PreparedAttack(instrument, palm, specimen, shot, glow)


@dataclass(frozen=True, slots=True)
class Stolen:
    """A palm as the attacker knows it, from a photograph."""

    palm: DrawnPalm
    victim: Specimen
    rng: np.random.Generator

    def photograph(self, lights: Sequence[Light] = (WHITE,)) -> list[Field]:
        """Returns one (h, w, 3) photograph per light, linear, 0 to 1, with a slightly wrong white
        balance."""
        rng = self.rng
        where = Presentation(span=float(rng.uniform(0.4, 0.6)), light=float(rng.uniform(-90, 90)))
        room = Room(strength=float(np.exp(rng.uniform(-1.5, 1.5))))
        response = response_of(self.victim, self.palm.side, where, room, (720, 1280))
        seen = [response.under(light) for light in (WHITE, *lights)]
        bright = rng.uniform(0.6, 0.95) / np.quantile(seen[0], 0.98)
        balance = bright * rng.lognormal(0, 0.04, 3)
        sharp = float(rng.uniform(0.1, 0.35)) * GRID
        around = rng.uniform(0.05, 0.9)
        pictures: list[Field] = []
        for linear in seen[1:]:
            picture = np.full((*self.victim.alpha.shape, 3), around, np.float32)
            inside = self.victim.alpha[self.victim.covered][:, None]
            picture[self.victim.covered] += (linear * balance - around) * inside
            pictures.append(array(np.clip(cv2.GaussianBlur(picture, (0, 0), sharp), 0, 1)))
        return pictures

    def photographed(self, sheet: Specimen) -> Field:
        """Returns the (n, 3) photograph at the places of a sheet."""
        return self.photograph()[0][sheet.covered]

    def sheet(self) -> Specimen:
        """Returns a flat sheet of the picture's size, slightly bent, and in half of all cases cut
        out along the hand."""
        rng, victim = self.rng, self.victim
        alpha = victim.alpha if rng.random() < 0.5 else np.ones_like(victim.alpha)
        rows, columns = np.nonzero(alpha > 0)
        x, y = ((columns + 0.5) - victim.centre[0]) / GRID, (victim.centre[1] - rows - 0.5) / GRID
        turn, bend = rng.uniform(0, np.pi), rng.choice((-1, 1)) / np.exp(rng.uniform(5.7, 8.0))
        along = x * np.cos(turn) + y * np.sin(turn)
        at = np.stack([x, y, 0.5 * bend * along**2], axis=1)
        slope = -bend * along
        normal = np.stack([slope * np.cos(turn), slope * np.sin(turn), np.ones_like(x)], axis=1)
        return self._plain(alpha, array(at), unit(array(normal)))

    def wrapped(self, stiffness: float) -> Specimen:
        """Returns a cover over the hand that follows its shape down to details of `stiffness`
        mm."""
        victim = self.victim
        normal = unit(smoothed(victim, victim.facet, stiffness))
        return self._plain(victim.alpha, victim.at, normal)

    def _plain(self, alpha: Field, at: Field, normal: Field) -> Specimen:
        white = np.ones_like(at)
        return Specimen(
            alpha=alpha,
            centre=self.victim.centre,
            joints=self.victim.joints,
            at=at,
            normal=np.broadcast_to(normal, (3, *normal.shape)),
            facet=normal,
            colour=white,
            diode_colour=white,
            glow=np.zeros_like(at),
            infrared=white[:, 0],
            infrared_normal=normal,
            wrap=np.zeros(3, np.float32),
            gloss=0.0,
            polish=10.0,
        )


_Made = tuple[Specimen, Glow]

_NEAR = 30.0
"""The distance from the palm's centre within which its colour is measured, in mm."""
_DYES = array([(0.75, 0.78, 0.8), (0.6, 0.35, 0.15), (0.04, 0.04, 0.04), (0.45, 0.6, 0.7),
               (0.25, 0.36, 0.62)])  # fmt: skip
"""White, nitrile blue, black, natural rubber, skin-coloured."""


def _matt(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    del lights
    gloss, polish = stolen.rng.uniform((0.0, 4.0), (0.02, 12.0))
    sheet = stolen.sheet()
    return printed(stolen.rng, sheet, stolen.photographed(sheet), gloss=gloss, polish=polish), _dark


def _glossy(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    del lights
    gloss, polish = stolen.rng.uniform(0.025, 0.05), np.exp(stolen.rng.uniform(5.0, 7.3))
    sheet = stolen.sheet()
    picture = stolen.photographed(sheet)
    return printed(stolen.rng, sheet, picture, gloss=float(gloss), polish=float(polish)), _dark


def _curved(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    """Returns paper bent over a hand, or the thin skin of a printed glove."""
    del lights
    rng = stolen.rng
    cover = stolen.wrapped(float(np.exp(rng.uniform(0.4, 2.5))))
    gloss, polish = rng.uniform((0.0, 4.0), (0.04, 60.0))
    return printed(rng, cover, stolen.photographed(cover), gloss=gloss, polish=polish), _dark


def printed(
    rng: np.random.Generator,
    sheet: Specimen,
    picture: Field,
    *,
    gloss: float,
    polish: float,
    carbon: float | None = None,
) -> Specimen:
    """Prints an (n, 3) photograph on a white sheet: contrast and colour are reduced, and the inks
    have their own spectrum. `carbon` is the share of the print's density that is left at 850 nm;
    None stands for that of any printer."""
    grey = picture.mean(axis=1, keepdims=True)
    faded = picture + (grey - picture) * rng.uniform(0.0, 0.15)
    black, white = rng.uniform((0.02, 0.7), (0.06, 0.9))
    reflects = black + (white - black) * faded ** rng.uniform(0.85, 1.2)
    # Add paper fibres and uneven dots of ink.
    reflects *= rng.normal(1, rng.uniform(0.005, 0.03), (len(reflects), 1))
    ink = changed(sheet, array(reflects), spectra.INK, rng)
    beside = rng.spawn(1)[0]
    some = spectra.CARBON_850[beside.integers(3)] * beside.uniform(0.7, 1)
    kept = some if carbon is None else carbon
    fibres = beside.normal(1, 0.01, len(reflects))
    return replace(
        sheet,
        colour=array(reflects),
        diode_colour=array(np.clip(reflects * ink, 0, 0.95)),
        infrared=array(
            beside.uniform(*spectra.PAPER_850) * (reflects[:, 1] / white) ** kept * fibres
        ),
        gloss=gloss,
        polish=polish,
    )


def changed(sheet: Specimen, reflects: Field, material: Spectra, rng: np.random.Generator) -> Field:
    """Returns the (3,) factors by which the diodes change the colour of the palm's middle."""
    near = np.hypot(sheet.at[:, 0], sheet.at[:, 1]) < _NEAR
    middle = array(np.clip(np.median(reflects[near], axis=0), 0.03, 0.9))
    another = material * rng.lognormal(0, 0.03, (3, 1))
    return spectra.under_diodes(middle, another) * array(rng.lognormal(0, 0.03, 3))


def _phone(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    """Returns a screen that shows a photograph."""
    del lights
    return screen(stolen, stolen.photograph()[0]), _flickering(stolen.rng)


def _tablet(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    """Returns a screen that plays a video of the palm. Half of the videos were taken while a ring
    played another challenge."""
    rng = stolen.rng
    if rng.random() < 0.5:
        return screen(stolen, stolen.photograph()[0]), _flickering(rng)
    other = played(challenge(rng))
    pictures = stolen.photograph([WHITE, *other])
    tablet = screen(stolen, pictures[0])
    usual = np.maximum(pictures[0][tablet.covered], 0.01)
    video = [picture[tablet.covered] / usual for picture in pictures[1:]]
    start = int(rng.integers(len(video)))
    return tablet, lambda k: video[(start + k) % len(lights) % len(video)]


def _echo(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    """Returns a screen that imitates the ring: it shines in the mean of its colours, one or two
    frames late."""
    rng = stolen.rng
    late, follows = int(rng.integers(1, 3)), rng.uniform(0.4, 0.8)
    colours = [light.mean(axis=0)[::-1] / WHITE.mean() for light in lights]

    def glow(k: int) -> Field:
        return array(1 - follows + follows * colours[max(k - late, 0)])

    return screen(stolen, stolen.photograph()[0]), glow


def screen(stolen: Stolen, picture: Field) -> Specimen:
    """Returns a glass plate over a picture that emits light, with moire between its pixels and the
    camera's."""
    rng = stolen.rng
    sheet = stolen.sheet()
    flat = np.broadcast_to(array((0, 0, 1)), sheet.at.shape)
    across, along = rng.normal(0, 0.6, 2)
    waves = np.sin((sheet.at[:, :1] * across + sheet.at[:, 1:2] * along) * np.pi)
    shines = picture[sheet.covered] * (1 + rng.uniform(0, 0.05) * waves)
    brightness = np.exp(rng.uniform(-0.7, 0.9))
    dull = np.full_like(shines, rng.uniform(0.003, 0.02))
    return replace(
        sheet,
        normal=np.broadcast_to(flat, (3, *flat.shape)),
        facet=flat,
        colour=dull,
        diode_colour=dull,
        infrared=np.full(len(flat), rng.spawn(1)[0].uniform(*spectra.PANEL_850), np.float32),
        infrared_normal=flat,
        glow=array(0.5 * brightness * shines),
        gloss=float(rng.uniform(0.005, 0.045)),
        polish=float(np.exp(rng.uniform(4.6, 8.0))),
    )


def _flickering(rng: np.random.Generator) -> Glow:
    deviation = float(rng.uniform(0, 0.03))
    return lambda _: float(rng.normal(1, deviation))


def _cast(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    """Returns a silicone cast of the true shape, tinted and painted like skin. Light spreads
    farther in it than in skin, and nearly as far in blue as in red, depending on its pigments."""
    del lights
    rng, victim = stolen.rng, stolen.victim
    near = np.hypot(victim.at[:, 0], victim.at[:, 1]) < _NEAR
    middle = np.median(victim.colour[near], axis=0) * rng.lognormal(0, 0.06, 3)
    # Painted by hand: the lines and the flush of the skin are partly there.
    painted = rng.uniform(0.0, 0.8)
    colour = middle * (victim.colour / np.median(victim.colour[near], axis=0)) ** painted
    detail = smoothed(victim, victim.facet, float(rng.uniform(0.1, 0.4)))
    reach, redder = rng.uniform((0.5, 1.0), (1.5, 1.5))
    inner = [smoothed(victim, detail, float(reach * redder**k)) for k in range(3)]
    tint = changed(victim, colour, spectra.PIGMENT, rng)
    beside = rng.spawn(1)[0]
    lines = victim.colour[:, 1] / np.median(victim.colour[near, 1])
    stays = painted * beside.uniform(*spectra.SILICONE_KEEPS)
    return (
        replace(
            victim,
            normal=array(inner),
            facet=detail,
            colour=array(colour),
            diode_colour=array(np.clip(colour * tint, 0, 0.95)),
            infrared=array(beside.uniform(*spectra.SILICONE_850) * lines**stays),
            infrared_normal=array(inner[2]),
            wrap=np.full(3, rng.uniform(0.15, 0.35), np.float32),
            gloss=float(rng.uniform(0.02, 0.06)),
            polish=float(np.exp(rng.uniform(2.3, 4.4))),
        ),
        _dark,
    )


def _glove(stolen: Stolen, lights: Sequence[Light]) -> _Made:
    del lights
    rng, victim = stolen.rng, stolen.victim
    which = rng.integers(len(_DYES))
    dye = _DYES[which] * rng.lognormal(0, 0.05, 3)
    cover = stolen.wrapped(float(rng.uniform(1.0, 4.0)))
    folds = np.stack(
        [clouds(rng, (h, w), 4 * GRID, 2) for h, w in [victim.alpha.shape] * 2], axis=-1
    )[victim.covered]
    normal = cover.facet.copy()
    normal[:, :2] += rng.uniform(0.02, 0.12) * folds
    normal = unit(normal)
    colour = array(np.broadcast_to(dye, normal.shape) * rng.normal(1, 0.02, (len(normal), 1)))
    gloss, polish = rng.uniform((0.0, 5.0), (0.05, 60.0))
    return (
        replace(
            cover,
            normal=np.broadcast_to(normal, (3, *normal.shape)),
            facet=normal,
            colour=colour,
            infrared=array(
                spectra.GLOVES_850[which] * rng.spawn(1)[0].normal(1, 0.02, len(normal))
            ),
            infrared_normal=normal,
            diode_colour=array(
                np.clip(colour * changed(cover, colour, spectra.PLASTIC, rng), 0, 0.95)
            ),
            wrap=np.full(3, rng.uniform(0, 0.1), np.float32),
            gloss=float(gloss),
            polish=float(polish),
        ),
        _dark,
    )


def _injected(
    palm: DrawnPalm,
    victim: Specimen,
    shot: Shot,
    lights: Sequence[Light],
    rng: np.random.Generator,
) -> Film:
    """Returns a burst of the living hand that was recorded under another challenge."""
    recorded = film(palm, victim, shot, played(challenge(rng))[: len(lights)], rng)
    claimed = zip(recorded.lit, lights, strict=True)
    return replace(recorded, lit=[replace(frame, light=light) for frame, light in claimed])


def _dark(_: int) -> float:
    return 0.0


def smoothed(specimen: Specimen, normal: Field, width: float) -> Field:
    """Returns the (n, 3) normals, blurred along the surface with a deviation of `width` mm."""
    lying = np.zeros((*specimen.alpha.shape, 4), np.float32)
    lying[specimen.covered, :3] = normal
    lying[specimen.covered, 3] = 1
    lying = array(cv2.GaussianBlur(lying, (0, 0), width * GRID))[specimen.covered]
    return lying[:, :3] / lying[:, 3:]


def unit(normal: Field) -> Field:
    """Returns the (n, 3) normals at a length of 1."""
    return normal / np.sqrt((normal * normal).sum(axis=1, keepdims=True))


_MAKES: dict[Instrument, Callable[[Stolen, Sequence[Light]], _Made]] = {
    Instrument.MATT_PRINT: _matt,
    Instrument.GLOSSY_PRINT: _glossy,
    Instrument.CURVED_PRINT: _curved,
    Instrument.PHONE: _phone,
    Instrument.TABLET: _tablet,
    Instrument.ECHO: _echo,
    Instrument.CAST: _cast,
    Instrument.GLOVE: _glove,
}
