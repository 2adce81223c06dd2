"""Teaching the encoder on palms the factory drew: `python -m lab.training`.

Needs PyTorch (the `training` extra). No picture of a real palm is read here.
"""
