"""Measures recognition accuracy, and reports it in the manner of ISO/IEC 19795-1:2021.

`python -m lab.evaluate DIR` reads a folder of HAND/SAMPLE images, extracts a template from each,
makes every allowed comparison, and reports error rates with confidence intervals. The intervals
take into account that the comparisons of one person are not independent.
"""
