"""A mixture file says what is trained on; building it writes a folder of conversations with a data card.

::

    seed = 1
    test_sentences = ["wmt22/"]               # refused wherever they occur; [] if there is nothing to refuse

    [interactive]                             # how sentence pairs become conversations: interactive.Options
    changes = [1, 3]
    instructions = ["en", "zh"]

    [[source]]
    name = "news"
    format = "lines"                          # lines, tsv, tmx, jsonl: sentence pairs; alpaca, sharegpt, messages: talk
    files = ["news.zh", "news.en"]
    languages = ["zh", "en"]                  # of a pair, the side that is translated first; of talk, its language
    weight = 1.5                              # how often each record is used: once, and of every second one twice

The folder holds ``conversations.jsonl`` and ``card.json``, written last. The same mixture gives the same bytes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from reference_model import corpus, interactive
from reference_model.contamination import TestSentences
from reference_model.conversation import Message, Template, check, load_template, to_json
from reference_model.errors import ConversationError, CorpusError, did_you_mean
from reference_model.files import partial, sha256
from reference_model.interactive import Options, Talk
from reference_model.toml_files import checked, parse_toml

CONVERSATIONS, CARD = "conversations.jsonl", "card.json"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source of a mixture."""

    name: str
    """Unique within the mixture."""
    format: str
    """A key of ``corpus.PAIR_FORMATS`` or ``corpus.TALK_FORMATS``."""
    files: tuple[str, ...]
    """Paths, beside the mixture file unless they are absolute."""
    languages: tuple[str, ...] = ()
    """Two for sentence pairs; one, or none where unknown, for talk."""
    weight: float = 1.0
    """How often each record is used on average."""
    most: int = 0
    """Read only so many records; 0 for all."""
    both: bool = False
    """Sentence pairs: translate the second language into the first in half of the conversations."""
    glossary: str = ""
    """Sentence pairs: a file of terms, tab-separated: term, its translation, then renderings that are not wanted."""

    def __post_init__(self) -> None:
        known = [*corpus.PAIR_FORMATS, *corpus.TALK_FORMATS]
        where = f"source {self.name!r}"
        if self.format not in known:
            near = did_you_mean(self.format, known)
            raise CorpusError(f"{where}: format {self.format!r} is unknown.{near} Known: {', '.join(known)}.")
        if self.is_parallel and len(self.languages) != 2:
            raise CorpusError(f'{where}: sentence pairs need languages = ["zh", "en"], found {list(self.languages)}.')
        if self.format == "lines" and len(self.files) != 2:
            raise CorpusError(f"{where}: format lines needs two files, found {len(self.files)}.")
        if not self.files or self.weight <= 0 or self.most < 0:
            raise CorpusError(f"{where}: files must not be empty, weight be above 0 and most not below 0.")

    @property
    def is_parallel(self) -> bool:
        """Whether its records are sentence pairs."""
        return self.format in corpus.PAIR_FORMATS


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What a training set is made of."""

    folder: Path
    """Where relative paths begin."""
    source: tuple[Source, ...]
    """In this order in the result; training shuffles."""
    test_sentences: tuple[str, ...]
    """Files and folders whose sentences are refused."""
    seed: int = 1
    """Decides everything that is drawn."""
    interactive: Options = field(default_factory=Options)
    """How sentence pairs become conversations."""


def read_mixture(path: Path) -> Mixture:
    """Return the mixture of a file; CorpusError names what is wrong in it."""
    values = parse_toml(path, CorpusError)
    sources = values.get("source")
    if not isinstance(sources, list) or not sources:
        raise CorpusError(f"{path}: has no [[source]].")
    read = [checked(one, Source, CorpusError, f"{path}, source {number}") for number, one in enumerate(sources, 1)]
    built = tuple(Source(**_tuples(one)) for one in read)
    twice = [name for name, count in Counter(source.name for source in built).items() if count > 1]
    if twice:
        raise CorpusError(f"{path}: source {twice[0]!r} occurs twice; give each a name of its own.")
    options = checked(values.get("interactive", {}), Options, CorpusError, f"{path}, interactive")
    values = {**values, "source": built, "interactive": Options(**_tuples(options)), "folder": path.parent}
    return Mixture(**_tuples(checked(values, Mixture, CorpusError, str(path))))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def build(mixture: Mixture, out: Path, advance: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Write the folder ``out`` and return its card; ``advance`` is told the source's name after each record.

    Raises CorpusError when ``out`` exists already, when a source gives nothing and as the readers do.
    """
    if out.exists():
        raise CorpusError(f"{out} exists already. Name another folder, or remove it to build the data again.")
    tests = TestSentences.read(mixture.folder / path for path in mixture.test_sentences)
    counts = {source.name: Counter() for source in mixture.source}
    lengths: list[int] = []
    with partial(out) as folder:
        with (folder / CONVERSATIONS).open("w", encoding="utf-8", newline="\n") as file:
            for source in mixture.source:
                for talk in _talks(source, mixture, tests, counts[source.name], advance):
                    lengths.append(sum(len(message.content) for message in talk.messages))
                    file.write(json.dumps(_record(source, talk), ensure_ascii=False) + "\n")
                if not counts[source.name]["conversations"]:
                    raise CorpusError(f"source {source.name!r} gave no conversation: {_told(counts[source.name])}.")
        card = _card(mixture, tests, counts, lengths, sha256(folder / CONVERSATIONS))
        text = json.dumps(card, ensure_ascii=False, indent=1)
        (folder / CARD).write_text(f"{text}\n", encoding="utf-8")
    return json.loads(text)


def _record(source: Source, talk: Talk) -> dict[str, Any]:
    targets = [{key: value for key, value in asdict(target).items() if value != ()} for target in talk.targets]
    return {"messages": to_json(talk.messages), "source": source.name, **({"targets": targets} if targets else {})}


def _talks(
    source: Source, mixture: Mixture, tests: TestSentences, counts: Counter, advance: Callable[[str], None]
) -> Iterator[Talk]:
    """Yield a source's conversations, counting what is read, used and left out."""
    files = [mixture.folder / path for path in source.files]
    glossary = read_glossary(mixture.folder / source.glossary) if source.glossary else {}
    records = (
        corpus.read_pairs(source.format, files, source.languages)
        if source.is_parallel
        else corpus.read_talks(source.format, files)
    )
    for index, record in enumerate(records):
        if source.most and index >= source.most:
            break
        advance(source.name)
        counts["read"] += 1
        reason = _reason_against(record, tests)
        if reason:
            counts[reason] += 1
            continue
        for copy in range(_copies(source, mixture.seed, index)):
            draw = random.Random(f"{mixture.seed}/{source.name}/{index}/{copy}")
            talk = _converse(record, source, mixture.interactive, draw, glossary)
            counts["conversations"] += 1
            counts["turns"] += sum(message.role == "assistant" for message in talk.messages)
            counts.update(f"asked: {target.kind}" for target in talk.targets)
            yield talk


def _reason_against(record: corpus.Pair | tuple[Message, ...], tests: TestSentences) -> str:
    """Return why a record is left out; an empty string for a good one."""
    if isinstance(record, corpus.Pair):
        texts = [record.source, record.target]
        empty = not all(text.strip() for text in texts)
    else:
        texts = [message.content for message in record]
        empty = not record
    if empty:
        return "left out: empty"
    try:
        "".join(texts).encode()
        if not isinstance(record, corpus.Pair):
            check(record, _chatml())
    except UnicodeEncodeError:  # JSON can name half of a surrogate pair, and cut texts do
        return "left out: half a character"
    except ConversationError:
        return "left out: not turn by turn"
    return "left out: test sentences" if tests.hold(texts) else ""


@cache
def _chatml() -> Template:
    return load_template("chatml")


def _copies(source: Source, seed: int, index: int) -> int:
    whole, part = divmod(source.weight, 1)
    return int(whole) + (random.Random(f"{seed}/{source.name}/{index}").random() < part)


def _converse(
    record: Any, source: Source, options: Options, draw: random.Random, glossary: interactive.Glossary
) -> Talk:
    if not isinstance(record, corpus.Pair):
        return Talk(record, ())
    languages = source.languages
    if source.both and draw.random() < 0.5:
        record, languages = corpus.Pair(record.target, record.source), languages[::-1]
        glossary = {wanted[0]: (term,) for term, wanted in glossary.items()}
    return interactive.converse(record, languages, options, draw, glossary)


def read_glossary(path: Path) -> interactive.Glossary:
    """Return the terms of a tab-separated file; CorpusError for a line without a translation."""
    glossary = {}
    for number, line in enumerate(corpus.lines(path), start=1):
        if line.strip():
            term, *renderings = [part.strip() for part in line.split("\t")]
            if not term or not renderings or not all(renderings):
                raise CorpusError(f"{path}:{number}: a term and its translation, separated by a tab: {line!r:.60}.")
            glossary[term] = tuple(renderings)
    return glossary


def _card(
    mixture: Mixture, tests: TestSentences, counts: dict[str, Counter], lengths: list[int], digest: str
) -> dict[str, Any]:
    ordered = sorted(lengths)
    sources = [
        {
            **asdict(source),
            "counts": dict(sorted(counts[source.name].items())),
            "sha256": {path: sha256(mixture.folder / path) for path in source.files},
        }
        for source in mixture.source
    ]
    return {
        "version": 1,
        "conversations": len(ordered),
        "sha256": digest,
        "seed": mixture.seed,
        "characters": {
            "median": ordered[len(ordered) // 2],
            "95 %": ordered[len(ordered) * 95 // 100],
            "most": ordered[-1],
            "all": sum(ordered),
        },
        "languages": sorted({language for source in mixture.source for language in source.languages}),
        "test_sentences": {"checked against": len(tests), "from": list(mixture.test_sentences)},
        "interactive": asdict(mixture.interactive),
        "sources": sources,
    }


def _told(counts: Counter) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "its files are empty"
