"""A small till that speaks Sale to POI with a kiosk, to be seen working and to try a door with.

It is a program of its own beside the product.
"""
