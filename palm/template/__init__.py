"""Making templates of aligned palms, and comparing them."""
