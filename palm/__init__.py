"""Palm recognition: find the hand, judge it, align it, sign it, match it.

Nothing here knows of a kiosk, a network or a person; it is true of palms alone.
"""
