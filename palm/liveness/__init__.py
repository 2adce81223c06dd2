"""Presentation attack detection (ISO/IEC 30107-1): is the palm that is shown alive?

The ring around the lens plays a random light sequence while the burst is taken. `judge` receives
the burst and the sequence.

- `response` registers a burst and relates it to the light of the ring.
- `cues` measures what distinguishes a living palm from an attack instrument.
- `judge` combines the cues into a verdict on the burst.
- `infrared` judges near-infrared pictures against a colour picture.
- `pulse` judges a short recording of a palm that is held still.
- `relief` is the picture of a palm's furrows, and `signed` compares it and the veins with those of
  the enrolled palm.
- `same_palm` compares the palms of two frames of a burst.
- `weights` and `infrared_weights` hold the fitted weights, written by `lab.liveness`.
"""

from palm.liveness.cues import Cues
from palm.liveness.infrared import InfraredCues, InfraredVerdict, Still, judge_infrared
from palm.liveness.judge import SURE, Unjudgeable, Verdict, judge
from palm.liveness.response import Lamps, Light, LitFrame

__all__ = [
    "SURE",
    "Cues",
    "InfraredCues",
    "InfraredVerdict",
    "Lamps",
    "Light",
    "LitFrame",
    "Still",
    "Unjudgeable",
    "Verdict",
    "judge",
    "judge_infrared",
]
