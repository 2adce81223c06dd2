"""Memberships that people have linked to their palm."""
