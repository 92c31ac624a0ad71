"""Emulation of the Apinizer Management API ("APIops") for API proxies and their WebSocket settings."""

from reconciler.sandbox.apinizer.system import Apinizer

__all__ = ["Apinizer"]
