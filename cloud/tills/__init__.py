"""The cloud path of the Terminal API, for tills that cannot reach a kiosk's network."""
