"""One client and one sender for each system of a target, and the threads that reads run in.

Reads and writes: the network, when asked to send.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import ApiError, UsageError
from reconciler.core.model import (
    Request,
    Response,
)
from reconciler.core.timings import Traffic
from reconciler.shell.network.sending import Pace, Sender, Waiting
from reconciler.shell.options import Options
from reconciler.shell.settings.loading import (
    Settings,
    SystemSettings,
)

if TYPE_CHECKING:
    from reconciler.shell.network.client import Client
    from reconciler.shell.network.endpoint import Endpoint


class Connections:
    """One client and one sender per system, opened when first needed; closes them all."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._settings = settings
        self._options = options
        limit_s = options.time_limit_s
        self.deadline = math.inf if limit_s is None else options.timing.clock() + limit_s  # when nothing more begins
        self._clients: dict[str, Client] = {}
        self._senders: dict[str, Sender] = {}
        self._lock = threading.Lock()
        options.stopwatch.watch(self.traffic)

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for client in self._clients.values():
            client.close()

    def send(
        self,
        request: Request,
        *,
        deadline: float = math.inf,
        on_attempt: Callable[[], None] = lambda: None,
    ) -> Response:
        """Send to the system that the request names, within its limits and with its retries; see `Sender.send`."""
        with self._lock:
            sender = self._senders.get(request.system) or self._open(self._settings.systems[request.system])
        if request.hidden:  # the answer may repeat them
            self._options.redactor.add(request.hidden)
        try:
            return sender.send(request, deadline=deadline, on_attempt=on_attempt)
        except ApiError as error:
            if request.system not in error.message:
                error.message = f"{request.system}: {error.message}"
            raise

    def _open(self, system: SystemSettings) -> Sender:
        # httpx would load its own command line as well where click happens to be installed, which takes half as long.
        sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
        from reconciler.shell.network.client import Client  # here, because `validate` needs no HTTP

        if self._settings.without_secrets:
            raise UsageError("a run without secrets reaches no live system", hint="set the secrets of the target")

        concurrency = system.concurrency or self._options.parallelism
        transport = None if self._options.transport is None else self._options.transport(system.name)
        client = Client(
            _endpoint(system, concurrency, self._options.environ),
            transport=transport,
            on_token=lambda token: self._options.redactor.add([token]),
        )
        self._clients[system.name] = client
        pace = Pace(concurrency=concurrency, requests_per_second=system.requests_per_second)
        clock = self._options.timing.clock

        def send(request: Request, deadline: float) -> Response:
            # What has begun may end after the time limit of the run, but not just any time after.
            left_s = deadline - clock() if deadline < math.inf else max(self.deadline - clock(), system.read_timeout_s)
            return replace(client.send(request, left_s), redact=self._options.redactor.text)

        sender = Sender(send, pace=pace, timing=self._options.timing)
        self._senders[system.name] = sender
        return sender

    def renew_after_writes(self, system: str) -> bool:
        """Sign in to a system anew where something was written since; tell whether there is another token now."""
        client = self._clients.get(system)
        return client is not None and client.renew_after_writes()

    def waits(self) -> bool | None:
        """Tell whether there is time to do other things until a system answers; None: nobody knows yet."""
        known = {sender.waits for sender in list(self._senders.values())}
        return True if True in known else False if known == {False} else None

    def traffic(self) -> tuple[Traffic, ...]:
        """Return what was exchanged with each system so far."""
        return tuple(
            Traffic(
                system=name,
                requests=(counted := sender.counters).requests,
                retries=counted.retries,
                received_bytes=counted.received_bytes,
                waited_s=counted.waited_s,
            )
            for name, sender in sorted(self._senders.items())
        )

    @property
    def attempts(self) -> int:
        """How many requests were sent so far, each repetition counted."""
        return sum(sender.counters.requests for sender in list(self._senders.values()))

    def standings(self) -> list[tuple[str, Waiting]]:
        """Return what keeps requests waiting, for each system that has some waiting, by name."""
        found = [(name, sender.standing) for name, sender in sorted(self._senders.copy().items())]
        return [(name, one) for name, one in found if one.queueing]

    @property
    def retries(self) -> int:
        """How many of them were repetitions."""
        return sum(sender.counters.retries for sender in list(self._senders.values()))


def _endpoint(system: SystemSettings, pool_size: int, environ: Mapping[str, str]) -> Endpoint:
    from reconciler.shell.network.endpoint import Endpoint

    return Endpoint(
        system=system.name,
        url=system.url,
        auth=system.auth,
        ca_file=None if system.ca_file is None else str(system.ca_file),
        proxy=system.proxy,
        verify=not system.insecure_skip_verify,
        connect_timeout_s=system.connect_timeout_s,
        read_timeout_s=system.read_timeout_s,
        headers=system.headers,
        pool_size=pool_size,
        environ=environ,
    )


def run_all(
    workers: int, waits: Callable[[], bool | None] = lambda: True
) -> Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]:
    """Return a function that maps in parallel, at most `workers` at a time; nested use is safe.

    As long as `waits` tells that nothing has to be waited for, items are done one after the other: threads that never
    wait are only in one another's way, which can double the time.
    """

    def run(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        known = list(items)
        done: list[Any] = []
        while len(done) < len(known) and (workers == 1 or len(known) - len(done) == 1 or waits() is False):
            done.append(function(known[len(done)]))
        return [*done, *in_parallel(function, known[len(done) :])] if len(done) < len(known) else done

    def in_parallel(function: Callable[[Any], Any], known: list[Any]) -> list[Any]:
        # A pool of its own for each call: tasks that wait for inner tasks must not take their places.
        pool = ThreadPoolExecutor(max_workers=min(workers, len(known)), thread_name_prefix="read")
        interrupted = False
        try:
            return list(pool.map(function, known))
        except KeyboardInterrupt:
            interrupted = True  # reads in flight are left to themselves
            raise
        finally:
            pool.shutdown(wait=not interrupted, cancel_futures=True)

    return run
