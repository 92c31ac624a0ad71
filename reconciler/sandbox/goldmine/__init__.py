"""Emulation of the Goldmine proxy service `proxies.v1.Proxies` (Connect-RPC)."""

from reconciler.sandbox.goldmine.system import Goldmine

__all__ = ["Goldmine"]
