"""What stands at a gate: an access controller, or a release that the kiosk operates."""
