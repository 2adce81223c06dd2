"""From aligned palms to a template, and from two templates to a score.

- `interfaces` defines a template and the protocols of extractors and matchers.
- `current` returns the extractor and matcher in use today.
- `levelled` is the pair in use: `fused`, with scores that mean the same on every device.
- `fused` combines line field and embedding.
- `linefield` describes a palm by the directions of its lines, and matches bent palms.
- `encoder` runs the trained network that turns a line field into an embedding.
- `strangers` tells how much a palm resembles strangers by chance.
- `compact` compresses a line field for storage.
- `flatten_light` removes light and contrast from an aligned palm.
- `line_filter` is the Gabor filter that responds to dark lines.
"""
