"""Judges the answers of live systems, and writes down in full what a message can only show shortened.

Writes: one DEBUG line for an answer in which no reason was found.
"""

from __future__ import annotations

import logging

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.model import Request, Response
from reconciler.core.wire.judge import Verdict, judge

_log = logging.getLogger(__name__)


def judged(kind: Kind, call: Call, request: Request, response: Response) -> Verdict:
    """Return what `response` to `request`, a `call` of `kind`, means."""
    verdict = judge(kind, response, call, request)
    if verdict.body:
        _log.debug("system %s: %s: %s", request.system, request, verdict.body)
    return verdict
