"""Ask what is missing, keep it, read it, add it up: the whole of ``bayling-bench judge``, across kills."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from bayling_bench.config import Shard
from bayling_bench.errors import BenchError, Interrupted
from bayling_bench.journal import Journal
from bayling_bench.judge import judging as judgings
from bayling_bench.judge.client import JudgeClient, Stopped, Tally
from bayling_bench.judge.completions import Completion, Place
from bayling_bench.judge.config import JudgeConfig
from bayling_bench.judge.items import Item
from bayling_bench.judge.judgements import Judgement, of_replies, wants_fresh_sample
from bayling_bench.judge.judging import Judging
from bayling_bench.judge.purse import OverBudget, Purse
from bayling_bench.models.endpoint import Endpoint
from bayling_bench.record import locked

_FEWEST_RETRIES = 50


@dataclass
class Progress:
    """How far a judging is; ``report`` is called after each judgement."""

    total: int
    report: Callable[[Progress], None] = lambda _: None
    done: int = 0
    failed: int = 0
    usd: float | None = None
    """Spent so far; None where no price is known."""

    def count(self, judgement: Judgement, usd: float | None) -> None:
        """Count one judgement."""
        self.done += 1
        self.failed += judgement["failure"] is not None
        self.usd = usd
        self.report(self)


@dataclass(frozen=True)
class Caller:
    """Who started a judging, and what they want to hear of it."""

    command: str = "bayling-bench judge"
    """The command line, without secrets."""
    report: Callable[[Progress], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of asking."""

    judgements: list[Judgement]
    tally: Tally
    stopped: BaseException | None = field(default=None)
    """Why it came to an end early."""


def ask(judging: Judging, asked: JudgeConfig, server: Endpoint, purse: Purse, caller: Caller) -> Asked:
    """Ask for everything that the journal does not hold yet, and return all judgements.

    An early end is returned, not raised, so that what was done is read and counted first. Raises RunError when another
    process works on this judging.
    """
    with locked(judging.completions, Shard()):
        journal = judging.open_journal()
        for place in journal.damaged:
            caller.say(f"warning: {place} is damaged; that reply is asked for again")
        purse.spent_usd += sum(call_cost for call_cost in _kept_costs(judging, journal, purse))
        try:
            tally, stopped = asyncio.run(_ask_all(judging, asked, server, (journal, purse), caller))
        finally:
            journal.close()
        return Asked(judgements=judgings.judgements_of(judging, journal), tally=tally, stopped=stopped)


def _kept_costs(judging: Judging, journal: Journal[Completion], purse: Purse) -> list[float]:
    if purse.price is None or not journal.entries():
        return []
    return [
        purse.cost(completion, call)
        for item, place in judging.places()
        if not item.problem
        for call, completion in judgings.replies_of(judging, journal, item, place)
    ]


async def _ask_all(
    judging: Judging, asked: JudgeConfig, server: Endpoint, kept: tuple[Journal[Completion], Purse], caller: Caller
) -> tuple[Tally, BaseException | None]:
    journal, purse = kept
    places = list(judging.places())
    retries = max(_FEWEST_RETRIES, len(places)) if asked.retries is None else asked.retries
    client = JudgeClient(server, journal, purse, retries)
    client.snapshot = judgings.snapshot_of(journal)
    progress = Progress(len(places), caller.report)
    tasks = [asyncio.create_task(_one(judging, client, item, place, progress)) for item, place in places]
    with _ctrl_c(client, tasks, caller):
        if tasks:
            await asyncio.wait(tasks)
    await client.close()
    failed = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
    for error in failed:
        if not isinstance(error, Stopped):
            raise error
    return client.tally, _reason(client.stopped, purse)


async def _one(judging: Judging, client: JudgeClient, item: Item, place: Place, progress: Progress) -> None:
    """Get one place its reply, and a fresh one where that cannot be read."""
    replies: list[Completion] = []
    try:
        for attempt in (0, 1) if not item.problem else ():
            replies.append(await client.ask(judging.asking.call(item, Place(place.order, place.sample, attempt))))
            if not wants_fresh_sample(replies[-1], item, judging.asking.protocol):
                break
    except Stopped:
        raise
    except BaseException as error:
        client.stop(error)
        raise
    usd = None if client.purse.price is None else client.purse.spent_usd
    progress.count(of_replies(item, place, replies, judging.sides), usd)


def _reason(stopped: BaseException | None, purse: Purse) -> BaseException | None:
    if not isinstance(stopped, OverBudget):
        return stopped
    return BenchError(
        f"stopped before --max-cost {purse.most_usd:g} could be passed: {purse.spent_usd:.4f} US dollars are spent, "
        "and the next request could cost more than is left. Everything so far is kept and counted: the same command "
        "with a higher --max-cost goes on."
    )


@contextlib.contextmanager
def _ctrl_c(client: JudgeClient, tasks: list[asyncio.Task[None]], caller: Caller):  # noqa: ANN202 - a context manager
    """Let the first Ctrl-C wait for what is under way, since it is paid for; the second gives it up."""

    def heard() -> None:
        if client.stopped is None:
            client.stop(Interrupted("stopped. Every reply is kept: the same command goes on from here."))
            caller.say("stopping; waiting for the requests under way. Ctrl-C again gives them up.")
            return
        for task in tasks:
            task.cancel()

    loop = asyncio.get_running_loop()
    able = False
    with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # outside the main thread
        loop.add_signal_handler(signal.SIGINT, heard)
        able = True
    try:
        yield
    finally:
        if able:
            loop.remove_signal_handler(signal.SIGINT)
