"""From the camera to a burst that can be sealed: vision, guidance, light, and what is kept of a
hold."""
