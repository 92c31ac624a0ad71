"""Emulation of the TrustGate admin API, v1.x: gateways, upstreams, services and rules, quirks included."""

from reconciler.sandbox.trustgate.system import TrustGate
from reconciler.sandbox.trustgate.tokens import sign_token

__all__ = ["TrustGate", "sign_token"]
