"""Measures the cues by which a living palm and an attack instrument differ under the ring's light.

No cue is enough by itself; `palm.liveness.judge` combines them.
"""

from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from palm.liveness.response import CELLS, Floats, Palm, centred, ring_share

_ROUNDS = 2
_RIM = 6
_DARK = 0.02
"""The share of the ring in the light below which a frame shows the room's light only."""
_LIT_FRAMES_AT_LEAST = 4
_FINE, _COARSE = 0.8, 4.0
"""The Gaussian deviations, in pixels, between which the palm's lines lie."""
_BLUE_AT_LEAST = 1.18
"""The least that counts of the lines' contrast in blue over that in all colours. Clean drawn skin
has 1.26 with a deviation of 0.02, which is less than real skin may vary; grease and ink upon it
have lines of other colours, and bring it down to 1.1."""


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of one burst. Logarithms are natural."""

    unexplained: float
    """The log of the share of all change from frame to frame that the ring's light on a matt
    surface does not explain: near -7 for a hand, near 0 for a recording made under another
    challenge."""
    share: float
    """The log of the ring's share in the light that comes from the palm under the brightest step,
    relative to that share for a hand in a dark room. A screen emits light of its own, so the ring's
    share is small."""
    shape: float
    """The log of the deviation of surface slopes over the palm. A sheet is flat, and glass is not
    matt."""
    lumps: float
    """The log of the deviation of slopes that remains after an even bend is removed. Paper bends in
    one direction only."""
    relief: float
    """The apparent movement of the palm's lines toward the light, in blue and green. A furrow's far
    wall is lit and its near wall is not; print does not do that."""
    certainty: float
    """`relief` over its standard error, limited to -10 to 10."""
    bleed: float
    """Relief in red over `relief`. Red light fills furrows from beneath the skin."""
    red: float
    """The log of red over green reflectance, as the ring's diodes are seen. Blood absorbs green
    light and not red."""
    blue: float
    """The log of blue over green reflectance."""
    contrast: float
    """The log of the deviation of the palm's lines."""
    red_contrast: float
    """The contrast of the lines in red over that in all colours."""
    blue_contrast: float
    """The contrast of the lines in blue over that in all colours, 1.18 or more."""
    gloss: float
    """The log of the reflectance of the palm's brightest places over its median."""

    def array(self) -> npt.NDArray[np.float64]:
        """Returns the (13,) cues in the order of the fields."""
        return np.array([getattr(self, each.name) for each in fields(self)])


@dataclass(frozen=True, slots=True)
class _Fit:
    """The response of the n cells that are not burnt out."""

    reflectance: Floats
    """(n, 3) reflectance in blue, green and red."""
    slope: Floats
    """(n, 2) components of the surface's normal to the right and down, relative to that toward the
    ring."""
    places: Floats
    """(n, 2) positions in mm, right and down."""
    unexplained: float
    brightest: float
    """The ring's share in the light, see `Cues.share`."""


def cues(palm: Palm) -> Cues:
    """Returns the cues of a registered burst."""
    fit = _fit_response(palm)
    slope = fit.slope - np.median(fit.slope, axis=0)
    across = np.column_stack([fit.places / 100, np.ones(len(slope))])
    even = across @ np.linalg.lstsq(across, slope, rcond=None)[0]
    blue, green, red = np.median(fit.reflectance, axis=0)
    level = fit.reflectance.mean(axis=1)
    lines = _lines(palm)
    return Cues(
        unexplained=_log(fit.unexplained, 1e-4),
        share=_log(fit.brightest, 1e-3),
        shape=_log(float(np.sqrt((slope**2).mean())), 1e-2),
        lumps=_log(float(np.sqrt(((slope - even) ** 2).mean())), 1e-2),
        relief=lines.relief,
        certainty=lines.certainty,
        bleed=lines.bleed,
        red=_log(red / green, 0.05),
        blue=_log(blue / green, 0.05),
        contrast=_log(lines.contrast, 1e-3),
        red_contrast=lines.red_contrast,
        blue_contrast=max(lines.blue_contrast, _BLUE_AT_LEAST),
        gloss=_log(float(np.quantile(level, 0.95) / np.median(level)), 0.05),
    )


def _log(value: float, least: float) -> float:
    return float(np.log(max(value, least)))


def _fit_response(palm: Palm) -> _Fit:
    """Fits reflectance and slope of every cell in turn, starting from a surface that faces the
    ring."""
    seen, usable = _cell_means(palm)
    drive, places = palm.drive[:, usable], palm.places[usable]
    facing = slope = -places[:, :2] / places[:, 2:]
    change = centred(seen)
    total = float((change**2).sum()) + 1e-12
    reflectance = lit = left = np.zeros_like(seen)
    for again in range(_ROUNDS + 1):
        lit = drive[..., 2] + np.einsum("tpcd,pd->tpc", drive[..., :2], slope)
        moved = centred(lit)
        reflectance = (moved * change).sum(axis=0) / np.maximum((moved**2).sum(axis=0), 1e-9)
        left = change - reflectance * moved
        if again == _ROUNDS:
            break
        aside = centred(drive[..., :2]) * reflectance[..., None]
        normal = np.einsum("tpcd,tpce->pde", aside, aside)
        normal += (1e-3 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-12) * np.eye(2)
        toward = np.einsum("tpcd,tpc->pd", aside, left)
        slope = slope + np.linalg.solve(normal, toward[..., None])[..., 0]
    reflectance = np.maximum(reflectance, 1e-4)
    ring = (reflectance * lit).mean(axis=(1, 2))
    whole = seen.mean(axis=(1, 2))
    step = int(ring.argmax())
    return _Fit(
        reflectance=reflectance,
        slope=slope - facing,
        places=places[:, :2],
        unexplained=float((left**2).sum()) / total,
        brightest=float(ring[step] / max(whole[step], 1e-4)),
    )


def _cell_means(palm: Palm) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Returns the (T, n, 3) means of the cells of which most pixels are usable, and the (CELLS *
    CELLS,) mask of those cells. Takes all cells when too few are usable."""
    weight = palm.valid.astype(np.float32)
    share = _pooled(weight)
    usable = share.ravel() > 0.5
    if usable.sum() < CELLS:
        usable = np.ones_like(usable)
    sums = np.array([_pooled(image * weight[..., None]) for image in palm.seen])
    mean = sums / np.maximum(share, 1e-3)[..., None]
    return mean.reshape(len(sums), -1, 3)[:, usable].astype(np.float64), usable


def _pooled(image: Floats) -> Floats:
    """Returns the (CELLS, CELLS, ...) means over the cells of an image."""
    return np.asarray(cv2.resize(image, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float64)


@dataclass(frozen=True, slots=True)
class _Lines:
    relief: float
    certainty: float
    bleed: float
    contrast: float
    red_contrast: float
    blue_contrast: float


def _lines(palm: Palm) -> _Lines:
    """Measures how far the palm's lines seem to move from frame to frame in each colour.

    When the hand moves, the lines move alike in all colours. When the light comes from a different
    direction in each colour, relief moves them in each colour toward its light, in proportion to
    the slopes of the furrows, which are darkest where they are deepest. Both movements together are
    linear in the unknowns and are fitted by regularised least squares.
    """
    frames = len(palm.seen)
    inside = palm.valid.copy()
    inside[:_RIM] = inside[-_RIM:] = False
    inside[:, :_RIM] = inside[:, -_RIM:] = False
    fine = np.array([_line_band(np.log(image + 0.003)) for image in palm.seen])
    average = fine.mean(axis=0)
    pattern = average.mean(axis=2)
    slopes = np.stack(
        [cv2.Sobel(pattern, cv2.CV_32F, *axis, scale=1 / 8)[inside] for axis in ((1, 0), (0, 1))]
    ).astype(np.float64)
    change = (fine - average)[:, inside]
    inverse = np.linalg.inv(slopes @ slopes.T + 1e-6 * np.eye(2))
    # (T, 3, 2) movement by frame and colour, right and down, in pixels of the mean pattern.
    moved = np.einsum("de,en,tnc->tcd", inverse, slopes, change)
    flat = pattern[inside]
    contrast = (average[inside].T @ flat) / max(float(flat @ flat), 1e-6)

    drive = palm.drive.mean(axis=1)
    seen = palm.seen[:, inside].mean(axis=1)
    reflectance, ring = ring_share(seen, drive[..., 2])
    used = ring.max(axis=1) > _DARK
    if used.sum() < _LIT_FRAMES_AT_LEAST:
        return _Lines(0.0, 0.0, 1.0, float(flat.std()), float(contrast[2]), float(contrast[0]))
    aside = (drive[..., :2] * reflectance[:, None] / np.maximum(seen, 1e-3)[..., None]) @ palm.axes
    moved, aside, room = (centred(each[used]) for each in (moved, aside, np.maximum(1 - ring, 0)))
    frames = len(moved)
    # The unknowns are the hand's movement in each frame, the relief in each colour, and the effect
    # of the room's light in each colour.
    columns = np.zeros((frames, 3, 2, 2 * frames + 3 + 6))
    for t in range(frames):
        for d in range(2):
            columns[t, :, d, 2 * t + d] = contrast
    for c in range(3):
        columns[:, c, :, 2 * frames + c] = -aside[:, c]
        for d in range(2):
            columns[:, c, d, 2 * frames + 3 + 2 * c + d] = room[:, c]
    matrix, goal = columns.reshape(-1, columns.shape[-1]), moved.ravel()
    normal = matrix.T @ matrix
    covariance = np.linalg.inv(normal + 1e-5 * np.eye(len(normal)))
    solution = covariance @ (matrix.T @ goal)
    degrees_of_freedom = max(len(goal) - len(solution), 1)
    deviation = float(((goal - matrix @ solution) ** 2).sum()) / degrees_of_freedom
    toward = solution[2 * frames : 2 * frames + 3]
    weights = np.array((0.5, 0.5, 0.0))
    error = np.sqrt(
        weights
        @ covariance[2 * frames : 2 * frames + 3, 2 * frames : 2 * frames + 3]
        @ weights
        * deviation
    )
    relief = float(weights @ toward)
    return _Lines(
        relief=float(np.clip(relief, -3, 3)),
        certainty=float(np.clip(relief / (float(error) + 1e-3), -10, 10)),
        bleed=float(np.clip(toward[2] / max(abs(relief), 0.25), -1, 2)),
        contrast=float(flat.std()),
        red_contrast=float(contrast[2]),
        blue_contrast=float(contrast[0]),
    )


def _line_band(image: Floats) -> Floats:
    """Returns the (SIZE, SIZE, 3) band of the image in which the palm's lines lie."""
    image = image.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(image, (0, 0), width) for width in (_FINE, _COARSE))
    return np.asarray(fine - coarse, np.float32)
