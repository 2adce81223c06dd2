"""Drivers of everything attached to the kiosk: each real, replayed or simulated."""
