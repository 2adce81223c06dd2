"""The relief of a palm, from a burst under the ring: furrows, whatever colour they have.

A burst is photometric stereo (`palm.liveness.response`): where light comes from one side, the wall
of a furrow that faces it is brighter than the other. In each step of a challenge each primary
comes from a half of the ring of its own, so every pair of frames holds differences of oppositely
lit pictures. From them the slope of each place is fitted, and from the slopes the height is
integrated (Frankot and Chellappa, "A method for enforcing integrability in shape from shading
algorithms", 1988).

Lines that are only drawn on a surface are not in its relief, and a surface shows its own furrows
through whatever is drawn on it. So the relief is signed and compared as the lines are: its picture
is an ROI in which furrows are dark.
"""

import cv2
import numpy as np

from palm.hand.roi import Roi
from palm.liveness.response import SIZE, Floats, Palm, ring_share

_FINE, _COARSE = 0.8, 5.0
"""The Gaussian deviations in pixels between which furrows lie."""
_SHADE = 8.0
"""The deviation in pixels of the shape of the hand, which is no relief."""
_DARK = 0.02
"""The share of the ring in the light below which a frame shows the room's light only."""
_LIT_FRAMES_AT_LEAST = 4
_TRUST = np.array((1.0, 1.0, 0.35))
"""How much relief is seen in blue, green and red: red light fills furrows from beneath."""
_ROUNDS = 3
_FLAT = 1e-2
"""Keeps the widest waves from growing when slopes are integrated."""
_CONTRAST = 25.0
"""The grey levels of one deviation of height in the picture."""


def relief(palm: Palm) -> Roi:
    """Returns the picture of a burst's relief, in the pose of the palm's ROI."""
    height = _height(_slopes(palm))
    height -= cv2.GaussianBlur(height, (0, 0), _SHADE)
    height /= max(float(height.std()), 1e-9)
    grey = np.clip(128 + _CONTRAST * height, 1, 254)
    return Roi(np.asarray(grey, np.uint8), None, quality=1.0)


def _slopes(palm: Palm) -> Floats:
    """Returns the (2, SIZE, SIZE) slopes of the surface, right and down, up to one factor.

    What changes from frame to frame is explained by the slopes, by a contrast of the lines in each
    frame and colour, and by a movement of the lines in each frame. The three are fitted in turn.
    Contrasts and movements change the slopes by a few fixed pictures only, so all turns are taken
    with the products of these pictures.
    """
    drive, seen = palm.drive.mean(axis=1), palm.seen[:, palm.valid].mean(axis=1)
    reflectance, ring = ring_share(seen, drive[..., 2])
    lit = ring.max(axis=1) > _DARK
    if lit.sum() < _LIT_FRAMES_AT_LEAST:
        # What does not answer the ring shows no relief.
        return np.zeros((2, SIZE, SIZE))
    toward = (drive[..., :2] * reflectance[:, None] / np.maximum(seen, 1e-3)[..., None]) @ palm.axes
    toward = toward[lit] - toward[lit].mean(axis=0)
    # A frame with more light has less noise.
    weight = np.sqrt(np.minimum(seen[lit], 0.5) * _TRUST)
    fine = np.array([_band(np.log(image + 0.003)) for image in palm.seen[lit]])
    lines = fine.mean(axis=0)
    pattern = lines.mean(axis=2)
    moving = [cv2.Sobel(pattern, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))]
    # Three colours of the lines, then two movements: (5, SIZE * SIZE).
    pictures = np.stack([*cv2.split(lines), *moving]).reshape(5, -1)
    change = np.ascontiguousarray((fine - lines).transpose(0, 3, 1, 2)).reshape(-1, SIZE * SIZE)
    usable = (pictures * palm.valid.ravel()).T
    steep = _steepest(toward, weight)
    bare = steep.reshape(2, -1).astype(np.float32) @ change
    seen_in = (change @ usable).reshape(-1, 3, 5)
    bare_in, among = bare @ usable, pictures @ usable
    power = np.diag(among)[:3] + 1e-6
    still = np.linalg.inv(among[3:, 3:] + 1e-6 * np.eye(2))
    share = weight / weight.sum(axis=1, keepdims=True)
    taken = np.zeros((2, 5))
    for _ in range(_ROUNDS):
        left = seen_in - toward @ (bare_in - taken @ among)
        contrast = np.einsum("tcc->tc", left[..., :3]) / power
        moved = np.einsum("tc,tcd->td", share, left[..., 3:] - contrast[..., None] * among[:3, 3:])
        taken = np.concatenate(
            [
                np.einsum("etc,tc->ec", steep, contrast),
                np.einsum("etc,td->ed", steep, moved @ still),
            ],
            axis=1,
        )
    return (bare - taken @ pictures).reshape(2, SIZE, SIZE)


def _steepest(toward: Floats, weight: Floats) -> Floats:
    """Returns (2, T, 3): the slopes as weighted sums of what changes in each frame and colour, by
    least squares."""
    aside = (toward * weight[..., None]).reshape(-1, 2)
    fitted = np.linalg.inv(aside.T @ aside + 1e-6 * np.eye(2)) @ aside.T
    return fitted.reshape(2, *weight.shape) * weight


def _height(slopes: Floats) -> Floats:
    """Integrates slopes. A surface that falls away from the light on both sides is a ridge."""
    down = 2 * np.pi * np.fft.fftfreq(SIZE)[:, None]
    right = 2 * np.pi * np.fft.fftfreq(SIZE)[None]
    edge = np.hanning(SIZE) ** 0.25
    across, along = np.fft.fft2(slopes * np.outer(edge, edge))
    whole = 1j * (right * across + down * along) / (right**2 + down**2 + _FLAT)
    return np.fft.ifft2(whole).real


def _band(image: Floats) -> Floats:
    image = image.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(image, (0, 0), width) for width in (_FINE, _COARSE))
    return np.asarray(fine - coarse, np.float32)
