"""The example estate's live side: four emulated systems, filled as if people had worked on them for a while.

Some objects are as the example manifests declare them, some have drifted, some are missing, and some belong to
nobody. Every secret in here is plainly fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox.apinizer import Apinizer
from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.goldmine import Goldmine
from reconciler.sandbox.trustgate import TrustGate

SECRETS: Mapping[str, str] = {
    "APINIZER_TOKEN": "fake-apinizer-token-not-real",
    "NTLM_PASSWORD": "fake-ntlm-password-not-real",
    "FORWARD_PROXY_PASSWORD": "fake-forward-proxy-password-not-real",
    "QUOTES_TOKEN": "fake-quotes-token-not-real",
    "ALERTS_TOKEN": "fake-alerts-token-not-real",
    "BROKER_PASSWORD": "fake-broker-password-not-real",
    "TRUSTGATE_SECRET": "fake-trustgate-signing-secret-not-real",
    "GALTEA_API_KEY": "gsk_fake-galtea-key-not-real",
    "GOLDMINE_API_KEY": "gm_live_fake-goldmine-key-not-real",
    "OPENAI_API_KEY": "fake-openai-key-not-real",
    "ANTHROPIC_API_KEY": "fake-anthropic-key-not-real",
    "SUPPORT_BACKEND_KEY": "fake-support-backend-key-not-real",
    "SUPPORT_BOT_TOKEN": "fake-support-bot-token-not-real",
    "SALES_PASSWORD": "fake-sales-password-not-real",
    "SALES_TENANT_KEY": "fake-sales-tenant-key-not-real",
    "VOICE_AGENT_KEY": "fake-voice-agent-key-not-real",
    "PROXY_PASSWORD": "fake-proxy-password-not-real",
    "ROTATION_TOKEN": "fake-rotation-token-not-real",
}

WORKSPACE = "018f8c1e-7a2b-7c3d-9e4f-1a2b3c4d5e6f"
POOL = "018f8c21-2222-7eee-8ddd-3d3d3d3d3d3d"
STATIC_PROVIDER = "018f8c20-1111-7aaa-8bbb-2c2c2c2c2c2c"
ROTATING_PROVIDER = "018f8c20-4444-7ccc-8eee-5f5f5f5f5f5f"
ASSIGNMENTS: Mapping[str, str] = {
    "018f8c22-7777-7abc-8fff-6a6a6a6a6a01": "storefront-de",
    "018f8c22-7777-7abc-8fff-6a6a6a6a6a02": "storefront-fr",
}

VARIANTS: Mapping[str, tuple[str, ...]] = {
    "apinizer.edition": ("wrapped", "flat"),
    "apinizer.settingsRead": ("full", "export", "none"),
    "trustgate.era": ("L", "S"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """The four systems of the example estate."""

    apinizer: Apinizer
    trustgate: TrustGate
    galtea: Galtea
    goldmine: Goldmine

    def systems(self) -> dict[str, Any]:
        """Return the systems by name."""
        return {
            "apinizer": self.apinizer,
            "trustgate": self.trustgate,
            "galtea": self.galtea,
            "goldmine": self.goldmine,
        }


def build_estate(variants: Mapping[str, str] | None = None, *, populated: bool = True) -> Estate:
    """Return the estate. `variants` chooses editions and eras by the names in VARIANTS; the first one is usual.

    Without `populated` it holds only what the example manifests cannot create. Raises ValueError for an unknown
    variant, with all known ones.
    """
    chosen = {name: values[0] for name, values in VARIANTS.items()}
    for name, value in (variants or {}).items():
        if value not in VARIANTS.get(name, ()):
            known = "; ".join(f"{n}: {', '.join(values)}" for n, values in VARIANTS.items())
            raise ValueError(f"unknown variant {name}={value}; known are {known}")
        chosen[name] = value
    estate = Estate(
        apinizer=Apinizer(
            token=SECRETS["APINIZER_TOKEN"],
            edition="flat" if chosen["apinizer.edition"] == "flat" else "wrapped",
            # One of VARIANTS by now, which mypy cannot know of a text.
            readable=chosen["apinizer.settingsRead"],  # type: ignore[arg-type]
        ),
        trustgate=TrustGate(secret=SECRETS["TRUSTGATE_SECRET"], era="S" if chosen["trustgate.era"] == "S" else "L"),
        galtea=Galtea(api_key=SECRETS["GALTEA_API_KEY"]),
        goldmine=Goldmine(api_key=SECRETS["GOLDMINE_API_KEY"], workspace_id=WORKSPACE),
    )
    _found(estate)
    if populated:
        _populate_apinizer(estate.apinizer)
        _populate_trustgate(estate.trustgate)
        _populate_galtea(estate.galtea)
        _populate_goldmine(estate.goldmine)
    return estate


def _found(estate: Estate) -> None:
    """Put in place what the manifests refer to and never create."""
    for project in ("trading", "service-desk"):
        estate.apinizer.seed("projects", {"name": project})
    for environment in ("production", "test"):
        estate.apinizer.seed("environments", {"name": environment})
    for project, name in (
        ("trading", "market-data"),
        ("trading", "order-updates"),
        ("service-desk", "support-chat"),
    ):
        estate.apinizer.seed("apiProxies", {"project": project, "name": name, "type": "WEBSOCKET"})
    estate.apinizer.seed("apiProxies", {"project": "trading", "name": "quotes-rest", "type": "REST"})
    estate.apinizer.seed("apiProxies", {"project": "trading", "name": "quotes-grpc", "type": "GRPC"})
    estate.apinizer.seed("apiProxies", {"project": "service-desk", "name": "tickets-rest", "type": "REST"})
    # The platform's own models and metrics share the lists with everybody's.
    estate.galtea.seed("models", {"name": "gpt-4.1", "organizationId": None, "isDefault": True, "source": "PREDEFINED"})
    estate.galtea.seed("metrics", {"name": "politeness", "organizationId": None, "source": "DEEPEVAL"})
    estate.galtea.seed("products", {"name": "sales-assistant", "description": "Helps the sales team with offers"})
    estate.goldmine.seed("pools", {"id": POOL})
    estate.goldmine.seed("providers", {"id": STATIC_PROVIDER, "type": "PROVIDER_TYPE_PROXYLINE", "targetPoolId": POOL})
    estate.goldmine.seed(
        "providers",
        {
            "id": ROTATING_PROVIDER,
            "type": "PROVIDER_TYPE_WEBSHARE_RESIDENTIAL",
            "targetPoolId": POOL,
            "capabilities": {"enumerable": True, "stateApi": True},
        },
    )
    # Made when a proxy was resolved for an account: no call creates them.
    for row_id, account in ASSIGNMENTS.items():
        estate.goldmine.seed("assignments", {"id": row_id, "poolId": POOL, "accountName": account})


def _populate_apinizer(apinizer: Apinizer) -> None:
    as_declared = {
        "connectionLostTimeout": 60, "reuseAddr": True, "connectTimeout": 30, "maxRetries": 3, "retryDelay": 1000,
        "autoReconnect": True, "autoReconnectMaxRetries": 5, "autoReconnectRetryDelay": 2000,
    }  # fmt: skip
    apinizer.edit("apiProxies", "market-data", {"websocketSettings": as_declared})
    # Somebody raised the timeout in the console during an incident and never put it back.
    drifted = {"connectionLostTimeout": 120, "autoReconnect": False, "maxRetries": 7}
    apinizer.edit("apiProxies", "order-updates", {"websocketSettings": drifted})


def _populate_trustgate(trustgate: TrustGate) -> None:
    gateway = trustgate.seed(
        "gateways",
        {
            "name": "public-edge",
            "status": "active",
            "security_config": {
                "allowed_hosts": ["ai.example.com"], "ssl_redirect": True, "frame_deny": True,
                "content_type_nosniff": True,
            },
        },
    )  # fmt: skip
    backend = trustgate.seed(
        "upstreams",
        {
            "gateway_id": gateway,
            "name": "support-backend",
            "algorithm": "round-robin",
            "targets": [
                {"id": "support-1", "host": "support-1.internal.example.com", "port": 8443, "protocol": "https",
                 "weight": 90},
                {"id": "support-2", "host": "support-2.internal.example.com", "port": 8443, "protocol": "https",
                 "weight": 10},
            ],
            "health_checks": {"passive": True, "path": "/healthz", "threshold": 3, "interval": 30},
            "tags": ["owned-by-support"],
        },
    )  # fmt: skip
    service = trustgate.seed(
        "services",
        {
            "gateway_id": gateway,
            "name": "support-api",
            "type": "upstream",
            "upstream_id": backend,
            "description": "The support desk behind the gateway",
            "tags": ["support"],
            "credentials": {
                "header_name": "X-Support-Key",
                "header_value": SECRETS["SUPPORT_BACKEND_KEY"],
            },
        },
    )
    # Uploads were forgotten when the rule was made.
    rule = {"gateway_id": gateway, "service_id": service, "path": "/support", "methods": ["GET"]}
    trustgate.seed("rules", {**rule, "name": "support-desk", "headers": {"X-Desk": "fake-desk-not-real"}})


def _populate_galtea(galtea: Galtea) -> None:
    product = galtea.seed(
        "products",
        {
            "name": "support-bot",
            "description": "Answers customers' questions about orders, returns and invoices",
            "tags": ["support", "chat"],
        },
    )
    galtea.seed(
        "endpointConnections",
        {
            "productId": product,
            "name": "support-bot-init",
            "type": "INITIALIZATION",
            "url": "https://bot.example.com/v1/sessions",
            "httpMethod": "POST",
            "authType": "API_KEY",
            "authToken": SECRETS["SUPPORT_BOT_TOKEN"],
            "inputTemplate": None,
            "outputMapping": {"session_id": "$.id"},
            "timeout": 60,
        },
    )
    galtea.seed(
        "endpointConnections",
        {
            "productId": product,
            "name": "trial-of-the-new-bot",
            "type": "CONVERSATION",
            "url": "https://trial.example.com/v1/chat",
            "httpMethod": "POST",
            "authType": "NONE",
            "inputTemplate": '{"q": "{{ input.user_message }}"}',
            "outputMapping": {"output": "$.a"},
        },
    )
    _populate_evaluation(galtea, product)


def _populate_evaluation(galtea: Galtea, product: str) -> None:
    """Put in place what scores the support bot."""
    # The prices went up, and nobody told the platform.
    prices = {"inputCostPerToken": 3e-07, "outputCostPerToken": 1.2e-06, "tokenizerProvider": "openai"}
    galtea.seed("models", {"name": "support-llm", **prices})
    galtea.seed(
        "userGroups", {"name": "quality-reviewers", "description": "Reads and scores what the support bot answers"}
    )
    specification = {"productId": product, "type": "CAPABILITY", "testType": "SCENARIOS"}
    explains = galtea.seed(
        "specifications",
        {**specification, "name": "explains-returns", "description": "The bot explains how an order is returned"},
    )
    galtea.seed("specifications", {**specification, "name": "theirs", "description": "The bot can be called at night"})
    judge = {
        "source": "PARTIAL_PROMPT", "judgePrompt": "Score 1 if the actual output is polite, and 0 otherwise.",
        "evaluatorModelName": "gpt-4.1", "evaluationParams": ["actual_output", "input"],
    }  # fmt: skip
    # A revision of its own name: the older one is legacy, and only the newer one counts.
    family = {"metricGroupId": "metricGroup_c000000000000000politeness", "name": "politeness"}
    old = galtea.seed("metrics", {**judge, **family, "judgePrompt": "Is it polite?", "isLegacy": True})
    active = {"parentMetricId": old, "tags": ["tone"], "specificationIds": [explains]}
    galtea.seed("metrics", {**judge, **family, **active})
    galtea.seed("phoneConnections", {"productId": product, "name": "support-line", "phoneNumber": "+14155550100"})
    galtea.seed("versions", {"productId": product, "name": "v1", "facts": {"commit": "0000000"}})


def _populate_goldmine(goldmine: Goldmine) -> None:
    session = {
        "poolId": POOL, "providerId": STATIC_PROVIDER, "scheme": "http", "port": 8080, "username": "harvest",
        "password": SECRETS["PROXY_PASSWORD"], "enabled": True,
    }  # fmt: skip
    declared = {"id": "018f8c22-3333-7eee-8fff-4e4e4e4e4e01", "token": "sess-eu-static-1", "host": "203.0.113.21"}
    goldmine.seed("sessions", {**session, **declared})
    # The vendor moved the endpoint, and somebody followed by hand.
    goldmine.seed("sessions", {**session, "token": "sess-eu-static-2", "host": "203.0.113.99"})
    goldmine.discover(ROTATING_PROVIDER, 2)
