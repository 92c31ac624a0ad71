"""Whether a live system behaves as a definition claims: claims, values to try them with, and what was seen."""
