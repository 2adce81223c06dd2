"""The API for whoever builds on the service, with a key of a merchant, and what it tells their own
systems."""
