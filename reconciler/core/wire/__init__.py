"""Requests out of changes, objects out of answers; no sockets. Pure."""
