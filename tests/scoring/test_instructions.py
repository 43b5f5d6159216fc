"""Every rule by hand: answers that keep it and answers that break it, as a careful reader would judge them."""

from __future__ import annotations

import time

import pytest

from bayling_bench.scoring.instructions import CONTEXT_RULES, RULES, check, score

BLUE = {"rule": "contains", "text": "blue", "ignore_case": True, "whole_word": True}
ANIMALS = ["cat", "dog"]
PERSON = {"rule": "json_valid", "keys": ["name", "age"], "values": {"name": "Ada", "age": 36}}

KEPT = [
    ({"rule": "contains", "text": "花"}, "春天的花开了。"),
    (BLUE, "Blue is the sea"),
    ({"rule": "contains_all", "texts": ANIMALS}, "a cat and a dog"),
    ({"rule": "contains_any", "texts": ANIMALS}, "a cat and a cow"),
    ({"rule": "not_contains", "texts": ["is"], "whole_word": True}, "This was history."),
    ({"rule": "starts_with", "text": "Ahoy"}, ' "Ahoy there!"'),
    ({"rule": "starts_with", "text": "你看，"}, "“你看，花开了。”"),
    ({"rule": "ends_with", "text": "winds!"}, "**Fair winds!**\n"),
    ({"rule": "answer_is", "texts": ["Tokyo", "东京"]}, "tokyo."),
    ({"rule": "answer_is", "texts": ["Tokyo", "东京"]}, "“东京”。"),
    ({"rule": "equals_number", "value": 2920}, "2,920"),
    ({"rule": "equals_number", "value": 2920}, "２９２０。"),
    ({"rule": "equals_number", "value": -0.5}, "$-0.5$"),
    ({"rule": "equals_number", "value": 43}, "**43**."),
    ({"rule": "max_words", "n": 3}, "one two three"),
    ({"rule": "min_words", "n": 3}, "one two three"),
    ({"rule": "max_characters", "n": 6}, "春天 来了。\n"),
    ({"rule": "sentences", "least": 1, "most": 1}, "It costs 3.50 euros..."),
    ({"rule": "sentences", "least": 2, "most": 2}, "花开了！“你看。”"),
    ({"rule": "exact_lines", "n": 2}, "one\n\n two \n"),
    ({"rule": "lines_are", "texts": ANIMALS}, "1. Cat\n2. dog."),
    ({"rule": "lines_are", "texts": ANIMALS}, "- cat\n\n* dog"),
    ({"rule": "numbered_list", "n": 2}, "1. cat\n2) dog"),
    ({"rule": "numbered_list", "n": 2}, "1、猫\n2．狗"),
    (PERSON, '{"age": 36, "name": "Ada"}'),
    (PERSON, '```json\n{"age": 36,\n "name": "Ada"}\n```'),
    ({"rule": "json_valid", "keys": ["name"]}, '{"name": null}'),
    ({"rule": "python_is", "text": "print('a')"}, '```python\nprint("a")\n```'),
    ({"rule": "python_is", "text": "print('a')"}, 'print( "a", )  # greets'),
    ({"rule": "only_language", "language": "zh"}, "他在学习 Python，已经学了三个星期。"),
    ({"rule": "only_language", "language": "en"}, "The museum in Zürich was closed."),
    ({"rule": "only_language", "language": "de"}, "Die Kinder waren im Garten und spielten."),
    ({"rule": "all_uppercase"}, "GRÜSSE AN 3 HUNDE!"),
    ({"rule": "no_commas"}, "One; two. 三。"),
]

BROKEN = [
    ({"rule": "contains", "text": "花"}, "春天来了。"),
    (BLUE, "bluebells"),
    ({"rule": "contains", "text": "blue"}, "Blue"),
    ({"rule": "contains_all", "texts": ANIMALS}, "a cat and a cow"),
    ({"rule": "contains_any", "texts": ANIMALS}, "a cow"),
    ({"rule": "not_contains", "texts": ["is"], "whole_word": True}, "It is history."),
    ({"rule": "starts_with", "text": "Ahoy"}, "And I say: Ahoy"),
    ({"rule": "ends_with", "text": "winds!"}, "Fair winds! Bye"),
    ({"rule": "answer_is", "texts": ["Tokyo"]}, "It is Tokyo"),
    ({"rule": "equals_number", "value": 43}, "17 + 26 = 43"),
    ({"rule": "equals_number", "value": 43}, "4,3"),
    ({"rule": "equals_number", "value": 43}, "-43"),
    ({"rule": "equals_number", "value": 43}, "43.5"),
    ({"rule": "equals_number", "value": 83}, "八十三"),
    ({"rule": "max_words", "n": 3}, "one two three four"),
    ({"rule": "min_words", "n": 3}, "one two"),
    ({"rule": "max_characters", "n": 5}, "春天来了呀。"),
    ({"rule": "sentences", "least": 1, "most": 1}, "One. Two."),
    ({"rule": "sentences", "least": 2, "most": 3}, "只有一句话。"),
    ({"rule": "exact_lines", "n": 2}, "one two"),
    ({"rule": "lines_are", "texts": ANIMALS}, "dog\ncat"),
    ({"rule": "lines_are", "texts": ANIMALS}, "Here you are:\ncat\ndog"),
    ({"rule": "numbered_list", "n": 2}, "1. cat\n1. dog"),
    ({"rule": "numbered_list", "n": 2}, "1. cat\n2. dog\n3. cow"),
    ({"rule": "numbered_list", "n": 2}, "1. cat\n2."),
    (PERSON, '{"name": "Ada", "age": "36"}'),
    (PERSON, '{"name": "Ada", "age": 36, "city": "London"}'),
    (PERSON, 'Here: {"name": "Ada", "age": 36}'),
    (PERSON, '["name", "age"]'),
    ({"rule": "python_is", "text": "print('a')"}, "print('b')"),
    ({"rule": "python_is", "text": "print('a')"}, "Use print('a') for this"),
    ({"rule": "only_language", "language": "zh"}, "The translation is: 我喜欢茶"),
    ({"rule": "only_language", "language": "zh"}, "これはペンです。"),
    ({"rule": "only_language", "language": "en"}, "Die Kinder waren im Garten und spielten."),
    ({"rule": "only_language", "language": "en"}, "I like tea, 我喜欢喝茶, and that is all."),
    ({"rule": "only_language", "language": "en"}, "12345"),
    ({"rule": "only_language", "language": "de"}, "The children were in the garden."),
    ({"rule": "all_uppercase"}, "HELLO World"),
    ({"rule": "no_commas"}, "One, two"),
    ({"rule": "no_commas"}, "一，二"),
]


@pytest.mark.parametrize(("rule", "response"), KEPT)
def test_kept_rule_is_true(rule: dict, response: str) -> None:
    assert check(rule, response) is True


@pytest.mark.parametrize(("rule", "response"), BROKEN)
def test_broken_rule_is_false(rule: dict, response: str) -> None:
    assert check(rule, response) is False


def test_each_rule_was_tried_both_ways() -> None:
    assert {rule["rule"] for rule, _ in KEPT} == {rule["rule"] for rule, _ in BROKEN} == set(RULES)


def test_repeats_earlier_compares_with_the_last_turn() -> None:
    shout = {"rule": "repeats_earlier", "ignore_case": True}
    assert check(shout, "THE SEA\nIS WIDE", earlier=["The land", "The sea is wide"])
    assert not check(shout, "THE LAND", earlier=["The land", "The sea is wide"])
    assert not check({"rule": "repeats_earlier"}, "THE SEA", earlier=["The sea"])


def test_repeats_earlier_with_prefix_and_suffix() -> None:
    framed = {"rule": "repeats_earlier", "prefix": "你看，", "suffix": "！"}
    assert check(framed, "“你看，花开了！”", earlier=["“花开了”"])
    assert not check(framed, "花开了！", earlier=["花开了"])


def test_shorter_than_earlier_counts_characters_without_spaces() -> None:
    rule = {"rule": "shorter_than_earlier"}
    assert check(rule, "a b c", earlier=["abcd"])
    assert not check(rule, "abcd", earlier=["a b c d"])


def test_score_gives_one_verdict_a_check_in_order() -> None:
    checks = [{"rule": "max_words", "n": 2}, BLUE, {"rule": "no_commas"}]
    assert score(checks, "a blue, sea") == [False, True, False]


@pytest.mark.parametrize("response", ["", " \n\t"])
@pytest.mark.parametrize("name", [*RULES, *CONTEXT_RULES])
def test_an_empty_answer_earns_nothing(name: str, response: str) -> None:
    assert check({"rule": name}, response, earlier=["before"]) is False


def test_unknown_rule_names_its_neighbours() -> None:
    with pytest.raises(ValueError, match=r"'max_word'.*max_words"):
        check({"rule": "max_word", "n": 3}, "text")
    with pytest.raises(ValueError, match="no rule is called ''"):
        check({"n": 3}, "text")


def test_context_rule_on_a_first_turn_is_an_error() -> None:
    with pytest.raises(ValueError, match="'shorter_than_earlier'"):
        check({"rule": "shorter_than_earlier"}, "text")


ARGUMENTS = {
    "text": "x",
    "texts": ["x"],
    "value": 1,
    "n": 1,
    "least": 0,
    "most": 9,
    "keys": ["k"],
    "language": "en",
}

RUNAWAY = [
    "[" * 100_000,
    "(" * 5_000,
    "." * 100_000,
    "9" * 5_000,
    "```\n" * 25_000,
    "1. " * 30_000,
    " \n" * 50_000 + "x",
]


@pytest.mark.parametrize("name", list(RULES))
def test_runaway_answers_end_soon_and_never_raise(name: str) -> None:
    """Small models repeat one character until the limit; each rule must survive it (linear time, no recursion)."""
    started = time.perf_counter()
    code = RULES[name].__code__
    taken = {key: value for key, value in ARGUMENTS.items() if key in code.co_varnames[: code.co_argcount]}
    for response in RUNAWAY:
        assert check({"rule": name, **taken}, response) in (True, False)
    assert time.perf_counter() - started < 5
