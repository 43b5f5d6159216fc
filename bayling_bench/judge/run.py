"""Ask what is missing, keep it, read it, add it up: the whole of ``bayling-bench judge``, across kills."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bayling_bench.config import Shard
from bayling_bench.errors import BenchError, Interrupted
from bayling_bench.journal import Journal
from bayling_bench.judge import judging as judgings
from bayling_bench.judge.client import Course, JudgeClient, Stopped, Tally
from bayling_bench.judge.completions import Call, Completion, Place
from bayling_bench.judge.items import Item
from bayling_bench.judge.judgements import Judgement, of_replies, wants_fresh_sample
from bayling_bench.judge.judging import Judged, Judging
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

    judged: list[Judged]
    tally: Tally
    stopped: BaseException | None = field(default=None)
    """Why it came to an end early."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What judgings of one command are carried out with."""

    server: Endpoint
    purse: Purse
    course: Course
    caller: Caller


def course(several: Sequence[Judging], retries: int | None) -> Course:
    """Return the start of a command: the model that answered before, and one budget of repetitions for all judgings.

    Raises RunError where replies of another model have come since.
    """
    places = sum(1 for judging in several for _ in judging.places())
    budget = max(_FEWEST_RETRIES, places) if retries is None else retries
    return Course(budget, pinned=judgings.pinned(several))


def ask(judging: Judging, means: Means) -> Asked:
    """Ask for everything that the journal does not hold yet, and return all that it holds then.

    An early end is returned, not raised, so that what was done is read and counted first. Raises RunError when another
    process works on this judging.
    """
    with locked(judging.completions, Shard()):
        journal = judging.open_journal()
        for place in journal.damaged:
            means.caller.say(f"warning: {place} is damaged; that reply is asked for again")
        try:
            return asyncio.run(_ask_all(judging, journal, means))
        finally:
            journal.close()


async def _ask_all(judging: Judging, journal: Journal[Completion], means: Means) -> Asked:
    purse, caller = means.purse, means.caller
    places = list(judging.places())
    client = JudgeClient(means.server, journal, purse, means.course)
    progress = Progress(len(places), caller.report)
    tasks: list[asyncio.Task[Judged]] = []
    with _ctrl_c(client, tasks, caller):
        for item, place in places:
            tasks.append(asyncio.create_task(_one(judging, client, item, place, progress)))
            await asyncio.sleep(0)  # or the first request would wait until all of them are written
        if tasks:
            await asyncio.wait(tasks)
    await client.close()
    judged = []
    for task, (item, place) in zip(tasks, places, strict=True):
        error = Stopped() if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Stopped):
            raise error
        judged.append(judgings.judge_place(judging, journal, item, place) if error else task.result())
    in_order = judgings.in_order(judging, judged)
    return Asked(judged=in_order, tally=client.tally, stopped=_reason(client.stopped, purse))


async def _one(judging: Judging, client: JudgeClient, item: Item, place: Place, progress: Progress) -> Judged:
    """Get one place its reply, and a fresh one where that cannot be read."""
    replies: list[tuple[Call, Completion]] = []
    judgement = of_replies(item, place, (), judging.sides)
    try:
        for attempt in (0, 1) if not item.problem else ():
            call = judging.asking.call(item, Place(place.order, place.sample, attempt))
            replies.append((call, await client.ask(call)))
            judgement = of_replies(item, place, [reply for _, reply in replies], judging.sides)
            if not wants_fresh_sample(judgement):
                break
    except Stopped:
        raise
    except BaseException as error:
        client.stop(error)
        raise
    progress.count(judgement, None if client.purse.price is None else client.purse.spent_usd)
    return Judged(judgement, replies)


def _reason(stopped: BaseException | None, purse: Purse) -> BaseException | None:
    if not isinstance(stopped, OverBudget):
        return stopped
    return BenchError(
        f"stopped before --max-cost {purse.most_usd:g} could be passed: {purse.spent_usd:.4f} US dollars are spent, "
        "and the next request could cost more than is left. Everything so far is kept and counted: the same command "
        "with a higher --max-cost goes on."
    )


@contextlib.contextmanager
def _ctrl_c(client: JudgeClient, tasks: list[asyncio.Task[Judged]], caller: Caller):  # noqa: ANN202 - a context manager
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
