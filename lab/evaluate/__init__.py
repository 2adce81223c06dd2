"""How well palms are told apart, reported in the manner of ISO/IEC 19795-1:2021.

`python -m lab.evaluate DIR` reads a folder of HAND/SAMPLE images, makes a template of each,
compares every two of them that may be compared, and says how often that failed, with intervals
that respect that the comparisons of one person are not independent.
"""
