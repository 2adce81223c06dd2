"""Measures all figures of docs/accuracy.md, and writes the document from them."""
