"""The kiosk as a reader on an OSDP line, in a process of its own (`python -m hardware.osdp`).

The binding of libosdp is C code that ends the whole process when something in it goes wrong, and
the kiosk must not end with it. So this package imports little, and starts quickly.
"""
