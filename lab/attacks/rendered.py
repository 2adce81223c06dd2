"""Has the judge of light look at specimens that another renderer has lit.

`python -m lab.attacks.rendered PROGRAM [--people N] [--json FILE]`, or `./run render-attacks`

The judge inverts the model of light by which `drawn.lit` draws. Mitsuba 3 shares nothing with it:
the palm is a mesh, the lamps have a size, places shade one another, the surface is Disney's. The
specimens are the same, and how they spread light beneath the surface: it is their normals in each
colour. Each is held straight before the lens; those that shine by themselves are left out. Both
judgements are told side by side.

PROGRAM is the Python of an environment that has Mitsuba and NumPy.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from drawn.anatomy import Field, array
from drawn.attack import Instrument, prepare_attack
from drawn.burst import JPEG_QUALITY, Shot, challenge, film, played
from drawn.circumstances import USUAL
from drawn.identity import DrawnPalm, identity
from drawn.lit import LAMPS, LENS, Specimen, living
from lab.attacks.instruments import species
from lab.attacks.staging import staging
from lab.sets import ROOT
from palm.hand.landmarks import Hand, Shown, Side
from palm.liveness import Light, LitFrame, judge

FIRST = 47_000
"""The seed of the first person. Of what is fitted, `lab.line_layout` alone uses these people, and
the judge of light knows nothing of it."""
PEOPLE = 3
SAMPLES = 2
"""The rays of each pixel and lamp."""

_RENDER = ROOT / "lab" / "renderer" / "render.py"
_FRAME, _CROP = 720, 432
_PALM = 95.6
_LEVEL = 0.3
_WANDER, _JITTER, _NOISE, _BLUR = 1.0, 0.006, 2.0, 0.6
"""The movement of the hand from frame to frame in pixels, the error of landmarks in palm lengths,
the noise in grey levels and the blur in pixels."""
_LIVING = "living"


@dataclass(frozen=True, slots=True)
class Judged:
    """One specimen, judged as either renderer shows it."""

    seed: int
    what: str
    recipe: str
    drawn: float
    rendered: float
    """The score; 0 or more is alive."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A specimen in front of the lens."""

    what: str
    recipe: str
    palm: DrawnPalm
    specimen: Specimen
    shot: Shot


def judged(seed: int, program: Path, folder: Path, only: Sequence[str] = ()) -> list[Judged]:
    """Judges all specimens of one person, or two living hands and those of some instruments."""
    held = list(_held(seed, only))
    files = [folder / f"{seed}-{number}.npz" for number in range(len(held))]
    for each, file in zip(held, files, strict=True):
        _write(each, file)
    subprocess.run(  # noqa: S603 - this project's own program
        [str(program), str(_RENDER), str(SAMPLES), *map(str, files)], check=True
    )
    found: list[Judged] = []
    for each, file in zip(held, files, strict=True):
        rng = np.random.default_rng([seed, *each.what.encode()])
        lights = played(challenge(rng))
        drawn = film(each.palm, each.specimen, each.shot, lights, rng).lit
        seen = np.load(file.with_suffix(".light.npz"))
        lit = _burst(each, lights, seen["lamps"], seen["room"], rng)
        scores = (judge(frames, LAMPS).score for frames in (drawn, lit))
        found.append(Judged(seed, each.what, each.recipe, *scores))
    return found


def _held(seed: int, only: Sequence[str]) -> Iterator[_Held]:
    rng = np.random.default_rng([seed, 9])
    palm = identity(seed, list(Side)[seed % 2])
    for _ in range(2):
        shot = USUAL.shot(rng)
        hand = living(palm, shot.shown, wet=float(rng.uniform() ** 2)).palm_alone()
        yield _Held(_LIVING, "", palm, hand, shot)
    lights = played(challenge(rng))
    for instrument in Instrument:
        if only and instrument not in only:
            continue
        shot = USUAL.shot(rng)
        made = prepare_attack(instrument, palm, shot, lights, rng)
        if instrument is not Instrument.INJECTED and not made.specimen.glow.any():
            yield _Held(instrument, "", palm, made.specimen, shot)
    for each in species():
        if only and each.name not in only:
            continue
        for recipe, present in each.recipes.items():
            staged = staging(seed, USUAL, lights, each.name + recipe)
            shown = present(staged)
            if shown.specimen is not None and not shown.specimen.glow.any():
                yield _Held(each.name, recipe, shown.palm, shown.specimen, staged.shot)


def _write(held: _Held, file: Path) -> None:
    specimen = held.specimen
    gloss = np.sqrt(np.sqrt(2 / (specimen.polish + 2)))
    np.savez(
        file,
        places=_from_lens(held, specimen.at),
        normals=np.array([_turned(held, each) for each in specimen.normal]),
        alpha=specimen.alpha,
        under_diodes=specimen.diode_colour,
        in_room=specimen.colour,
        roughness=gloss,
        specular=np.clip(12 * specimen.gloss, 0.01, 0.9),
        lamps=LAMPS,
        frame=_FRAME,
        crop=np.array(((_FRAME - _CROP) // 2, (_FRAME - _CROP) // 2, _CROP)),
        focal=LENS * _FRAME,
    )


def _turned(held: _Held, directions: Field) -> Field:
    """Returns (n, 3) directions of a left hand as the camera sees them: right, down, away."""
    flip = array((1 if held.palm.side is Side.LEFT else -1, -1, -1))
    return array(directions * flip)


def _from_lens(held: _Held, places: Field) -> Field:
    return _turned(held, places) + array((0, 0, LENS * _PALM / held.shot.shown.span))


def _burst(
    held: _Held,
    lights: list[Light],
    lamps: Field,
    room: Field,
    rng: np.random.Generator,
) -> list[LitFrame]:
    """Returns the frames of a burst of what was rendered."""
    joints = _from_lens(held, held.specimen.joints)
    marks = _FRAME / 2 + LENS * _FRAME * joints[:, :2] / joints[:, 2:]
    middle, edge = np.s_[_CROP // 2 - 20 : _CROP // 2 + 20], (_FRAME - _CROP) // 2
    strength, crosstalk = 0.5 * held.shot.room.strength, held.shot.room.crosstalk
    moved, gain = np.zeros(2), 0.0
    frames: list[LitFrame] = []
    for light in lights:
        lit = light[:, ::-1] @ crosstalk
        linear = np.einsum("kcyx,kc->yxc", lamps, lit) + strength * room.transpose(1, 2, 0)
        gain = gain or _LEVEL / float(linear[middle, middle].mean())
        whole = np.full((_FRAME, _FRAME, 3), 0.05, np.float32)
        whole[edge:-edge, edge:-edge] = linear * gain
        moved = moved + rng.normal(0, _WANDER, 2)
        shift = np.array(((1, 0, moved[0]), (0, 1, moved[1])))
        whole = cv2.warpAffine(whole, shift, (_FRAME, _FRAME), borderMode=cv2.BORDER_REPLICATE)
        whole = array(cv2.GaussianBlur(whole, (0, 0), _BLUR))
        grey = 255 * np.clip(whole, 0, 1) ** (1 / 2.2) + rng.normal(0, _NOISE, whole.shape)
        packed = cv2.imencode(
            ".jpg",
            np.clip(grey, 0, 255).astype(np.uint8),
            [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
        )[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        off = rng.normal(0, _JITTER * held.shot.shown.span * _FRAME, marks.shape)
        hand = Hand(
            landmarks=array(marks + moved + off),
            depth=np.zeros(len(marks), np.float32),
            world=np.zeros((len(marks), 3), np.float32),
            presence=1.0,
            side=held.palm.side,
            shown=Shown.PALM,
        )
        frames.append(LitFrame(image, hand, light))
    return frames


def told(found: list[Judged]) -> str:
    """Returns a table: of how many specimens each renderer's picture is judged alive."""
    rows = [f"{'':<36}{'':<34}{'drawn':>10}{'rendered':>10}"]
    for what, recipe in dict.fromkeys((each.what, each.recipe) for each in found):
        some = [each for each in found if (each.what, each.recipe) == (what, recipe)]
        drawn, rendered = (sum(score >= 0 for score in by) for by in _scores(some))
        of = len(some)
        rows.append(f"{what:<36}{recipe:<34}{f'{drawn}/{of}':>10}{f'{rendered}/{of}':>10}")
    return "\n".join(rows)


def _scores(some: list[Judged]) -> tuple[list[float], list[float]]:
    return [each.drawn for each in some], [each.rendered for each in some]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="render-attacks", description="Judges specimens that another renderer has lit."
    )
    parser.add_argument("program", type=Path, help="the Python that has Mitsuba")
    parser.add_argument("--people", type=int, default=PEOPLE, metavar="N")
    parser.add_argument(
        "--only", metavar="NAME", action="append", default=[], help="only this instrument"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(FIRST, FIRST + asked.people)
        found = [
            each for seed in seeds for each in judged(seed, asked.program, Path(folder), asked.only)
        ]
    print(told(found))  # noqa: T201 - the output of this command
    if asked.json:
        figures = [asdict(each) for each in found]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
