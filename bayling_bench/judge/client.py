"""Asking a judge: many requests at once, patiently, and with every reply on disk before anything else happens.

A request that fails in passing (429, 5xx, a dropped connection, half a body, garbage, no reply in time) is sent again
after a pause that doubles each time, with jitter, or after what ``Retry-After`` says; all repetitions of a judging come
out of one budget. What fails for good is one counted failure. When the work must stop (the server cannot be used, the
budget or --max-cost is used up, Ctrl-C), nothing new is sent, and what is under way is waited for and kept.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace

from bayling_bench.errors import ModelError, RunError
from bayling_bench.journal import Failure, Journal, digest
from bayling_bench.judge.completions import OTHER_SNAPSHOT, Call, Completion
from bayling_bench.judge.limit import AdaptiveLimit
from bayling_bench.judge.purse import OverBudget, Purse
from bayling_bench.models.chat_reply import LONGEST_WAIT_S, Reply
from bayling_bench.models.chat_session import ChatSession
from bayling_bench.models.endpoint import Endpoint

ATTEMPTS = 10
TIMEOUTS = 4
BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
_REFUSED_FROM_THE_START = 20
_GIVEN_UP = Failure("given_up", "the judging stopped before a reply came", retry=True)
_SENT = Failure("sent", "the judging was killed before a reply came", retry=True)


class Stopped(Exception):
    """The judging has come to an end early; the client knows why."""


@dataclass
class Tally:
    """What asking took, over and above the replies."""

    sent: int = 0
    """Requests sent, repetitions and all."""
    retries: int = 0
    """Of these, repetitions."""
    lowest_limit: float = 0.0
    """The fewest requests that were allowed under way at once."""


@dataclass
class Course:
    """What all judgings of one command share: one model, and one budget of repetitions."""

    retries: int
    """Requests that may be repeated in all."""
    repeated: int = 0
    pinned: tuple[str | None, ...] = ()
    """The model behind the judge's name, None where the server names none; empty: not yet known."""


@dataclass
class _Attempts:
    """How a request has fared."""

    lost: int = 0
    """Attempts, also of earlier commands, whose reply was lost and may be charged for."""
    number: int = 0
    timeouts: int = 0
    seconds: float = 0.0
    """Time of the last attempt."""

    def count(self, reply: Reply, seconds: float) -> None:
        """Count one attempt."""
        self.number += 1
        self.lost += reply.lost
        self.timeouts += reply.timed_out
        self.seconds = round(seconds, 3)

    def used_up(self, reply: Reply, reached: bool) -> bool:
        """Return whether the request has failed for good."""
        if reply.wait_s > LONGEST_WAIT_S:
            return False  # which ends the judging
        worth = ATTEMPTS if reached and reply.worth_attempts > 1 else reply.worth_attempts
        return self.number >= worth or self.timeouts >= TIMEOUTS


class JudgeClient:
    """A judge behind HTTP; belongs to one event loop."""

    def __init__(self, server: Endpoint, journal: Journal[Completion], purse: Purse, course: Course) -> None:
        """Prepare to ask; ``course`` goes on from one judging to the next."""
        self.server = server
        self.journal = journal
        self.purse = purse
        self.course = course
        self.tally = Tally(lowest_limit=server.concurrency)
        self.stopped: BaseException | None = None
        """Why nothing more is sent."""
        self._session = ChatSession(server)
        self._limit = AdaptiveLimit(server.concurrency)
        self._stop = asyncio.Event()
        self._client = server.client()
        self._answered = any(each.text is not None for each in journal.entries().values())
        self._refused: list[Reply] = []
        """Refusals while nothing was ever answered."""
        self._under_way = 0
        self._settled = asyncio.Event()

    async def ask(self, call: Call) -> Completion:
        """Return the reply to a request: from the journal if it is there, else from the judge.

        Raises Stopped when nothing more is sent.
        """
        kept = self.journal.get(call.key)
        if kept is not None and kept.final:
            return kept
        attempts = _Attempts(lost=kept.lost if kept else 0)
        try:
            while True:
                reply = await self._send(call, attempts)
                if not isinstance(reply.result, Failure) or attempts.used_up(reply, self._answered):
                    return self._keep(call, reply, attempts)
                await self._pause(reply, attempts)
        except Stopped:
            self._give_up(call, attempts)
            raise
        except (ModelError, RunError) as error:
            self.stop(error)
            self._give_up(call, attempts)
            raise Stopped from error

    def _give_up(self, call: Call, attempts: _Attempts) -> None:
        """Keep how many replies were lost: the line that stands there counts one that was sent as lost."""
        last = self.journal.get(call.key)
        if attempts.number and last is not None and last.error is _SENT:
            self.journal.append(self._completion(call, Reply(_GIVEN_UP), attempts))

    def stop(self, reason: BaseException) -> None:
        """Send nothing more; the first reason is the one that counts."""
        self.stopped = self.stopped or reason
        self._limit.close(Stopped())
        self._stop.set()
        self._wake()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _send(self, call: Call, attempts: _Attempts) -> Reply:
        bound, reply = self.purse.bound(call), None
        async with self._limit.slot():
            await self._promise(bound)
            self._under_way += 1
            sent_at = time.monotonic()
            try:
                sent = _Attempts(lost=attempts.lost + 1)
                self.journal.append(self._completion(call, Reply(_SENT), sent))
                self.tally.sent += 1
                reply = await self._session.attempt(self._client, dict(call.request))
            finally:
                self._settle(bound, reply)
            assert reply is not None
            attempts.count(reply, time.monotonic() - sent_at)
            self._adapt(reply, sent_at)
        return self._session.without_secrets(reply)

    async def _promise(self, bound: float) -> None:
        """Set money aside for a request, waiting where only what is under way can tell whether there is any.

        Also the first answer is waited for where the server refused much and gave none.
        """
        while True:
            if self.stopped is not None:
                raise Stopped
            try:
                if len(self._refused) < _REFUSED_FROM_THE_START or self._answered:
                    return self.purse.promise(bound)
                if not self._under_way:
                    self._require_any_answer()
            except OverBudget as error:
                if not self._under_way:
                    self.stop(error)
                    raise Stopped from None
            await self._settled.wait()

    def _settle(self, bound: float, reply: Reply | None) -> None:
        self.purse.settle(bound, reply)
        self._under_way -= 1
        self._wake()

    def _wake(self) -> None:
        """Let everybody look again who waits for what is under way."""
        self._settled.set()
        self._settled = asyncio.Event()

    def _adapt(self, reply: Reply, sent_at: float) -> None:
        if reply.status == 429 or reply.status >= 500 or reply.timed_out:
            self._limit.overloaded(sent_at, reply.wait_s)
            self.tally.lowest_limit = min(self.tally.lowest_limit, self._limit.limit)
        elif not isinstance(reply.result, Failure):
            self._limit.succeeded()

    async def _pause(self, reply: Reply, attempts: _Attempts) -> None:
        """Wait before the next attempt; Stopped when the judging ends meanwhile, or has no repetitions left."""
        assert isinstance(reply.result, Failure)
        if reply.code == "insufficient_quota":
            raise ModelError(
                f"openai:{self.server.model}: the account at {self.server.public_url} has no quota left "
                f"({reply.result.detail}). All replies are kept: once it has, the same command asks for the rest."
            )
        if reply.wait_s > LONGEST_WAIT_S:
            raise ModelError(
                f"openai:{self.server.model}: {self.server.public_url} says: {reply.result.detail}. All replies are "
                "kept: the same command goes on then."
            )
        if self.course.repeated >= self.course.retries:
            self._session.require_use(reply)  # says better what is wrong with a server that was never reached
            raise ModelError(
                f"openai:{self.server.model}: {self.course.retries} requests were repeated, all that --retries allows; "
                f"the last failed with: {reply.result.detail}. All replies are kept: the same command goes on, with a "
                "new budget."
            )
        self.tally.retries += 1
        self.course.repeated += 1
        backoff = min(LONGEST_BACKOFF_S, BACKOFF_S * 2 ** (attempts.number - 1)) * random.uniform(0.5, 1.5)
        try:
            await asyncio.wait_for(self._stop.wait(), max(backoff, reply.wait_s))
        except asyncio.TimeoutError:
            return
        raise Stopped

    def _keep(self, call: Call, reply: Reply, attempts: _Attempts) -> Completion:
        """Return what is to be kept of a request, after it was written to disk."""
        self._session.require_use(reply)
        completion = self._completion(call, reply, attempts)
        if completion.text is not None:
            self._answered = True
            self._wake()
            self._require_snapshot(completion)
        elif not completion.final and reply.status != 200:
            self._refused.append(reply)
            if not self._answered and not self._under_way and len(self._refused) >= _REFUSED_FROM_THE_START:
                self._require_any_answer()
        self.journal.append(completion)
        self._session.require_progress(reply)
        return completion

    def _completion(self, call: Call, reply: Reply, attempts: _Attempts) -> Completion:
        return Completion(
            key=call.key,
            task=call.item.first.task,
            item=call.item.first.index,
            order=call.place.order,
            sample=call.place.sample,
            attempt=call.place.attempt,
            judge=self.server.model,
            snapshot=reply.model,
            text=None if isinstance(reply.result, Failure) else reply.result,
            error=reply.result if isinstance(reply.result, Failure) else None,
            prompt_tokens=reply.prompt_tokens,
            tokens=reply.tokens,
            seconds=attempts.seconds,
            finish_reason=reply.finish_reason,
            lost=attempts.lost,
            bound_usd=None if self.purse.price is None else self.purse.bound(call),
        )

    def _require_snapshot(self, completion: Completion) -> None:
        """Keep a reply of another model apart, and raise RunError: its verdicts must not be mixed with the others."""
        self.course.pinned = self.course.pinned or (completion.snapshot,)
        if self.course.pinned == (completion.snapshot,):
            return
        key, task = digest(completion.key, completion.snapshot), OTHER_SNAPSHOT
        self.journal.append(replace(completion, key=key, task=task, lost=0, of=(completion.key, completion.task)))
        raise changed(self.server.model, completion.snapshot, self.course.pinned[0])

    def _require_any_answer(self) -> None:
        """Raise ModelError: the server refused every request since the start."""
        result = self._refused[-1].result
        assert isinstance(result, Failure)
        raise ModelError(
            f"openai:{self.server.model}: {self.server.public_url} refused the first {len(self._refused)} requests, "
            f"the last with: {result.detail}. Check the model's name, and --set NAME=VALUE for settings that it does "
            "not take (--set temperature=none leaves one out); the next command asks for all of these again."
        )


def changed(model: str, now: str | None, before: str | None) -> RunError:
    """Return the error for a judge behind whose name stands another model than before."""
    now, before = (each or "a model that its server does not name" for each in (now, before))
    return RunError(
        f"openai:{model} is now {now} and was {before} when this judging began. Verdicts of two models are not mixed: "
        "--new-snapshot judges everything again by the new one and keeps the old judging beside it."
    )
