"""The shapes of `deploymentResult`, of which every operation has its own. Pure.

Source: the Apinizer sheet, section 1: four shapes, and which call answers with which is only partly known.
Each takes success by the name of the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Result: TypeAlias = dict[str, Any]
Successes: TypeAlias = Mapping[str, bool]


def with_results(successes: Successes) -> Result:
    """Return the shape of settings."""
    rows = [
        {
            "environmentName": name,
            "success": success,
            "message": "Deployed successfully" if success else "Gateway pods could not be updated",
        }
        for name, success in successes.items()
    ]
    return {"success": all(successes.values()), "deploymentResults": rows}


def with_environments(successes: Successes) -> Result:
    """Return the shape of a deletion and of connections."""
    rows = [{"environmentName": name, "success": success, "message": ""} for name, success in successes.items()]
    return {"success": all(successes.values()), "message": "", "environmentResults": rows}


def with_pods(successes: Successes) -> Result:
    """Return the shape of a deployment."""
    rows = [
        {
            "envName": name,
            "podName": f"worker-{name}-0",
            "podIp": "192.0.2.10",
            "success": success,
            "detail": "OK" if success else "Connection refused",
            "responseTime": 12,
        }
        for name, success in successes.items()
    ]
    return {"success": all(successes.values()), "responseTime": 12, "detailList": rows}


def with_names(successes: Successes) -> Result:
    """Return the shape of environment variables and IP groups."""
    return {
        "deployed": all(successes.values()),
        "deployedEnvironments": [name for name, success in successes.items() if success],
        "failedEnvironments": [name for name, success in successes.items() if not success],
    }
