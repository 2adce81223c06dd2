"""Published palm codes, implemented from their papers and measured beside the product.

Each module has the extractor of one code. All three are compared bit by bit under small shifts by
the matcher of `lab.peers.planes`. The product does not use them. Their template versions are
negative, so that a template of the product is never read as one of theirs.
"""
