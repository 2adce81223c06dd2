"""From templates to search codes, and an exact search among a million of them.

- `protection` computes search codes under a gallery's secret.
- `index` finds the codes nearest to a code.
"""
