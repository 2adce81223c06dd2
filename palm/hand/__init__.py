"""Finding the hand in a frame, judging how it is held, and aligning its palm."""
