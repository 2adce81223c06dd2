"""How fast aligned palms are drawn for training."""

import time

import cv2
import numpy as np

from bench.figure import Figure
from drawn.roi import Placement, jittered, show, swatch
from palm.hand.landmarks import Side

PEOPLE = 10
PICTURES = 100
"""The number of pictures of each person, which is fewer than a training uses."""


def measure() -> list[Figure]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        swatch(0, Side.RIGHT)
        # Processor time does not depend on how busy the machine is.
        start = time.process_time()
        skins = [swatch(person, Side.RIGHT) for person in range(PEOPLE)]
        grown = time.process_time() - start
        rng = np.random.default_rng(0)
        start = time.process_time()
        for skin in skins:
            for number in range(PICTURES):
                infrared, harsh = number % 4 == 0, rng.random()
                show(skin, rng, jittered(Placement(), rng), infrared, harsh)
        shown = time.process_time() - start
    finally:
        cv2.setNumThreads(threads)
    pictures = PEOPLE * PICTURES
    how = f"{PEOPLE} people, {PICTURES} pictures of each, any harshness, a quarter in near infrared"
    whole = pictures / (grown + shown)
    return [
        Figure("training ROIs a second, one core", whole, "/s", how, 500, at_least=True),
        Figure("  presentation alone", pictures / shown, "/s", how),
        Figure("  a person's skin", 1000 * grown / PEOPLE, "ms", f"{PEOPLE} people"),
    ]
