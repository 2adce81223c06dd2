"""Renders specimens with Mitsuba 3, in an environment of its own (`./run render-attacks`)."""
