"""The Qt face of the kiosk: the stage, the live view and the window. It decides nothing."""
