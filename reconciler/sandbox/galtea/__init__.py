"""Emulation of the Galtea REST API: products and what evaluates them, quirks included."""

from reconciler.sandbox.galtea.system import Galtea

__all__ = ["Galtea"]
