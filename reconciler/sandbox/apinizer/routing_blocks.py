"""The settings blocks about the way to the backend, one row each. Pure: a table.

Source: the Apinizer sheet, sections 2 and 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reconciler.sandbox.apinizer.block import Block, Needs
from reconciler.sandbox.apinizer.shapes import boolean, integer, list_of, one_of, required, rows_of, text

_ADDRESS: Final = {
    "address": required(text()),
    "description": text(),
    "weight": integer(1),
    "soapType": one_of("SOAP11", "SOAP12", default="SOAP11"),
    "addressType": one_of("PRIMARY", "CANARY", "MIRROR", "FAILOVER_ONLY", default="PRIMARY"),
    "healthCheckPath": text(),
    "healthMonitoringEnabled": boolean(),
}
ROUTING_BLOCKS: Final = (
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
