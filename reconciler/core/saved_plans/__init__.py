"""A plan as a file that a person agrees to, and what of it still holds. Pure."""
