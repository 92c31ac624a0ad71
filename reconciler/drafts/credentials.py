"""What a person must know to sign in, out of the security schemes of an OpenAPI document. Pure.

Source: OpenAPI 3.0.3 and 3.1.0, "Security Scheme Object".
"""

from __future__ import annotations

from reconciler.drafts.names import words
from reconciler.drafts.shapes import description
from reconciler.drafts.source import Node


def credentials_text(root: Node) -> str:
    """Return how to write `auth` for each security scheme, in the order of the document."""
    components = root.get("components")
    schemes = {} if components is None else components.children("securitySchemes")
    found = [_scheme(name, node.followed()) for name, node in schemes.items()]
    return " Or: ".join(text for text in found if text) or "The document names no credentials: `auth: none`."


def _scheme(name: str, node: Node) -> str:
    about = description(node.members.get("description"))
    return f"{about.rstrip('.')}. {_auth(name, node)}" if about else _auth(name, node)


def _auth(name: str, node: Node) -> str:
    secret = "_".join(words(name)).upper() or "API"
    match node.text("type"), node.text("scheme").lower(), node.text("in"):
        case "http", "bearer", _:
            return f'A bearer token: `auth: {{bearer: "${{env:{_token(secret)}}}"}}`.'
        case "http", "basic", _:
            password = f"${{env:{secret}_PASSWORD}}"
            return f'A user name and password: `auth: {{basic: {{username: …, password: "{password}"}}}}`.'
        case "apiKey", _, "header":
            value = f"${{env:{_token(secret)}}}"
            return f'A key in a header: `auth: {{header: {{name: {node.text("name")}, value: "{value}"}}}}`.'
        case "oauth2", _, _:
            return _oauth(secret, node)
        case "apiKey", _, place:
            return f"A key in the {place} ({node.text('name')}), which `auth` cannot send; find another way."
        case kind, scheme, _:
            way = " ".join(part for part in (kind, scheme) if part)
            return f"{way or name}, which `auth` does not know by that name; a token got elsewhere goes under `bearer`."


def _token(secret: str) -> str:
    return secret if secret.endswith(("TOKEN", "KEY")) else f"{secret}_TOKEN"


def _oauth(secret: str, node: Node) -> str:
    flows = node.get("flows")
    flow = None if flows is None else flows.get("clientCredentials")
    if flow is None:
        return (
            f'OAuth2 with a person\'s consent; a token got that way: `auth: {{bearer: "${{env:{_token(secret)}}}"}}`.'
        )
    scopes = ", ".join(flow.children("scopes"))
    listed = f", scopes: [{scopes}]" if scopes else ""
    return (
        f"OAuth2 client credentials: `auth: {{oauth2: {{tokenUrl: {flow.text('tokenUrl')}, clientId: …, "
        f'clientSecret: "${{env:{secret}_CLIENT_SECRET}}"{listed}}}}}`.'
    )
