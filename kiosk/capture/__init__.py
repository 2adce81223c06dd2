"""From the camera to a burst: vision, guidance, the light challenge, and what is kept of a hold."""
