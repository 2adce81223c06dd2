"""Measures how often drawn attacks pass as living hands, in the manner of ISO/IEC 30107-3.

`python -m lab.attacks [--people N] [--json FILE] [--pulse] [--only NAME]`

Every presentation is judged by its light, by near infrared, by both, and as the service decides:
where the answer is alive but not sure, the pulse is asked for as well. That is done with and
without near infrared.

APCER is the share of an instrument's presentations that are judged alive, reported for each
instrument by its worst recipe; IAPMR is the share that is judged alive and found to be the victim's
palm; BPCER is the share of living hands that are not judged alive. The threshold of the judge is
fixed. The people are not those that it was fitted to, and a third of the bursts are taken in
circumstances that were not used for fitting. Intervals are bootstrapped over people
(`palm.rates`).

The instruments of `drawn.attack` are those that the judge is fitted to; their rates are also given
by weights without the instrument itself. Those in `lab.attacks.instruments` are in no fit.
"""
