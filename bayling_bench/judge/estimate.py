"""What a judging will ask and can cost, before the first request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayling_bench.errors import BenchError
from bayling_bench.judge.judging import Judging, judge_place
from bayling_bench.judge.purse import Purse


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Of one judging."""

    questions: int
    unanswered: int
    """Questions that nobody is asked about, for want of an answer."""
    wanted: int
    """Replies wanted in all."""
    kept: int
    """Of these, in the journal already."""
    prompt_tokens: int
    """Of the requests that are still to be sent."""
    reply_tokens: int
    """The most that their replies can have."""
    usd: float | None
    """The most that they can cost if every reply can be read at once; None where no price is known."""


def estimate(judging: Judging, purse: Purse) -> Estimate:
    """Return what one judging will ask; nothing is sent to the judge."""
    journal = judging.open_journal()
    wanted = kept = prompts = replies = 0
    usd = 0.0
    for item, place in judging.places():
        if item.problem:
            continue
        wanted += 1
        found = judge_place(judging, journal, item, place)
        call = found.outstanding
        if call is None:
            kept += 1
            continue
        prompts += purse.counter.request(call.request)
        replies += call.most_tokens
        usd += purse.bound(call)
    return Estimate(
        questions=len(judging.items),
        unanswered=sum(item.problem is not None for item in judging.items),
        wanted=wanted,
        kept=kept,
        prompt_tokens=prompts,
        reply_tokens=replies,
        usd=None if purse.price is None else usd,
    )


def lines(judgings: Sequence[Judging], estimates: Sequence[Estimate], purse: Purse) -> Iterator[str]:
    """Yield what the user should know before anything is paid for."""
    asking = judgings[0].asking
    protocol = asking.protocol
    orders = "both orders" if len(protocol.directions) > 1 else "one order"
    samples = f"{protocol.samples} sample{'s' if protocol.samples > 1 else ''}"
    how = f"{orders}, {samples} an order" if protocol.kind == "pairwise" else samples
    yield f"judge: openai:{asking.model} at {asking.url}, protocol {protocol.name} {protocol.version} ({how})"
    for judging, each in zip(judgings, estimates, strict=True):
        sides = judging.sides
        against = f" against {sides.system2}" if sides.system2 else ""
        empty = f" ({each.unanswered} without an answer to judge)" if each.unanswered else ""
        yield (
            f"{sides.system1}{against}: {each.questions:,} questions{empty}, {each.wanted:,} requests, of which "
            f"{each.kept:,} are answered already"
        )
    prompts, replies = (sum(getattr(each, name) for each in estimates) for name in ("prompt_tokens", "reply_tokens"))
    yield f"tokens to be paid for: {prompts:,} of prompts, counted {purse.counter.how}; at most {replies:,} of replies"
    yield _cost(estimates, purse)


def _cost(estimates: Sequence[Estimate], purse: Purse) -> str:
    known = [each.usd for each in estimates if each.usd is not None]
    if purse.price is None:
        return "cost: no price is known for this judge at this address; --prices FILE can name one"
    once, prices = sum(known), f"prices of {purse.price.as_of}" if purse.price.as_of else "prices of --prices"
    return (
        f"cost: at most {2 * once:.2f} US dollars if every reply has to be asked for twice, {once:.2f} if none has; "
        f"{prices}. Replies lost on the way may come on top; --max-cost counts them in."
    )


def require_price(purse: Purse, model: str) -> None:
    """Raise BenchError when a cap is asked for and no price is known."""
    if purse.most_usd is not None and purse.price is None:
        raise BenchError(
            f"--max-cost needs a price, and none is known for {model} at this address. Give --prices FILE with lines "
            f'[models] and "{model}" = {{ input = 2.5, output = 10.0 }}, in US dollars for a million tokens.'
        )
