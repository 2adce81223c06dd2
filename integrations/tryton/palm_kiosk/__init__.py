"""A Tryton module: the point of sale takes payments by palm at a kiosk."""
# SPDX-License-Identifier: GPL-3.0-or-later
