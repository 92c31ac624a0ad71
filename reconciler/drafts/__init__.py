"""Drafts of definitions out of what an API publishes about itself, for a person to finish."""
