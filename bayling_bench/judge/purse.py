"""Money while it is spent: what was paid, what is promised to requests under way, and the cap that both stay below."""

from __future__ import annotations

from dataclasses import dataclass

from bayling_bench.journal import Failure
from bayling_bench.judge.completions import Call, Completion
from bayling_bench.judge.prices import Price
from bayling_bench.judge.tokens import Counter
from bayling_bench.models.chat_reply import Reply


class OverBudget(Exception):
    """The next request could pass --max-cost."""


@dataclass
class Purse:
    """Counts dollars; a request promises the most that it can cost before it is sent."""

    price: Price | None
    counter: Counter
    most_usd: float | None = None
    """--max-cost."""
    spent_usd: float = 0.0
    promised_usd: float = 0.0

    def bound(self, call: Call) -> float:
        """Return the most that sending a request once can cost."""
        return 0.0 if self.price is None else self.price.usd(self.counter.request(call.request), call.most_tokens)

    def promise(self, usd: float) -> None:
        """Set money aside for a request; OverBudget when the cap could be passed."""
        if self.most_usd is not None and self.spent_usd + self.promised_usd + usd > self.most_usd:
            raise OverBudget
        self.promised_usd += usd

    def settle(self, promised: float, reply: Reply | None) -> None:
        """Replace what a request promised by what it cost; None: it was given up while under way."""
        self.promised_usd -= promised
        if reply is None or reply.lost:
            self.spent_usd += promised
        else:
            unknown = 0.0 if isinstance(reply.result, Failure) else promised
            self.spent_usd += self._usd(reply.prompt_tokens, reply.tokens, unknown)

    def cost(self, completion: Completion) -> float:
        """Return what a request has cost, with all attempts that may have been charged for."""
        bound = completion.bound_usd or 0.0
        unknown = 0.0 if completion.text is None else bound
        return completion.lost * bound + self._usd(completion.prompt_tokens, completion.tokens, unknown)

    def _usd(self, prompt_tokens: int | None, tokens: int | None, unknown: float) -> float:
        if self.price is None or prompt_tokens is None or tokens is None:
            return unknown
        return self.price.usd(prompt_tokens, tokens)
