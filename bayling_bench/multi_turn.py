"""Multi-turn tasks for lm-eval: turn 2 is asked after the model's own turn 1.

lm-eval runs request types one after the other, so a document becomes one request a turn, each later turn of a type of
its own (``generate_until_turn2`` …). Its prompt is rendered when it is read, from the answers that the earlier turns
have by then. lm-eval calls the model method named like the type; the task puts that alias on the model, which it
reaches through the chat template function that lm-eval hands over (the model's bound method). This works under plain
``lm_eval run --apply_chat_template`` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask

from bayling_bench.errors import BenchError


def request_type(turn: int) -> str:
    """Return lm-eval's request type of a turn, counted from 0."""
    return "generate_until" if turn == 0 else f"generate_until_turn{turn + 1}"


class Turn(Instance):
    """A request for one turn, whose prompt depends on the answers to the turns before it."""

    def __init__(self, earlier: Sequence[Turn], render: Callable[..., str], system: str | None, **kwargs: Any) -> None:
        self.earlier = earlier
        self.render = render
        self.system = system
        super().__init__(**kwargs)

    def messages(self) -> list[dict[str, str]]:
        """Return the conversation up to this turn's question, with the model's answers so far."""
        questions = self.doc["turns"]
        history = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.earlier:
            history.append({"role": "user", "content": questions[turn.idx]})
            history.append({"role": "assistant", "content": str(turn.resps[0])})
        return [*history, {"role": "user", "content": questions[self.idx]}]

    @property
    def args(self) -> tuple[Any, ...]:
        """Return ``(prompt, generation settings)``; the turns before must have been answered."""
        return (self.render(self.messages()), self.arguments[1])


class MultiTurnTask(ConfigurableTask):
    """A generative task whose documents hold ``turns``, the user's messages."""

    def __init__(self, config: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(config={key: value for key, value in config.items() if key != "class"}, **kwargs)

    def build_all_requests(self, *, system_instruction: str | None = None, **kwargs: Any) -> None:
        """Build the requests as lm-eval does, keeping the system instruction for the later turns."""
        self._system = system_instruction
        super().build_all_requests(system_instruction=system_instruction, **kwargs)

    def construct_requests(self, doc: dict[str, Any], ctx: Any, **kwargs: Any) -> list[Instance]:
        """Return one request a turn.

        Raises BenchError when no chat template is applied: a conversation has no form without one.
        """
        chat_template = kwargs.pop("chat_template", None)
        if not kwargs.pop("apply_chat_template", False) or chat_template is None:
            raise BenchError(
                f"{self.config.task} is a conversation and needs a chat template: add --apply_chat_template "
                "(lm_eval run) or --chat-template FILE|NAME (bayling-bench run)."
            )
        turns: list[Turn] = []
        for index in range(len(doc["turns"])):
            _alias(chat_template.__self__, request_type(index))
            turns.append(
                Turn(
                    earlier=tuple(turns),
                    render=chat_template,
                    system=self._system,
                    request_type=request_type(index),
                    doc=doc,
                    arguments=(ctx, deepcopy(self.config.generation_kwargs)),
                    idx=index,
                    **kwargs,
                )
            )
        return list(turns)


def _alias(model: LM, method: str) -> None:
    """Let lm-eval find ``method`` on the model: every turn is generated like the first."""
    if not hasattr(model, method):
        setattr(model, method, model.generate_until)
