"""``published:SYSTEM``: the outputs that BayLing's authors released, in place of a model."""

from __future__ import annotations

from collections import deque

from lm_eval.api.instance import Instance

from bayling_bench.config import TaskOptions
from bayling_bench.data import published
from bayling_bench.errors import ModelError
from bayling_bench.models.details import Detail
from bayling_bench.models.json_prompts import JsonPrompts
from bayling_bench.task_index import Task


class Published(JsonPrompts):
    """Answers from files; a request is found by its task and document."""

    def __init__(self, system: str, tasks: list[Task], prompt_form: str) -> None:
        """Read the outputs of ``tasks``; DataError where a file answers other questions than its task asks."""
        super().__init__()
        self.system = system
        self.details: deque[Detail] = deque()
        options = TaskOptions(prompt_form=prompt_form)
        self._answers = {
            task.name: published.answers(file, task.documents(options))
            for task in tasks
            if (file := published.output_file(system, task, prompt_form))
        }

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the released output of each request."""
        texts = []
        for request in requests:
            assert request.task_name is not None
            answer = self._answers[request.task_name][request.doc["index"]]
            self.details.append(Detail(answer.tokens, answer.finish_reason))
            texts.append(answer.texts[request.idx])
        return texts

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Refuse: texts have no log-likelihoods."""
        raise ModelError(f"published:{self.system} gives no log-likelihoods: leave out the *_mc tasks.")

    loglikelihood_rolling = loglikelihood  # type: ignore[assignment]
