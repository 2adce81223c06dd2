"""What kiosk and service must agree on: what crosses the wire, and how each keeps its keys."""

VERSION = "0.1.0"
"""The version of the whole product; pyproject.toml reads it from here."""
