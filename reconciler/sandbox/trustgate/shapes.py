"""The structs of requests and answers, by era. Pure.

Requests and answers spell some fields differently (sections 6 and 7.1 of the facts), so each has its own
struct. Upstreams and services are stored in the spelling of answers, gateways in that of requests.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from reconciler.sandbox.trustgate.go_json import ListOf, MapOf, Scalar, Shape, Struct

Era: TypeAlias = Literal["S", "L"]

_TEXT, _INT, _BOOL, _TIME, _ANY = Scalar.TEXT, Scalar.INT, Scalar.BOOL, Scalar.TIME, Scalar.ANY


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _texts(names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), _TEXT)


def credentials(era: Era) -> Struct:
    """Section 10."""
    members = _texts(
        "api_key header_name header_value param_name param_value param_location azure_client_id"
        " azure_client_secret azure_tenant_id gcp_service_account_json aws_access_key_id"
        " aws_secret_access_key aws_session_token aws_region aws_role"
    )
    members |= dict.fromkeys(("azure_use_managed_identity", "gcp_use_service_account", "aws_use_role"), _BOOL)
    if era == "S":
        members["allow_override"] = _BOOL
    else:
        members |= _texts("azure_endpoint azure_version")
    return Struct(members)


def service_request(era: Era) -> Struct:
    """Section 5.1; `createdAt` and `updatedAt` are really spelled like this (untagged Go fields)."""
    return Struct(
        {
            **_texts("name type upstream_id description host protocol path"),
            "port": _INT,
            "retries": _INT,
            "tags": ListOf(_TEXT),
            "headers": MapOf(_TEXT),
            "credentials": credentials(era),
            "createdAt": _TIME,
            "updatedAt": _TIME,
        }
    )


def service_answer(era: Era) -> Struct:
    """Section 5.3."""
    return Struct(
        {
            **_texts("id gateway_id name type description"),
            "tags": ListOf(_TEXT),
            "upstream_id": _TEXT,
            "upstream": upstream_answer(era),
            **_texts("host protocol path"),
            "port": _INT,
            "headers": MapOf(_TEXT),
            "credentials": credentials(era),
            "stream": _BOOL,
            "retries": _INT,
            **_texts("created_at updated_at"),
        },
        always=_names("id gateway_id name type description upstream_id credentials created_at updated_at"),
    )


def _target(era: Era) -> Struct:
    members: dict[str, Shape] = {
        **_texts("id host protocol path provider default_model description"),
        "weight": _INT,
        "port": _INT,
        "models": ListOf(_TEXT),
        "headers": MapOf(_TEXT),
        "tags": ListOf(_TEXT),
        "stream": _BOOL,
        "insecure_ssl": _BOOL,
        "credentials": credentials(era),
    }
    if era == "S":
        members["priority"] = _INT
    else:
        members |= {"provider_options": MapOf(_ANY), "auth": MapOf(_ANY)}
    # [unknown] Whether a target's empty credentials show as {}: taken to, like those of a service (5.3).
    return Struct(members, always=frozenset({"credentials"}))


def _embedding(era: Era) -> Struct:
    return Struct({**_texts("provider model"), "credentials": credentials(era)}, always=frozenset({"credentials"}))


_HEALTH = Struct({"passive": _BOOL, "path": _TEXT, "headers": MapOf(_TEXT), "threshold": _INT, "interval": _INT})
_WEBSOCKET = Struct(
    {
        **dict.fromkeys(("enable_direct_communication", "return_error_details"), _BOOL),
        **_texts("ping_period pong_wait handshake_timeout"),
        **dict.fromkeys(("read_buffer_size", "write_buffer_size"), _INT),
    }
)


def _proxy(era: Era) -> Struct:
    return Struct(_texts("host port" if era == "S" else "host port protocol"))  # port is text (section 11)


def upstream_request(era: Era) -> Struct:
    """Section 7."""
    return Struct(
        {
            **_texts("name algorithm"),
            "targets": ListOf(_target(era)),
            "embedding": _embedding(era),
            "health_checks": _HEALTH,
            "tags": ListOf(_TEXT),
            "websocket_config": _WEBSOCKET,
            "proxy_config": _proxy(era),
        }
    )


def upstream_answer(era: Era) -> Struct:
    """Section 7.1: `embedding` comes back as `embedding_config`, `proxy_config` as `proxy`."""
    return Struct(
        {
            **_texts("id gateway_id name algorithm"),
            "targets": ListOf(_target(era)),
            "embedding_config": _embedding(era),
            "health_checks": _HEALTH,
            "tags": ListOf(_TEXT),
            "websocket_config": _WEBSOCKET,
            "proxy": _proxy(era),
            **_texts("created_at updated_at"),
        },
        always=_names("id gateway_id name algorithm targets created_at updated_at"),
    )


# Section 9. An answer shows all of a plugin.
_PLUGIN_MEMBERS: dict[str, Shape] = {
    **_texts("id name level stage"),
    "enabled": _BOOL,
    "priority": _INT,
    "parallel": _BOOL,
    "settings": MapOf(_ANY),
}
PLUGIN = Struct(_PLUGIN_MEMBERS, always=frozenset(_PLUGIN_MEMBERS))

EXPORTERS = ListOf(Struct({"name": _TEXT, "settings": MapOf(_ANY)}))
TELEMETRY = Struct(
    {
        "exporters": EXPORTERS,
        "extra_params": MapOf(_TEXT),
        "enable_plugin_traces": _BOOL,
        "enable_request_traces": _BOOL,
        "header_mapping": MapOf(_TEXT),
    }
)
SECURITY = Struct(
    {
        "allowed_hosts": ListOf(_TEXT),
        **_texts("ssl_host custom_frame_options_value referrer_policy content_security_policy"),
        **dict.fromkeys(
            (
                "allowed_hosts_are_regex",
                "ssl_redirect",
                "sts_include_subdomains",
                "frame_deny",
                "content_type_nosniff",
                "browser_xss_filter",
                "is_development",
            ),
            _BOOL,
        ),
        "ssl_proxy_headers": MapOf(_TEXT),
        "sts_seconds": _INT,
    }
)


def tls(ca_name: str) -> MapOf:
    """Host to TLS settings; the member with the authority's certificate is spelled `ca_name` (section 6)."""
    return MapOf(
        Struct(
            {
                **dict.fromkeys(("allow_insecure_connections", "disable_system_ca_pool"), _BOOL),
                ca_name: _TEXT,
                "client_certs": Struct(_texts("certificate private_key")),
                "cipher_suites": ListOf(_INT),
                "curve_preferences": ListOf(_INT),
                **_texts("min_version max_version"),
            }
        )
    )


def session(mapping_name: str) -> Struct:
    """Session settings; `mapping_field` of a request is `mapping` in what GET answers (section 6)."""
    members = {**_texts(f"header_name body_param_name {mapping_name}"), "enabled": _BOOL, "ttl": _INT}
    if mapping_name == "mapping":
        return Struct({**members, "query_param_name": _TEXT}, always=frozenset({"query_param_name"}))
    return Struct(members)


GATEWAY_REQUEST = Struct(
    {
        **_texts("name status"),
        "required_plugins": ListOf(PLUGIN),
        "telemetry": TELEMETRY,
        "security_config": SECURITY,
        "client_tls": tls("ca_cert"),
        "session_config": session("mapping_field"),
    }
)

GATEWAY_ENTITY = Struct(
    {"id": _TEXT, **GATEWAY_REQUEST.members, **_texts("created_at updated_at")},
    always=_names("id name status required_plugins created_at updated_at"),
)
"""What POST answers."""


def gateway_answer(era: Era) -> Struct:
    """What GET and the list answer; some S builds show little of a gateway (section 6)."""
    members: dict[str, Shape] = {
        **_texts("id name status"),
        "required_plugins": ListOf(PLUGIN),
        "telemetry": TELEMETRY if era == "L" else Struct({"exporters": EXPORTERS}),
        "security_config": SECURITY,
    }
    if era == "L":
        members |= {"tls": tls("ca_certs"), "session_config": session("mapping")}
    members |= _texts("created_at updated_at")
    return Struct(members, always=GATEWAY_ENTITY.always)


_TRUSTLENS = Struct(_texts("app_id team_id type mapping"))


def rule_request(era: Era, *, updating: bool) -> Struct:
    """Section 8: the key of `trustlens` is another one in an update of era L; early S knows no name and no type."""
    members: dict[str, Shape] = {
        **_texts("path service_id"),
        "methods": ListOf(_TEXT),
        "headers": MapOf(_TEXT),
        **dict.fromkeys(("strip_path", "preserve_host"), _BOOL),
        "retry_attempts": _INT,
        "plugin_chain": ListOf(PLUGIN),
        "trust_lens" if updating and era == "L" else "trustlens": _TRUSTLENS,
    }
    if era == "L":
        members["name"] = _TEXT
        if not updating:
            members["type"] = _TEXT
    return Struct(members)


def rule_answer(era: Era) -> Struct:
    """What the list shows of a rule; builds of era S leave some of it out (end of section 8)."""
    members: dict[str, Shape] = {
        **_texts("id gateway_id path service_id"),
        "methods": ListOf(_TEXT),
        "headers": MapOf(_TEXT),
        "plugin_chain": ListOf(PLUGIN),
        "trustlens": _TRUSTLENS,
        **dict.fromkeys(("active", "public"), _BOOL),
        **_texts("created_at updated_at"),
    }
    if era == "L":
        members |= {
            **_texts("name type"),
            **dict.fromkeys(("strip_path", "preserve_host"), _BOOL),
            "retry_attempts": _INT,
        }
    # [unknown] Which members are left out when they are zero: taken as for a gateway.
    return Struct(members, always=frozenset(members) - {"headers", "trustlens"})


RULE_GATEWAY = Struct(
    {**_texts("id name status"), "plugin_chain": ListOf(PLUGIN), **_texts("created_at updated_at")},
    always=_names("id name status plugin_chain created_at updated_at"),
)
"""The gateway that the list of its rules begins with (section 3)."""
