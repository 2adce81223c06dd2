"""An access controller's panel, simulated, to see a door working and to try a kiosk with.

It is a program of its own beside the product.
"""
