"""The operator's console: pages on which staff see and steer what they run."""
