"""The accuracy report: every figure of docs/accuracy.md, measured and written again."""
