"""The visits: one function tells a visit from its first screen to its last.

A visit asks through `Visit.stage`, reads palms through `Visit.reader` and calls `Visit.service`.
It raises what it cannot handle, and `kiosk.app` handles that once, around all visits.
"""
