"""Drivers for everything attached to the kiosk: real, replayed and simulated devices."""
