"""Carrying out a plan: its order, one change of it, sending a write, and the truth after writing."""
