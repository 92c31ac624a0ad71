"""The configuration: read, checked, and frozen."""
