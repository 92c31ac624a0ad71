"""Deploy, undeploy and deploy status of an API proxy in an environment.

Reads and writes: the server's state only.
Invariant: an unsuccessful deployment answers 200, tells only inside `deploymentResult`, and changes nothing.
Source: the Apinizer sheet, sections 1 (shapes of `deploymentResult`) and 4 (deployment).
"""

from __future__ import annotations

from typing import Final

from reconciler.sandbox.apinizer.answers import RefusedError, done, read_object
from reconciler.sandbox.apinizer.documents import deployment
from reconciler.sandbox.apinizer.results import with_pods
from reconciler.sandbox.apinizer.routing import PROXY, Call, Route
from reconciler.sandbox.http import SandboxResponse, json_response

_ENVIRONMENT: Final = PROXY + "environments/{environment}/"


def deploy(call: Call) -> SandboxResponse:
    """Deploy or redeploy; every successful call makes a new revision."""
    call.server.require("DEPLOY_UNDEPLOY")
    proxy = call.server.proxy(call.names)
    environment = call.server.environment(call.names["environment"])
    if call.request.body:
        read_object(call.request)  # `description` and `persistent` have no effect that could be read
    return done(with_pods({environment["name"]: call.server.deploy(proxy, environment)}))


def undeploy(call: Call) -> SandboxResponse:
    """Take a proxy out of an environment."""
    call.server.require("DEPLOY_UNDEPLOY")
    proxy = call.server.proxy(call.names)
    environment = call.server.environment(call.names["environment"])
    if environment["name"] not in proxy["deployments"]:
        # What happens then is [unknown]; the inconvenient reading is a refusal.
        text = f"ApiProxy (name: {proxy['name']}) can not be undeployed because it is not exist!"
        raise RefusedError("not_found", text)
    if not environment["failing"]:
        del proxy["deployments"][environment["name"]]
    return done(with_pods({environment["name"]: not environment["failing"]}))


def status(call: Call) -> SandboxResponse:
    """Tell whether and how a proxy is deployed in an environment."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    found = deployment(proxy, call.server.environment(call.names["environment"])["name"])
    del found["environmentName"]
    return json_response(200, found)


ROUTES: Final = (
    Route("POST", _ENVIRONMENT, deploy),
    Route("DELETE", _ENVIRONMENT, undeploy),
    Route("GET", _ENVIRONMENT + "deploy-status/", status, "wrapped"),
)
