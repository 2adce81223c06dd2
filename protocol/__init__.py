"""What crosses the wire between a kiosk and the service, and nothing that happens at either end."""
