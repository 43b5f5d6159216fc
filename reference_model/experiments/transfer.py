"""Does interactive translation carry the following of instructions from English to Chinese and German?

That is what the paper claims of BayLing. Here it is put to the test in the miniature language, where every answer can
be checked: small models are trained from nothing, and asked general instructions in languages in which they were
trained on none. All arms spend half of their tokens on the same instructions in English. The other half is, by arm,

- ``english``: more instructions in English;
- ``single``: translations, one turn each;
- ``interactive``: translations with changes asked for turn by turn;
- ``all``: the same instructions in Chinese and German, the upper bound.

A seed means the same first weights and the same English half in all arms, so that arms are compared within seeds. What
comes out is a file of answers a run, and ``answers.jsonl`` of all; statistics and picture: ``examples/transfer.py``.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from reference_model import terminal
from reference_model.errors import TrainingError, UserError
from reference_model.files import write_text

if TYPE_CHECKING:
    from reference_model.conversation import Message

Made = TypeVar("Made")
CONFIG = Path(__file__).with_suffix(".toml")
ENGLISH, OTHERS = "en", ("zh", "de")
ARMS = ("english", "single", "interactive", "all")
PLAN, QUESTIONS, ANSWERS = "plan.json", "questions.jsonl", "answers.jsonl"
FAMILIES = (
    "who", "where", "when", "denied", "negate", "question", "future", "opposite", "kind", "last", "count", "repeat",
)  # fmt: skip
"""Of general instructions. The others of the miniature language (first, reverse, odd, pick) are left out: a model of
this size had hardly learned them, in any language, after so few steps."""
LONGEST = 18
"""Tokens of a message, in training and test: short sentences, which so small a model learns to translate."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an experiment is: the same plan in another folder gives the same answers."""

    steps: int = 2000
    """Of each training."""
    questions: int = 30
    """Asked of each family in each language."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A test item."""

    id: str
    language: str
    """Of the instruction; of translations their direction."""
    family: str
    messages: list[dict[str, str]]
    right: list[str]


def shares(arm: str) -> tuple[Any, Any]:
    """Return the two halves of an arm's data."""
    from reference_model.miniature.conversations import Share

    english = Share(kind="instructions", tokens=0.5, languages=(ENGLISH,), families=FAMILIES)
    second = {
        "english": english,
        "single": Share(kind="translation", tokens=0.5),
        "interactive": Share(kind="interactive", tokens=0.5),
        "all": Share(kind="instructions", tokens=0.5, languages=OTHERS, families=FAMILIES),
    }
    return english, second[arm]


def questions(plan: Plan) -> Iterator[Question]:
    """Yield what every model is asked: unseen instructions of every family and language, and fresh translations.

    The translations tell whether a model has learned what it was trained on; a second turn follows the right first one.
    """
    from reference_model.conversation import to_json
    from reference_model.miniature.conversations import Share, converse
    from reference_model.miniature.instructions import instruct
    from reference_model.miniature.lexicon import LANGUAGES

    for language in LANGUAGES:
        for family in FAMILIES:
            draw = random.Random(f"transfer/{language}/{family}")
            for number in range(plan.questions):
                task = _short(lambda: instruct(draw, family, language, test=True), lambda task: [task.prompt])  # noqa: B023
                messages = [{"role": "user", "content": task.prompt}]
                yield Question(
                    id=f"{language}/{family}/{number}", language=language, family=family,
                    messages=messages, right=list(task.answers),
                )  # fmt: skip
    for kind in ("translation", "interactive"):
        draw = random.Random(f"transfer/{kind}")
        for number in range(4 * plan.questions):
            turns = _short(lambda: converse(draw, Share(kind=kind, tokens=1)), _contents)  # noqa: B023
            *messages, last = to_json(turns)
            yield Question(
                id=f"{kind}/{number}", language="", family=kind, messages=messages, right=[last["content"]]
            )  # fmt: skip


def _contents(turns: list[Message]) -> list[str]:
    return [turn.content for turn in turns]


def _short(make: Callable[[], Made], texts: Callable[[Made], list[str]]) -> Made:
    """Return the first thing made whose texts are all short enough."""
    from reference_model.miniature.dataset import tokenizer

    while True:
        made = make()
        ids = tokenizer()(texts(made), add_special_tokens=False)["input_ids"]
        if max(map(len, ids)) <= LONGEST:
            return made


def read_questions(folder: Path) -> list[Question]:
    """Return the questions that ``run_all`` wrote."""
    return [Question(**json.loads(line)) for line in (folder / QUESTIONS).read_text(encoding="utf-8").splitlines()]


def run_one(folder: Path, arm: str, seed: int, plan: Plan) -> None:
    """Make the data of an arm and seed, train on it and answer, each part only where it is not there yet.

    TrainingError where a signal stopped the training, which goes on from its checkpoint the next time.
    """
    from reference_model import settings
    from reference_model.miniature import dataset
    from reference_model.run_folder import RECORD, Data
    from reference_model.session import Reporter, train

    own = folder / f"{arm}-{seed}"
    if (own / ANSWERS).is_file():
        return
    chosen = settings.load(str(CONFIG), [f"optimizer.steps={plan.steps}", f"running.seed={seed}"])
    data = own / "data"
    if not data.is_dir():
        tokens = plan.steps * chosen.batch.sequences * chosen.batch.length
        dataset.write(dataset.Plan(tokens=tokens, seed=seed, shares=shares(arm), longest=LONGEST), data)
    quiet = Reporter(say=lambda _: None, step=lambda _, _total: None)
    resume = (own / "run" / RECORD).is_file()
    if not train(chosen, Data(data), own / "run", resume=resume, reporter=quiet):
        raise TrainingError(f"{own / 'run'} was stopped. The same command goes on.")
    rows = [
        {"arm": arm, "seed": seed, "id": asked.id, "language": asked.language, "family": asked.family,
         "answer": answer, "right": int(answer in asked.right)}
        for asked, answer in answers(own / "run", read_questions(folder))
    ]  # fmt: skip
    write_text(own / ANSWERS, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def answers(run: Path, asked: list[Question]) -> Iterator[tuple[Question, str]]:
    """Yield what the model of a run says to each question, taking the likeliest token each time."""
    from transformers import AutoTokenizer

    from reference_model import checkpoint, run_folder
    from reference_model.loss import LossNetwork
    from reference_model.network import make_network
    from reference_model.session import last_checkpoint

    tokenizer = AutoTokenizer.from_pretrained(run / "tokenizer")
    settings = run_folder.settings_of(run)
    network = LossNetwork(make_network(settings, tokenizer), rows=settings.running.loss_rows)
    checkpoint.load_weights(last_checkpoint(run), network)
    model: Any = network.network.eval()
    said = likeliest(model, tokenizer, [one.messages for one in asked], 64, LONGEST + 1)
    yield from zip(asked, said, strict=True)


def likeliest(
    model: Any, tokenizer: Any, conversations: list[list[dict[str, str]]], together: int, longest: int
) -> list[str]:
    """Return the answer to each conversation, taking the likeliest token each time, at most ``longest`` of them.

    ``together`` conversations of like length are answered at once.
    """
    import torch

    texts = [
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        for messages in conversations
    ]
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    found = [""] * len(texts)
    for start in range(0, len(order), together):
        chosen = order[start : start + together]
        inputs = tokenizer(
            [texts[index] for index in chosen],
            return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False,
        )  # fmt: skip
        with torch.inference_mode():
            output = model.generate(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=longest,
                do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
        new = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        for index, text in zip(chosen, new, strict=True):
            found[index] = text.strip()
    return found


def run_all(folder: Path, seeds: int, plan: Plan, processes: int) -> Path:
    """Run every arm with every seed, ``processes`` at a time with a thread each; return the file of all answers."""
    _check_plan(folder, plan)
    runs = [(arm, seed) for seed in range(1, seeds + 1) for arm in ARMS]

    def work(run: tuple[str, int]) -> None:
        words = ["--output", folder, "--steps", plan.steps, "--questions", plan.questions, "--only", *run]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, "-m", "reference_model.experiments.transfer", *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TrainingError(f"{run[0]}, seed {run[1]}: {done.stderr.strip()[-500:]}")
        right = [json.loads(line)["right"] for line in (folder / f"{run[0]}-{run[1]}" / ANSWERS).open(encoding="utf-8")]
        place = f"run {runs.index(run) + 1} of {len(runs)}: {run[0]}, seed {run[1]}"
        terminal.say(f"{place}: {sum(right)} of {len(right)} answers are right")

    pool = ThreadPoolExecutor(processes)
    try:
        for _ in pool.map(work, runs):
            pass
    finally:  # after a failure or Ctrl-C none is started any more; those that run end by themselves
        pool.shutdown(cancel_futures=True)
    text = "".join((folder / f"{arm}-{seed}" / ANSWERS).read_text(encoding="utf-8") for arm, seed in runs)
    write_text(folder / ANSWERS, text)
    return folder / ANSWERS


def _check_plan(folder: Path, plan: Plan) -> None:
    """Write the plan into a new folder; TrainingError where the folder holds an experiment of another one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != asdict(plan):
        raise TrainingError(f"{folder} holds an experiment of another plan ({path.read_text().strip()}). Name another.")
    write_text(path, json.dumps(asdict(plan)) + "\n")
    if not (folder / QUESTIONS).is_file():
        lines = (json.dumps(asdict(question), ensure_ascii=False) + "\n" for question in questions(plan))
        write_text(folder / QUESTIONS, "".join(lines))


def experiment(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder; the same command goes on in it.")],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each arm.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Of each training.")] = Plan.steps,
    questions: Annotated[int, typer.Option(min=1, help="Of each family in each language.")] = Plan.questions,
    processes: Annotated[int, typer.Option(min=1, help="Trainings at a time, with a thread each.")] = 2,
    only: Annotated[tuple[str, int], typer.Option(metavar="ARM SEED", help="This one training.")] = ("", 0),
) -> None:
    """Train every arm with every seed on the miniature language and ask each model the same questions."""
    plan = Plan(steps=steps, questions=questions)
    if only[0]:
        if only[0] not in ARMS:
            raise TrainingError(f"--only {only[0]!r} is unknown. Known: {', '.join(ARMS)}.")
        run_one(output, only[0], only[1], plan)
        return
    done = run_all(output, seeds, plan, processes)
    terminal.say(f"{done}. Next: python examples/transfer.py {output}")


if __name__ == "__main__":
    try:
        typer.run(experiment)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
