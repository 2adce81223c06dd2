"""Palm recognition: from a camera frame to a palm template, a score and a judgement of liveness.

- `palm.hand` finds hands in a frame, measures how they are held, and aligns the palm.
- `palm.template` extracts a template from aligned palms, and compares two templates.
- `palm.search` turns a template into a search code, and finds the nearest of a million codes.
- `palm.liveness` tells a living palm from a print, a screen, a cast or a recording.
- `palm.models` holds the neural networks that the others run, and builds them.
- `palm.image` names the two image types that the package takes.

The package imports nothing else of this repository, and knows nothing of kiosks, networks or
people:

    hands = HandFinder().find(frame)              # palm.hand.find
    roi = align(frame, hands[0])                  # palm.hand.align
    extractor, matcher = pair()                   # palm.template.current
    probe = extractor.extract([roi])
    score = matcher.score(probe, reference)
"""
