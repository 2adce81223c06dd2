"""Trains the encoder on drawn palms: `python -m lab.training`.

It needs PyTorch (the `training` extra). No picture of a real palm is read here.
"""
