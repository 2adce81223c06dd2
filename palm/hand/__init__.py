"""From a frame to an aligned palm.

- `find` finds hands in stills and follows them in video.
- `landmarks` defines a hand, its 21 landmarks, its side and what it shows.
- `crop` cuts the rotated square around a hand out of a frame.
- `observe` measures how a hand is held, lit and moving; `observation` holds the result.
- `line_layout` tells palm from back by the lines.
- `align` cuts out the region of interest (ROI) of a palm; `roi` holds the result.
"""
