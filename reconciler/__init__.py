"""Reconciler keeps configuration behind HTTP APIs in Git."""

# A literal, so that `--version` needs no package metadata look-up (measured five times slower).
__version__ = "0.1.0"
