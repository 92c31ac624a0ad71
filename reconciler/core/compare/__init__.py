"""Desired and live in one form, what differs between them, and why. Pure."""
