"""How many requests may be under way: additive increase, multiplicative decrease, as TCP finds a network's capacity.

The limit starts at the number asked for, which it never exceeds. A server that says it is overloaded (429 or 5xx)
halves it, once for all requests that were under way together; each success raises it by one part in as many as are
allowed, so that a full round of successes adds one (Chiu and Jain, 1989). ``Retry-After`` stops everything until then.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class AdaptiveLimit:
    """Slots for requests, given out in the order in which they were asked for; belongs to one event loop."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._halved_at = float("-inf")
        self._resume_at = float("-inf")
        self._closed: BaseException | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the slots, waiting for it."""
        await self._enter()
        try:
            yield
        finally:
            self._under_way -= 1
            self._wake()

    async def _enter(self) -> None:
        if self._closed is not None:
            raise self._closed
        if not self._waiting and self._free():
            self._under_way += 1
            return
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(gate)
        try:
            await gate
        except asyncio.CancelledError:
            if gate.done() and not gate.cancelled() and gate.exception() is None:
                self._under_way -= 1
                self._wake()
            raise

    def _free(self) -> bool:
        return self._under_way < max(1, int(self.limit)) and time.monotonic() >= self._resume_at

    def _wake(self) -> None:
        while self._waiting and self._free():
            gate = self._waiting.popleft()
            if not gate.done():
                self._under_way += 1
                gate.set_result(None)

    def overloaded(self, sent_at: float, wait_s: float = 0.0) -> None:
        """Halve the limit for a request that was sent after the last halving; let nothing out for ``wait_s``."""
        now = time.monotonic()
        if sent_at > self._halved_at:
            self.limit = max(1.0, self.limit / 2)
            self._halved_at = now
        if wait_s and now + wait_s > self._resume_at:
            self._resume_at = now + wait_s
            asyncio.get_running_loop().call_later(wait_s + 0.001, self._wake)

    def succeeded(self) -> None:
        """Raise the limit a little."""
        self.limit = min(float(self.most), self.limit + 1 / self.limit)
        self._wake()

    def close(self, reason: BaseException) -> None:
        """Let nobody in any more: whoever waits gets ``reason``, whoever holds a slot keeps it."""
        self._closed = reason
        while self._waiting:
            gate = self._waiting.popleft()
            if not gate.done():
                gate.set_exception(reason)
