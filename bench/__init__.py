"""Measures the figures that the README quotes; each module has a `measure` function."""
