"""Whose palm it is: captures, challenges, identifications, the gallery and the policy."""
