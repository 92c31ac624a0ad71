"""Emulation of the TrustGate admin API, v1.x: gateways, upstreams and services, quirks included."""

from reconciler.sandbox.trustgate.system import TrustGate
from reconciler.sandbox.trustgate.tokens import sign_token

__all__ = ["TrustGate", "sign_token"]
