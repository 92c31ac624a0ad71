"""The settings blocks of an API proxy, one row each. Pure: a table.

Adding a block is adding a row. Invariant: every row key (`stored`, or a field of a block that has none) is
used by one block only. Source: the Apinizer sheet, sections 2 and 5.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import Edition
from reconciler.sandbox.apinizer.shapes import (
    Field,
    Fields,
    boolean,
    integer,
    list_of,
    one_of,
    required,
    rows_of,
    text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Fields that must be filled in a request where the field `when` is `value` and `unless` isn't sent or false.

    Whether a value stored earlier would do is [unknown]; the inconvenient reading is that it doesn't.
    """

    when: str
    fields: tuple[str, ...]
    value: Any = True
    unless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One settings block.

    `place`: where the full document has it; the names are [unknown] (section 3). `stored`: the key of its own
    object in the proxy's row; "" when its fields are the row's own. `wrapper`: the object around the fields in
    E3. `edition`: the only one that has it. `whole`: what isn't sent goes back to its default (R?), otherwise
    only sent fields change (P). `only`: the type of proxy it is for. `routing`: not for proxies of type AI.
    `deploys`: takes `deploy` (E3). `immediate`: reaches the gateways without a deployment. `any_of`: one of
    these must be filled. `conflict`: what is wrong with a request, or "". `imposes`: what `enabled` does to
    other blocks, by `stored`.
    """

    slug: str
    fields: Fields
    place: tuple[str, ...]
    stored: str = ""
    wrapper: str = ""
    edition: Edition | None = None
    whole: bool = False
    only: str = ""
    routing: bool = False
    deploys: bool = True
    immediate: bool = False
    needs: tuple[Needs, ...] = ()
    any_of: tuple[str, ...] = ()
    conflict: Callable[[Mapping[str, Any]], str] = lambda sent: ""
    imposes: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def untouched() -> dict[str, Any]:
    """Return the part of a new proxy's row that the blocks own."""
    row: dict[str, Any] = {block.stored: {} for block in BLOCKS if block.stored}
    for block in BLOCKS:
        if not block.stored:
            row |= {name: copy.deepcopy(field.default) for name, field in block.fields.items()}
    return row


def _wildcard_with_credentials(sent: Mapping[str, Any]) -> str:
    if sent.get("allowCredentials") == "true" and "*" in sent.get("allowOriginList", ()):
        return 'allowOriginList can not contain "*" when allowCredentials is "true"'
    return ""


_ADDRESS: Final = {
    "address": required(text()),
    "description": text(),
    "weight": integer(1),
    "soapType": one_of("SOAP11", "SOAP12", default="SOAP11"),
    "addressType": one_of("PRIMARY", "CANARY", "MIRROR", "FAILOVER_ONLY", default="PRIMARY"),
    "healthCheckPath": text(),
    "healthMonitoringEnabled": boolean(),
}
_BODY_BEHAVIOR: Final = one_of("ALWAYS_READ", "READ_IF_POLICY_EXISTS", "NEVER_READ", default="ALWAYS_READ")
_TEXTS: Final = list_of(text(), [])
CLIENT_ROUTE: Final[Fields] = {
    "relativePathList": list_of(replace(text(), shortest=2)),
    "methodList": list_of(text()),
    "hostList": list_of(text()),
    "headerList": rows_of(name=required(text()), value=text()),
    "bufferRequest": boolean(True),
    "bufferResponse": boolean(True),
}


def _error_template(prefix: str, media_type: str) -> Block:
    whole = f"{prefix}ErrorResponseTemplate"
    fields = {
        f"{whole}Active": boolean(False),
        f"{prefix}Value": text(),
        "contentType": text(f"{media_type};charset=UTF-8"),
        "permitSpecialChars": boolean(False),
    }
    return Block(slug=f"{prefix}-error-template", fields=fields, place=(whole,), stored=whole, wrapper=whole)


_ROUTING_BLOCKS: Final = (
    Block(
        slug="websocket",
        # A name that nobody would guess, "somewhere under routing" [inferred].
        place=("routing", "webSocketRoutingSettings"),
        stored="websocketSettings",
        wrapper="websocketSettings",
        only="WEBSOCKET",
        fields={
            "connectionLostTimeout": integer(),
            "reuseAddr": boolean(),
            "connectTimeout": integer(),
            "maxRetries": integer(),
            "retryDelay": integer(),
            "autoReconnect": boolean(),
            "autoReconnectMaxRetries": integer(),
            "autoReconnectRetryDelay": integer(),
        },
    ),
    Block(
        slug="grpc",
        place=("routing", "grpcRoutingSettings"),
        stored="grpcSettings",
        wrapper="grpcSettings",
        edition="wrapped",
        only="GRPC",
        fields={
            "maxInboundMessageSize": integer(),
            "maxInboundMetadataSize": integer(),
            "perRpcBufferLimit": integer(),
            "keepAliveTime": integer(),
            "keepAliveTimeout": integer(),
            "channelIdleTimeout": integer(),
            "keepAliveWithoutCalls": boolean(),
            "maxRetryAttempts": integer(),
            "maxHedgedAttempts": integer(),
            "maxTraceEvents": integer(),
        },
    ),
    Block(
        slug="connection",
        place=("routing", "connectionSettings"),
        stored="connectionSettings",
        routing=True,
        deploys=False,
        needs=(Needs(when="connectionPoolManagementType", value="CUSTOM", fields=("customConnectionPoolSize",)),),
        fields={
            "connectionSettingsEnabled": boolean(),
            # The two defaults stand in section 4, at `routingInfo`.
            "connectTimeout": integer(30),
            "readTimeout": integer(60),
            "connectionRequestTimeout": integer(),
            "validateAfterInactivity": integer(2000),
            "idleConnectionTimeout": integer(30),
            "redirectsEnabled": boolean(),
            "maxRedirects": integer(),
            "relativeRedirectsAllowed": boolean(),
            "disableContentCompression": boolean(),
            "enableStreaming": boolean(),
            "ignoreRoutingError": boolean(False),
            "queryEncodingMode": one_of("STANDARD", "RFC3986", "PASSTHROUGH", default="STANDARD"),
            "connectionPoolManagementType": one_of("GENERAL", "CUSTOM", "NONE"),
            "customConnectionPoolSize": integer(),
            "hopByHopHeaders": list_of(text()),
            "sendUserAgentToBackend": boolean(),
            "userAgentValue": text(),
            "doNotRouteZeroValueContentLength": boolean(),
            "enableDownload": boolean(),
            "useByteArrayForCompressedResponse": boolean(),
            "retryCount": replace(integer(), edition="flat"),
            "failoverRetryCount": replace(integer(), edition="flat"),
        },
    ),
    Block(
        slug="circuit-breaker",
        place=("routing", "circuitBreaker"),
        stored="circuitBreaker",
        routing=True,
        fields={
            "circuitBreakerEnabled": boolean(),
            "errorWindow": integer(),
            "errorThresholdValue": integer(),
            "enumErrorThresholdType": one_of("COUNT", "PERCENT"),
            "sleepWindow": integer(),
            "halfOpenEnabled": boolean(),
        },
    ),
    Block(
        slug="addresses",
        place=("routing",),
        routing=True,
        whole=True,
        # An empty list is fine: it removes all addresses.
        fields={"routingAddressList": replace(rows_of([], **_ADDRESS), required=True)},
    ),
    Block(
        slug="routing-status",
        place=("routing",),
        routing=True,
        fields={
            "routingEnabled": boolean(True),
            "echoEnabled": boolean(),
            "mirrorEnabled": replace(boolean(), edition="flat"),
        },
    ),
    Block(
        slug="mtls",
        place=("routing", "mtlsSettings"),
        stored="mtlsSettings",
        routing=True,
        # Prose and OpenAPI spell the stores differently; either one is taken.
        needs=(Needs(when="enabled", fields=("keyStoreId",), unless="keyStoreName"),),
        imposes={"connectionSettings": {"connectionPoolManagementType": "NONE"}},
        fields={
            "enabled": boolean(False),
            "keyStoreId": text(),
            "trustStoreId": text(),
            "keyStoreName": text(),
            "trustStoreName": text(),
            "supportedProtocolList": list_of(one_of("TLS_1_3", "TLS_1_2", "TLS_1_1", "TLS_1_0", "SSL_3_0"), []),
            "hostnameVerifierType": one_of("NOOP", "DEFAULT", "STRICT", "BROWSER_COMPAT", default="NOOP"),
            "disableSslValidation": boolean(False),
        },
    ),
    Block(
        slug="ntlm",
        place=("routing", "ntlmSettings"),
        stored="ntlmSettings",
        wrapper="ntlmSettings",
        routing=True,
        needs=(Needs(when="enabled", fields=("domain", "username", "password")),),
        fields={
            "enabled": boolean(False),
            "domain": text(),
            "username": text(),
            "password": replace(text(), shown="encrypted"),
            "workstation": text(),
        },
    ),
    Block(
        slug="proxy-server",
        place=("routing", "proxyServerSettings"),
        stored="proxyServerSettings",
        routing=True,
        needs=(Needs(when="proxyEnabled", fields=("proxyHost", "proxyPort"), unless="proxyFromHeaderEnabled"),),
        fields={
            "proxyEnabled": boolean(),
            "proxyFromHeaderEnabled": boolean(),
            "proxyHost": text(),
            "proxyPort": integer(high=65535),
            "proxyAuthorizationNeeded": boolean(),
            "proxyUsername": text(),
            "proxyPassword": replace(text(), shown="encrypted"),
        },
    ),
)

_OTHER_BLOCKS: Final = (
    Block(
        slug="cache",
        place=("cacheSettings",),
        stored="cacheSettings",
        wrapper="cacheSettings",
        whole=True,
        fields={
            "name": required(text()),
            "description": text(),
            "cacheActive": boolean(False),
            "cacheOnlyHttpGetRequests": boolean(True),
            "cacheKeyType": one_of("QUERY_PARAMS", "CUSTOM", default="QUERY_PARAMS"),
            "cacheStorageType": one_of("DISTRIBUTED", "LOCAL", default="DISTRIBUTED"),
            "capacity": integer(),
            "ttl": integer(),
            "handlingAction": required(one_of("CONTINUE", "STOP")),
            "invalidationRequiresAuthn": boolean(False),
            "cacheNullValue": boolean(False),
            # What its items are is not stated.
            "variableList": Field(kind="list", default=[]),
        },
    ),
    Block(
        slug="cors",
        place=("corsSettings",),
        stored="corsSettings",
        wrapper="corsSettings",
        whole=True,
        conflict=_wildcard_with_credentials,
        fields={
            "name": required(text()),
            "description": text(),
            "corsActive": boolean(False),
            "allowOriginList": _TEXTS,
            "allowMethodList": _TEXTS,
            "allowHeaderList": _TEXTS,
            "exposeHeaderList": _TEXTS,
            "allowCredentials": one_of("false", "true", default="false"),
            "maxAge": integer(3600),
        },
    ),
    Block(
        slug="client-route",
        place=("clientRoute",),
        wrapper="clientRoute",
        whole=True,
        any_of=("relativePathList", "methodList", "hostList", "headerList"),
        fields=CLIENT_ROUTE,
    ),
    Block(
        slug="forwarded-ip-header",
        place=("forwardedIpHeaderParam",),
        stored="forwardedIpHeaderParam",
        wrapper="forwardedIpHeaderParam",
        fields={
            "forwardedIpHeaderParamActive": boolean(False),
            "value": text("X-Forwarded-For"),
            "xffOrder": one_of("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "LAST", default="FIRST"),
        },
    ),
    Block(
        slug="metadata",
        place=(),
        fields={
            "name": replace(text(), filled=True),
            "description": text(""),
            "categoryList": _TEXTS,
            "sharingType": one_of("BOTH", "NONE", "EXTERNAL", "INTERNAL", default="NONE"),
            "requestBodyReadBehavior": _BODY_BEHAVIOR,
            "responseBodyReadBehavior": _BODY_BEHAVIOR,
            "direction": one_of("REQUEST_RESPONSE", "REQUEST_ONLY", "RESPONSE_ONLY"),
            "disableDirectAccessToGateways": boolean(),
            "globalApiProxySettingName": text(),
            "backendProxyApplyPolicies": boolean(),
            "fixSoapApiPortType": boolean(),
        },
    ),
    Block(
        slug="keys",
        place=(),
        immediate=True,
        any_of=("publicKey", "secretKey"),
        fields={
            "publicKey": replace(text(), filled=True),
            "secretKey": replace(text(), filled=True, shown="archive"),
        },
    ),
    _error_template("json", "application/json"),
    _error_template("xml", "text/xml"),
    Block(
        slug="maintenance-mode",
        place=("maintenanceModeSetting",),
        stored="maintenanceModeSetting",
        edition="wrapped",
        fields={
            "enabled": boolean(False),
            "httpStatusCode": integer(403),
            "contentType": text("application/json; charset=utf-8"),
            "message": text(),
        },
    ),
    Block(
        slug="error-handling",
        place=("errorHandlingSettings",),
        stored="errorHandlingSettings",
        edition="wrapped",
        fields={
            "errorHandlingType": one_of("DEFAULT", "ADVANCED", "STATUS_CODE_LIST", default="DEFAULT"),
            "statusCodeList": list_of(integer()),
            "customizeErrorMessageEnabled": boolean(False),
            "errorMessageList": rows_of(
                httpStatusCode=required(integer()),
                customizedHttpStatusCode=integer(),
                customizedErrorCode=text(),
                customizedMessage=text(),
            ),
        },
    ),
    Block(
        slug="custom-message",
        place=("customMessageSettings",),
        stored="customMessageSettings",
        edition="wrapped",
        fields={
            "buildCustomMessage": boolean(False),
            "customMessageTemplate": text(),
            "customMessageContentType": text(),
            "customMessageHttpStatusCode": integer(),
        },
    ),
    Block(
        slug="idempotency",
        place=("idempotencySettings",),
        stored="idempotencySettings",
        wrapper="idempotencySettings",
        edition="wrapped",
        whole=True,  # not stated; the inconvenient reading
        # The message and body-enabled flags are not named in the sheet.
        fields={
            "name": text(),
            "description": text(),
            "idempotencyActive": boolean(False),
            "keyType": one_of("HEADER", "CUSTOM", default="HEADER"),
            "headerName": text("Idempotency-Key"),
            "variableList": Field(kind="list"),
            "keyRequired": boolean(False),
            "missingKeyHttpStatus": integer(400),
            "applicableHttpMethods": list_of(text(), ["POST", "PUT", "PATCH", "DELETE"]),
            "payloadHashEnabled": boolean(True),
            "processingTimeoutInSeconds": integer(60),
            "retentionInDays": integer(7, low=1, high=30),
            "cacheStorageType": one_of("DISTRIBUTED", "LOCAL", default="DISTRIBUTED"),
            "handlingAction": one_of("CONTINUE", "STOP"),
            "cacheConnectionTimeoutInSeconds": integer(3),
            "conflictHttpStatus": integer(409),
            "mismatchHttpStatus": integer(422),
            "replayCompletedResponse": boolean(True),
        },
    ),
)

BLOCKS: Final = _ROUTING_BLOCKS + _OTHER_BLOCKS
