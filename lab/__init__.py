"""The laboratory: measures palm recognition, learns its weights, and asks for weaknesses of parts.

Nothing here ships.

- `evaluate`: recognition accuracy on folders of images and on galleries of drawn people, template
  protection, and how real drawn palms are.
- `peers`: published palm codes, which are measured beside the product.
- `attacks`: how often attacks pass the liveness judge, and how often living hands do not.
- `accuracy`: runs these measurements and writes docs/accuracy.md from their figures.
- `training`: trains the encoder, and learns the numbers of compact and fused templates.
- `liveness`: fits the weights of the liveness judge.
- `logistic`: the logistic regression that the last two use.
- `sets`: where the sets of real palms are.
- `advisories`: asks for known weaknesses of other people's parts.
"""
