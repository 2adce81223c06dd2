"""Codes under a secret transform, and the exact search among a million of them."""
