"""Emulation of the Apinizer Management API ("APIops"): API proxies, their settings, and a project's other objects."""

from reconciler.sandbox.apinizer.system import Apinizer

__all__ = ["Apinizer"]
