"""Emulation of the Galtea REST API: products and endpoint connections, quirks included."""

from reconciler.sandbox.galtea.system import Galtea

__all__ = ["Galtea"]
