"""The signature service as the kiosk knows it: client, identity and connection."""
