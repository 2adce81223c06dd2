"""The Qt side of the kiosk: stage, live view and window. It decides nothing."""
