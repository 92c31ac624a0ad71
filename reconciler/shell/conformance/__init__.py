"""Putting the claims of a definition to the test on a scratch object of a live system."""
