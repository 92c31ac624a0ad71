"""The settings blocks about the client's side and the proxy itself, one row each. Pure: a table.

Source: the Apinizer sheet, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.sandbox.apinizer.block import Block
from reconciler.sandbox.apinizer.shapes import (
    Field,
    Fields,
    boolean,
    filled,
    integer,
    list_of,
    one_of,
    required,
    rows_of,
    text,
)


def _wildcard_with_credentials(sent: Mapping[str, Any]) -> str:
    if sent.get("allowCredentials") == "true" and "*" in sent.get("allowOriginList", ()):
        return 'allowOriginList can not contain "*" when allowCredentials is "true"'
    return ""


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


CLIENT_BLOCKS: Final = (
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
            "name": filled(text()),
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
            "publicKey": filled(text()),
            "secretKey": replace(filled(text()), shown="archive"),
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
