"""What happens between a shopper and the kiosk, one script to a visit.

A script asks through `Counter.stage`, looks through `Counter.reader` and calls `Counter.service`;
it raises what it cannot answer, and `kiosk.app` handles that once, around all of them.
"""
