"""The demonstration: the whole story on the sandbox, checked at every step."""
