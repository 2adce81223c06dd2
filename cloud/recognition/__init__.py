"""Recognition: captures, light challenges, the gallery, and identifications."""
