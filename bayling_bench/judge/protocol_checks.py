"""What is wrong with a protocol, told with the file and the key before anything is paid for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from bayling_bench.errors import BenchError, did_you_mean
from bayling_bench.scoring.verdicts import READERS

SAMPLING = ("temperature", "top_p", "max_tokens", "retry_temperature", "seed")
"""Settings of a request that a protocol, and the user, can set."""
_CHOICES = {"kind": ("pairwise", "single"), "orders": ("first", "both"), "parser": tuple(READERS)}


def check(values: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    """Raise BenchError, naming ``place`` and key, for values that make no protocol of the ``known`` keys."""
    for key in values:
        if key not in known:
            raise BenchError(f"{place}: unknown key {key!r}.{did_you_mean(str(key), known)} Known: {', '.join(known)}.")
    if missing := [key for key in known if key not in values and key != "response_format"]:
        raise BenchError(f"{place}: missing {', '.join(missing)}. `extends: balanced` takes them over from there.")
    for key, choices in _CHOICES.items():
        if values[key] not in choices:
            raise BenchError(f"{place}: {key} is {values[key]!r}. Known: {', '.join(choices)}.")
    _check_numbers(values, place)
    _check_messages(values, place)
    _check_sampling(values, place)


def _check_numbers(values: Mapping[str, Any], place: str) -> None:
    for key in ("version", "samples"):
        if not isinstance(values[key], int) or isinstance(values[key], bool) or values[key] < 1:
            raise BenchError(f"{place}: {key} is {values[key]!r}, and must be a whole number from 1.")
    scale = values["scale"]
    if not (
        isinstance(scale, list | tuple) and len(scale) == 2 and all(map(_is_number, scale)) and scale[0] < scale[1]
    ):
        raise BenchError(f"{place}: scale is {scale!r}, and must be [lowest, highest], for example [1, 10].")
    for key in ("name", "description", "citation"):
        if not isinstance(values[key], str) or not values[key].strip():
            raise BenchError(f"{place}: {key} is {values[key]!r}, and must be a text.")


def _check_sampling(values: Mapping[str, Any], place: str) -> None:
    sampling = values["sampling"]
    if not isinstance(sampling, Mapping):
        raise BenchError(f"{place}: sampling must be a mapping, for example {{temperature: 0, max_tokens: 1024}}.")
    for key, value in sampling.items():
        if key not in SAMPLING:
            raise BenchError(f"{place}: sampling: unknown key {key!r}.{did_you_mean(str(key), SAMPLING)}")
        if value is not None and not (_is_number(value) and 0 <= value < math.inf):
            raise BenchError(f"{place}: sampling: {key} is {value!r}, and must be a number from 0.")
    if not isinstance(sampling.get("max_tokens"), int) or sampling["max_tokens"] < 1:
        raise BenchError(f"{place}: sampling: max_tokens is missing: without a limit no cost could be told.")
    if values["samples"] > 1 and sampling.get("temperature") == 0:
        raise BenchError(
            f"{place}: {values['samples']} samples at temperature 0 would be the same reply over again. Set one sample "
            "(--samples-per-order 1), or a temperature above 0 (--set temperature=0.7)."
        )


def _check_messages(values: Mapping[str, Any], place: str) -> None:
    if not isinstance(values["output_form"], Mapping) or not all(map(_is_text, values["output_form"].values())):
        raise BenchError(f"{place}: output_form must be a text for each language, for example {{en: …}}.")
    messages = values["messages"]
    if not isinstance(messages, Mapping) or not messages or not values["output_form"]:
        raise BenchError(
            f"{place}: messages must be a list for each language, for example {{en: [{{role: user, …}}]}}."
        )
    for language, listed in messages.items():
        for message in listed if isinstance(listed, list) else [None]:
            if (
                not isinstance(message, Mapping)
                or set(message) != {"role", "content"}
                or not _is_text(message["content"])
            ):
                raise BenchError(f"{place}: messages: {language}: each must have a role and a text as content.")


def check_rendering(protocol: Any, place: str) -> None:
    """Render every template once, so that a slip in one is told before anything is paid for."""
    assistants = [["an answer to be found", "its second turn"], ["another answer", "and its second"]]
    assistants = assistants[: protocol.assistants]
    for language in protocol.messages:
        for references in (None, ["a reference", "the second one"]):
            questions = ["one question", "two of them"]
            shown = {"questions": questions, "answers": assistants, "references": references}
            try:
                rendered = protocol.render(language, {**shown, "category": "math", "place": 0})
            except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
                raise BenchError(f"{place}: messages: {language}: the template fails ({error}).") from None
            text = "\n".join(message["content"] for message in rendered)
            parts = {"questions": questions, "answers": [turn for answer in assistants for turn in answer]}
            parts["references"] = references or []
            for name, texts in parts.items():
                if absent := [part for part in texts if part not in text]:
                    raise BenchError(
                        f"{place}: messages: {language}: {name} do not come up in them, at least not {absent[0]!r}, "
                        "which stood for one turn. Show all turns, with {% for … %} as the shipped protocols do."
                    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
