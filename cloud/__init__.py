"""The signature service: accounts, palms, purchases and their deletion, behind a signed API."""
