"""Sends each request once: objects that one document holds are read with one request, however many they are.

Reads: the live systems, through the function given. Writes: nothing. For reads of one moment only: what was answered
is kept as long as this lives.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Request, Response, Send


class Once:
    """A `send` that gives the same answer, or raises the same error, to the same request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._answers: dict[str, Response | ReconcilerError] = {}

    def __call__(self, request: Request) -> Response:
        key = request.identity
        with self._lock:
            asking = self._asking[key]
        with asking:
            if key not in self._answers:
                self._answers[key] = self._answer(request)
        answer = self._answers[key]
        if isinstance(answer, ReconcilerError):
            raise answer
        return answer

    def _answer(self, request: Request) -> Response | ReconcilerError:
        try:
            return self._send(request)
        except ReconcilerError as error:
            return error
