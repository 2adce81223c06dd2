"""Presentation attack detection (ISO/IEC 30107-1): a living palm told from a thing made to look
like one, by how it answers to a light that could not be foreseen.

The ring about the lens plays a random sequence while the burst is taken. `judge` is given the
burst and the sequence.
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
