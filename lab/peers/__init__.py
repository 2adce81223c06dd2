"""Classical palm codes as their papers give them, to be measured beside this product's own.

Each file is one code: a signer and, all three being compared bit by bit under small shifts, the
matcher of `lab.peers.planes`. No part of the product uses them. Their template versions are
negative: no product template is ever taken for one of theirs.
"""
