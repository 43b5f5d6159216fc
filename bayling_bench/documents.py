"""Documents: what lm-eval calls one item of a task, as plain dictionaries in a list.

A document carries its rendered ``prompt`` (or ``turns``), what it is scored against, and ``index``, its position in the
upstream file. ``Documents`` stands in for ``datasets.Dataset``: lm-eval only iterates, indexes and reads ``features``,
and a list is read a thousand times faster than Arrow rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayling_bench import prompts

Document = dict[str, Any]


class Documents(list[Document]):
    """The items of one split, in upstream order."""

    @property
    def features(self) -> Mapping[str, None]:
        """Return the field names, in the form in which lm-eval asks for them."""
        return dict.fromkeys(self[0])


def translation(
    sources: Sequence[str], references: Sequence[Sequence[str]], languages: tuple[str, str], prompt_form: str
) -> Documents:
    """Return translation documents; ``references`` holds one list of segments for each reference."""
    source_language, target_language = languages
    return Documents(
        {
            "index": index,
            "prompt": prompts.translation(source, target_language, prompt_form),
            "source": source,
            "references": list(answers),
            "target": answers[0],
            "source_language": source_language,
            "target_language": target_language,
        }
        for index, (source, *answers) in enumerate(zip(sources, *references, strict=True))
    )


def constrained(records: Sequence[Mapping[str, Any]], languages: tuple[str, str], prompt_form: str) -> Documents:
    """Return constrained-translation documents from records with ``src``, ``tgt`` and ``constraint``."""
    source_language, target_language = languages
    return Documents(
        {
            "index": index,
            "prompt": prompts.constrained_translation(
                record["src"], target_language, record["constraint"], prompt_form
            ),
            "source": record["src"],
            "references": [record["tgt"]],
            "target": record["tgt"],
            "constraints": record["constraint"],
            "source_language": source_language,
            "target_language": target_language,
        }
        for index, record in enumerate(records)
    )


def conversations(records: Sequence[Mapping[str, Any]], turns: int | None = None) -> Documents:
    """Return conversation documents from records in BayLing-80's form, with the first ``turns`` turns (None: all)."""
    documents = Documents()
    for index, record in enumerate(records):
        text = record["text"]
        questions = ([text] if isinstance(text, str) else list(text))[:turns]
        document = {
            "index": index,
            "question_id": record["question_id"],
            "category": record["category"],
            "turns": questions,
            "prompt": questions[0],
            "target": "",
        }
        if "checks" in record:
            document["checks"] = record["checks"][:turns]
        documents.append(document)
    return documents


def exam(records: Sequence[Mapping[str, Any]], language: str, kind: str) -> Documents:
    """Return exam documents from records in AGIEval's form.

    ``kind`` is that of ``prompts.exam``; ``letter`` (ranking by log-likelihood) keeps only items with one right letter.
    """
    documents = Documents()
    for index, record in enumerate(records):
        label = record["label"]
        if kind == "letter" and isinstance(label, list):
            continue
        options = record["options"] or []
        letters = "ABCDEFGH"[: len(options)]
        answer = record.get("answer") if kind == "cloze" else "".join(sorted(label))
        documents.append(
            {
                "index": index,
                "prompt": prompts.exam(record["passage"], record["question"], options, kind, language),
                "passage": record["passage"],
                "question": record["question"],
                "options": options,
                "letters": list(letters),
                "kind": kind,
                "target": answer,
            }
        )
    return documents
