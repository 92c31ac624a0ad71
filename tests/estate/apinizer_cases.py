"""Every Apinizer kind of the examples: where the emulation keeps it, what to change of it, and what mends that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REST = {"name": "quotes-rest"}
TICKETS = {"name": "tickets-rest"}
PROXY = "/apiops/projects/trading/apiProxies/quotes-rest/"
TICKETS_PROXY = "/apiops/projects/service-desk/apiProxies/tickets-rest/"
PROJECT = "/apiops/projects/trading/"
WHOLE = object()
"""In place of a body: all that was read goes back, so the row as it is afterwards is what there is to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One resource of the examples, an edit of it in the manager's console, and the one request that undoes it."""

    address: str
    row: Mapping[str, Any]  # what tells its row from others
    theirs: Mapping[str, Any]  # laid over the row, objects member by member
    pointer: str  # the only field that differs then
    write: str  # method and path
    body: Any  # as it is in the edition `flat`, and below `wrapper` in the other
    unmanaged: Mapping[str, Any]  # laid over the row as well, and nobody's business
    table: str = "apiProxies"
    wrapper: str = ""
    newer: bool = False  # only managers of the edition `wrapped` can be asked about it
    settings: bool = True  # read like the settings of a proxy

    @property
    def kind(self) -> str:
        return self.address.partition("/")[0]


def block(
    kind: str,
    stored: str,
    theirs: Mapping[str, Any],
    body: Any,
    unmanaged: Mapping[str, Any],
    *,
    slug: str,
    wrapper: str = "",
    newer: bool = False,
    name: str = "quotes-rest",
) -> Case:
    """Return the case of a settings block that has an object of its own in its proxy's row."""
    project = "service-desk" if name == "tickets-rest" else "trading"
    return Case(
        address=f"{kind}/{name}",
        row={"name": name},
        theirs={stored: theirs},
        pointer="/" + next(iter(theirs)),
        write=f"PATCH /apiops/projects/{project}/apiProxies/{name}/settings/{slug}/",
        body=body,
        unmanaged={stored: unmanaged},
        wrapper=wrapper,
        newer=newer,
    )


_ADDRESSES: list[dict[str, Any]] = [
    {"address": "https://quotes-1.internal.example.com", "weight": 9, "healthMonitoringEnabled": True},
    {"address": "https://quotes-2.internal.example.com", "weight": 1, "healthMonitoringEnabled": True},
    {"address": "https://quotes-dr.internal.example.com", "addressType": "FAILOVER_ONLY"},
]
_COMPLETED = [{"weight": 1, "soapType": "SOAP11", "addressType": "PRIMARY", **address} for address in _ADDRESSES]

BLOCKS = [
    block("WebSocketSettings", "websocketSettings", {"connectionLostTimeout": 77}, {"connectionLostTimeout": 20},
          {"retryDelay": 5}, slug="websocket", wrapper="websocketSettings", name="order-updates"),
    block("ConnectionSettings", "connectionSettings", {"readTimeout": 99}, {"readTimeout": 20},
          {"maxRedirects": 7}, slug="connection"),
    block("CircuitBreakerSettings", "circuitBreaker", {"sleepWindow": 5}, {"sleepWindow": 30},
          {}, slug="circuit-breaker"),
    block("MtlsSettings", "mtlsSettings", {"hostnameVerifierType": "NOOP"}, {"hostnameVerifierType": "STRICT"},
          {"disableSslValidation": True}, slug="mtls"),
    block("CacheSettings", "cacheSettings", {"ttl": 77}, WHOLE,
          {"cacheNullValue": True, "description": "theirs"}, slug="cache", wrapper="cacheSettings"),
    block("CorsSettings", "corsSettings", {"maxAge": 1}, WHOLE, {"exposeHeaderList": ["X-Theirs"]},
          slug="cors", wrapper="corsSettings"),
    block("ForwardedIpHeaderSettings", "forwardedIpHeaderParam", {"xffOrder": "FIRST"}, {"xffOrder": "LAST"},
          {"value": "X-Theirs"}, slug="forwarded-ip-header", wrapper="forwardedIpHeaderParam"),
    block("JsonErrorTemplate", "jsonErrorResponseTemplate", {"jsonErrorResponseTemplateActive": False},
          {"jsonErrorResponseTemplateActive": True}, {"permitSpecialChars": True},
          slug="json-error-template", wrapper="jsonErrorResponseTemplate"),
    block("XmlErrorTemplate", "xmlErrorResponseTemplate", {"contentType": "text/xml"},
          {"contentType": "application/xml"}, {"permitSpecialChars": True},
          slug="xml-error-template", wrapper="xmlErrorResponseTemplate", name="tickets-rest"),
    block("NtlmSettings", "ntlmSettings", {"domain": "THEIRS"}, {"domain": "CORP"},
          {"workstation": "theirs"}, slug="ntlm", wrapper="ntlmSettings", name="tickets-rest"),
    block("ProxyServerSettings", "proxyServerSettings", {"proxyPort": 1}, {"proxyPort": 3128},
          {}, slug="proxy-server", name="tickets-rest"),
    block("GrpcSettings", "grpcSettings", {"keepAliveTime": 5}, {"keepAliveTime": 60}, {"maxTraceEvents": 7},
          slug="grpc", wrapper="grpcSettings", newer=True, name="quotes-grpc"),
    block("IdempotencySettings", "idempotencySettings", {"retentionInDays": 9}, WHOLE,
          {"headerName": "X-Theirs", "payloadHashEnabled": False},
          slug="idempotency", wrapper="idempotencySettings", newer=True),
    block("ErrorHandling", "errorHandlingSettings", {"statusCodeList": [500]}, {"statusCodeList": [500, 502, 503]},
          {}, slug="error-handling", newer=True),
    block("MaintenanceMode", "maintenanceModeSetting", {"message": "theirs"},
          {"message": "Tickets are back at 08:00 UTC"}, {"contentType": "text/plain"},
          slug="maintenance-mode", newer=True, name="tickets-rest"),
    block("CustomMessage", "customMessageSettings", {"customMessageContentType": "text/html"},
          {"customMessageContentType": "text/plain"}, {"customMessageTemplate": "theirs"},
          slug="custom-message", newer=True, name="tickets-rest"),
]  # fmt: skip

CASES = [
    *BLOCKS,
    Case(
        address="ClientRoute/quotes-rest",
        row=REST,
        theirs={"hostList": ["theirs.example.com"]},
        pointer="/hostList",
        write=f"PATCH {PROXY}settings/client-route/",
        body=WHOLE,
        wrapper="clientRoute",
        unmanaged={"bufferRequest": False},
    ),
    Case(
        address="RoutingAddresses/quotes-rest",
        row=REST,
        theirs={"routingAddressList": _COMPLETED},
        pointer="/routingAddressList/https:~1~1quotes-1.internal.example.com/weight",
        write=f"PATCH {PROXY}settings/addresses/",
        body=WHOLE,
        unmanaged={},
    ),
    Case(
        address="RoutingStatus/quotes-rest",
        row=REST,
        theirs={"routingEnabled": False},
        pointer="/routingEnabled",
        write=f"PATCH {PROXY}settings/routing-status/",
        body={"routingEnabled": True},
        unmanaged={"description": "theirs"},
    ),
    Case(
        address="ProxyEndpoint/quotes-list",
        table="endpoints",
        row={"name": "/quotes", "httpMethod": "GET"},
        theirs={"backendResourceUrl": "/theirs"},
        pointer="/backendResourceUrl",
        write=f"PATCH {PROXY}endpoints/",
        body={"name": "/quotes", "httpMethod": "GET", "backendResourceUrl": "/v2/quotes"},
        unmanaged={},
        settings=False,
    ),
    Case(
        address="ProxyEndpoint/quotes-request",
        table="endpoints",
        row={"name": "/quotes", "httpMethod": "POST"},
        theirs={"active": True},
        pointer="/active",
        write=f"PATCH {PROXY}endpoints/status/",
        body={"identifierName": "/quotes", "identifierHttpMethod": "POST", "active": False},
        unmanaged={"description": "theirs"},
        settings=False,
    ),
    Case(
        address="TrafficLog/quotes-rest-production",
        row=REST,
        theirs={"trafficLogs": {"production": {"logBodyResponseToClient": True}}},
        pointer="/logBodyResponseToClient",
        write=f"PUT {PROXY}trafficLogSettings/production/",
        body={"logBodyResponseToClient": False},
        unmanaged={"trafficLogs": {"production": {"logHeaderResponseToClient": False}}},
        newer=True,
        settings=False,
    ),
    Case(
        address="EnvironmentVariable/region",
        table="environmentVariables",
        row={"name": "region"},
        theirs={"globalValue": "us"},
        pointer="/globalValue",
        write=f"PUT {PROJECT}environmentVariables/region/",
        body=WHOLE,
        unmanaged={"description": "theirs"},
        settings=False,
    ),
    Case(
        address="IpGroup/trading-floors",
        table="ipGroups",
        row={"name": "trading-floors"},
        theirs={"ipList": ["203.0.113.66"]},
        pointer="/ipList",
        write=f"PUT {PROJECT}ipGroups/trading-floors/",
        body=WHOLE,
        unmanaged={},
        newer=True,
        settings=False,
    ),
    Case(
        address="Connection/gateway-alerts",
        table="connections",
        row={"name": "gateway-alerts"},
        theirs={"url": "https://theirs.example.com/hook"},
        pointer="/url",
        write=f"PUT {PROJECT}connections/gateway-alerts/",
        body=WHOLE,
        unmanaged={"apiKey": "fake-key-not-real", "timeout": 30},
        settings=False,
    ),
    Case(
        address="Credential/partner-broker",
        table="credentials",
        row={"username": "partner-broker"},
        theirs={"roleNameList": ["quotes-reader", "admin"]},
        pointer="/roleNameList",
        write=f"PUT {PROJECT}credentials/",
        body=WHOLE,
        unmanaged={"description": "theirs", "expireDate": "2027-01-01T00:00:00Z"},
        settings=False,
    ),
    Case(
        address="ApiProxyGroup/market",
        table="apiProxyGroups",
        row={"name": "market"},
        theirs={"description": "theirs"},
        pointer="/description",
        write=f"PUT {PROJECT}apiProxyGroups/",
        body=WHOLE,
        unmanaged={"apiProxies": ["quotes-rest"]},
        settings=False,
    ),
]
