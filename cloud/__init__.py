"""The signature service: accounts, palms, purchases and their deletion, behind a signed API."""

__version__ = "0.1.0"
