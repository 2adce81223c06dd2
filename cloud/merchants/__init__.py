"""Merchants and their devices."""
