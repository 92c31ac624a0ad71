"""Every field of the four documented update calls is in the schemas, with what its page says of it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.kinds.catalog import Catalog
from reconciler.core.kinds.fields import FieldInfo
from reconciler.workflow.commands import load_kinds

CREDENTIALS = {
    "allow_override": "boolean", "api_key": "string", "aws_access_key_id": "string", "aws_region": "string",
    "aws_role": "string", "aws_secret_access_key": "string", "aws_session_token": "string", "aws_use_role": "boolean",
    "azure_client_id": "string", "azure_client_secret": "string", "azure_tenant_id": "string",
    "azure_use_managed_identity": "boolean", "gcp_service_account_json": "string",
    "gcp_use_service_account": "boolean", "header_name": "string", "header_value": "string",
    "param_location": "string", "param_name": "string", "param_value": "string",
}  # fmt: skip
TARGET = {
    "default_model": "string", "description": "string", "headers": "object", "host": "string",
    "insecure_ssl": "boolean", "models": "array", "path": "string", "port": "integer",
    "priority": "integer", "protocol": "string",
    "provider": "string", "stream": "boolean", "tags": "array", "weight": "integer", "credentials": "object",
}  # fmt: skip

# Wire spelling of each field to its type, and what else its page states.
FIELDS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("apinizer", "WebSocketSettings"): {
        "connectionLostTimeout": {"type": "integer", "unit": True},
        "reuseAddr": {"type": "boolean"},
        "connectTimeout": {"type": "integer", "unit": True},
        "maxRetries": {"type": "integer"},
        "retryDelay": {"type": "integer", "unit": True},
        "autoReconnect": {"type": "boolean"},
        "autoReconnectMaxRetries": {"type": "integer"},
        "autoReconnectRetryDelay": {"type": "integer", "unit": True},
    },
    ("galtea", "EndpointConnection"): {
        "productId": {"type": "string"},
        "name": {"type": "string"},
        "url": {"type": "string"},
        "httpMethod": {"type": "string", "enum": {"GET", "POST", "PUT", "PATCH", "DELETE"}},
        "authType": {"type": "string", "enum": {"NONE", "BEARER", "API_KEY", "BASIC", "OAUTH2"}},
        "inputTemplate": {"type": "string", "null": True},
        "outputMapping": {"type": "object"},
        "id": {"type": "string", "readOnly": True},
        "userId": {"type": "string", "readOnly": True},
        "hasAuthToken": {"type": "boolean", "readOnly": True},
        "username": {"type": "string", "null": True},
        "hasPassword": {"type": "boolean", "readOnly": True},
        "headers": {"type": "object"},
        "type": {"type": "string", "enum": {"INITIALIZATION", "CONVERSATION", "FINALIZATION"}},
        "timeout": {"type": "integer", "null": True, "default": 60, "unit": True},
        "rateLimit": {"type": "integer", "null": True, "unit": True},
        "retryEnabled": {"type": "boolean", "default": False},
        "retryMaxAttempts": {"type": "integer", "null": True, "default": 3, "minimum": 0, "maximum": 10},
        "retryInitialDelayMs": {"type": "integer", "null": True, "default": 1000, "minimum": 0, "unit": True},
        "retryBackoffStrategy": {"null": True, "default": "EXPONENTIAL", "enum": {"FIXED", "EXPONENTIAL", "LINEAR"}},
        "retryMaxDelayMs": {"type": "integer", "null": True, "default": 30000, "minimum": 0, "unit": True},
        "retryableStatusCodes": {"type": "array", "items": {"minimum": 100, "maximum": 599}},
        "createdAt": {"type": "string", "readOnly": True},
        "deletedAt": {"readOnly": True},
    },
    ("goldmine", "Session"): {
        "id": {"readOnly": True},
        "workspaceId": {"readOnly": True},
        "poolId": {"type": "string"},
        "providerId": {"type": "string"},
        "token": {"type": "string"},
        "scheme": {"type": "string"},
        "host": {"type": "string"},
        "port": {"type": "integer"},
        "username": {"type": "string"},
        "enabled": {"type": "boolean"},
        "version": {"readOnly": True},
        "createdAt": {"readOnly": True},
        "updatedAt": {"readOnly": True},
    },
    ("trustgate", "Service"): {
        "created_at": {"readOnly": True},
        "credentials": {"type": "object", "members": CREDENTIALS},
        "description": {"type": "string"},
        "gateway_id": {"type": "string"},
        "headers": {"type": "object"},
        "host": {"type": "string"},
        "id": {"readOnly": True},
        "name": {"type": "string"},
        "path": {"type": "string"},
        "port": {"type": "integer"},
        "protocol": {"type": "string"},
        "retries": {"type": "integer"},
        "stream": {"type": "boolean", "readOnly": True},
        "tags": {"type": "array"},
        "type": {"type": "string", "enum": {"upstream", "endpoint"}},
        "updated_at": {"readOnly": True},
        "upstream": {"type": "object", "readOnly": True},
        "upstream_id": {"type": "string"},
    },
    ("trustgate", "Upstream"): {
        "algorithm": {"type": "string"},
        "embedding_config": {"type": "object"},
        "health_checks": {"type": "object"},
        "id": {"readOnly": True},
        "name": {"type": "string"},
        "proxy": {"type": "object", "members": {"host": "string", "port": "string"}},
        "tags": {"type": "array"},
        "targets": {"type": "array", "item members": TARGET},
        "websocket_config": {"type": "object"},
    },
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    found, problems = load_kinds([], {"trustgate": {"era": "S"}})
    assert not problems
    return found


def by_spelling(info: FieldInfo) -> dict[str, FieldInfo]:
    return {child.response_name: child for child in info.properties.values()}


@pytest.mark.parametrize(("system", "kind"), list(FIELDS), ids=[kind for _, kind in FIELDS])
def test_each_documented_field_is_in_the_schema(catalog: Catalog, system: str, kind: str) -> None:
    fields = by_spelling(catalog.kinds[system, kind].fields)
    missing = FIELDS[system, kind].keys() - fields.keys()
    assert not missing
    for spelling, wanted in FIELDS[system, kind].items():
        check(spelling, fields[spelling], wanted)


def check(spelling: str, info: FieldInfo, wanted: dict[str, Any]) -> None:
    assert info.description, f"{spelling} has no description"
    schema = info.schema
    if "type" in wanted:
        assert wanted["type"] in info.types, spelling
    if wanted.get("null"):
        assert "null" in info.types, spelling
    if "enum" in wanted:
        assert wanted["enum"] <= set(schema["enum"]), spelling
    for keyword in ("default", "minimum", "maximum"):
        if keyword in wanted:
            assert schema[keyword] == wanted[keyword], (spelling, keyword)
    if wanted.get("unit"):
        assert info.unit, f"{spelling} has no unit"
    assert info.read_only == wanted.get("readOnly", False), spelling
    for keyword, bound in wanted.get("items", {}).items():
        assert info.items is not None
        assert info.items.schema[keyword] == bound
    for name, kind_of in wanted.get("members", {}).items():
        assert kind_of in info.properties[name].types, (spelling, name)
    for name, kind_of in wanted.get("item members", {}).items():
        assert info.items is not None
        assert kind_of in info.items.properties[name].types, (spelling, name)
