"""Findings as one HTML file: summary, filter, search, each change, and a picture of what depends on what."""
