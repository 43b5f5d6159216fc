"""Options: what each takes, what is refused with which words, and what profiles make of a task's own settings."""

from __future__ import annotations

import json

import pytest

from bayling_bench.config import (
    Generation,
    ModelOptions,
    RunConfig,
    Shard,
    TaskOptions,
    parse_settings,
    read_text_option,
)
from bayling_bench.errors import BenchError

TRANSLATION = {"until": [], "do_sample": False, "max_gen_toks": 512}


@pytest.mark.parametrize(
    ("pair", "settings"),
    [
        ("max_tokens=256", {"max_gen_toks": 256}),
        ("max_new_tokens=256", {"max_gen_toks": 256}),
        ("max_gen_toks=256", {"max_gen_toks": 256}),
        ("temperature=0.7", {"temperature": 0.7}),
        ("temperature=0", {"temperature": 0.0}),
        ("do_sample=True", {"do_sample": True}),
        ("do_sample=false", {"do_sample": False}),
        ("num_beams=5", {"num_beams": 5}),
        ("top_p=0.95", {"top_p": 0.95}),
        ("top_k=0", {"top_k": 0}),
        ("repetition_penalty=1.1", {"repetition_penalty": 1.1}),
        ("stop=\\n\\n", {"until": ["\n\n"]}),
        ("until=a=b", {"until": ["a=b"]}),
        ("stop=。\\t", {"until": ["。\t"]}),
    ],
)
def test_a_setting_goes_by_the_engines_name(pair: str, settings: dict):
    assert parse_settings([pair]) == settings


def test_of_settings_given_twice_the_last_holds_and_stop_strings_add_up():
    assert parse_settings(["top_k=1", "stop=a", "top_k=2", "until=b"]) == {"top_k": 2, "until": ["a", "b"]}


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("max_token=256", r"is not NAME=VALUE with a known name\. Did you mean max_tokens"),
        ("temprature=1", r"Did you mean temperature\?.*Known: do_sample.*for example --set max_tokens=256"),
        ("max_tokens", "is not NAME=VALUE"),
        ("=5", "is not NAME=VALUE"),
        ("", "is not NAME=VALUE"),
        ("max_tokens=many", "the value is not of the kind that max_gen_toks takes"),
        ("max_tokens=1.5", "the value is not of the kind"),
        ("max_tokens=", "the value is not of the kind"),
        ("max_tokens=0", "must lie between 1 and"),
        ("max_tokens=-1", "must lie between 1 and"),
        ("num_beams=0", "must lie between 1 and"),
        ("top_p=1.5", "must lie between"),
        ("top_p=0", "must lie between"),
        ("temperature=-0.1", "must lie between 0 and"),
        ("temperature=nan", "must lie between 0 and"),
        ("temperature=inf", "must lie between 0 and"),
        ("repetition_penalty=0", "must lie between"),
        ("do_sample=maybe", "the value is not of the kind"),
        ("until=", "the value is not of the kind"),
    ],
)
def test_a_bad_setting_is_refused_with_what_would_do(pair: str, complaint: str):
    with pytest.raises(BenchError, match=complaint):
        parse_settings([pair])


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(BenchError, match="sampling needs a temperature above 0"):
        parse_settings(["do_sample=true", "temperature=0"])


# Decoding of the authors' scripts: https://github.com/ictnlp/BayLing, BayLing1_README.md and scripts.
@pytest.mark.parametrize(
    ("suite", "settings"),
    [
        ("wmt22", {"until": [], "do_sample": False, "max_gen_toks": 1024, "num_beams": 5}),
        ("interactive", {"until": [], "do_sample": False, "max_gen_toks": 150, "num_beams": 5}),
        ("bayling80", {"until": [], "do_sample": True, "max_gen_toks": 1024, "temperature": 0.7}),
        ("gaokao", TRANSLATION),
        ("mini", TRANSLATION),
    ],
)
def test_the_papers_profile_decodes_as_the_authors_did(suite: str, settings: dict):
    assert Generation(profile="paper").for_task(suite, TRANSLATION) == settings
    assert Generation().for_task(suite, TRANSLATION) == TRANSLATION


def test_what_the_user_sets_wins_over_profile_and_task():
    paper = Generation(profile="paper", overrides={"max_gen_toks": 9, "num_beams": 1})
    assert paper.for_task("wmt22", TRANSLATION) == {**TRANSLATION, "max_gen_toks": 9, "num_beams": 1}


def test_a_temperature_alone_decides_whether_to_sample():
    warm = Generation(overrides={"temperature": 0.5}).for_task("mini", TRANSLATION)
    assert warm == {**TRANSLATION, "do_sample": True, "temperature": 0.5}
    cold = Generation(profile="paper", overrides={"temperature": 0.0}).for_task("bayling80", TRANSLATION)
    assert cold == {"until": [], "do_sample": False, "max_gen_toks": 1024}
    greedy = Generation(overrides={"temperature": 0.5, "do_sample": False}).for_task("mini", TRANSLATION)
    assert greedy == TRANSLATION


def test_a_task_keeps_its_own_settings():
    own = dict(TRANSLATION)
    Generation(profile="paper", overrides={"top_k": 1}).for_task("wmt22", own)
    assert own == TRANSLATION


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: TaskOptions(prompt_form="de"), "--prompt 'de' is unknown.*Known: en, zh"),
        (lambda: TaskOptions(reference_set="B"), "--references 'B' is unknown.*Known: A, all"),
        (lambda: TaskOptions(label_state="2023"), r"--labels '2023' is unknown\. Did you mean 2023-06\?"),
        (lambda: Generation(profile="papr"), r"--profile 'papr' is unknown\. Did you mean paper\?"),
        (lambda: ModelOptions(dtype="bf16"), "--dtype 'bf16' is unknown.*bfloat16"),
        (lambda: ModelOptions(batch_size="0"), "--batch-size '0' is neither a positive number nor"),
        (lambda: ModelOptions(batch_size="4²"), "--batch-size"),
        (lambda: ModelOptions(concurrency=0), "--concurrency 0 must be at least 1"),
        (lambda: RunConfig(model="m", tasks=(), limit=0), "--limit 0 must be at least 1"),
        (lambda: RunConfig(model="m", tasks=(), max_unscored=2), "--max-unscored 2 must lie between 0 and 1"),
        (lambda: RunConfig(model="m", tasks=(), max_unscored=float("nan")), "--max-unscored nan"),
        (lambda: RunConfig(model="m", tasks=(), metrics=("blue",)), r"--metrics 'blue' is unknown\. Did you mean bleu"),
    ],
)
def test_a_bad_option_is_refused_by_its_name_with_what_would_do(make, complaint: str):
    with pytest.raises(BenchError, match=complaint):
        make()


@pytest.mark.parametrize(("text", "index", "count"), [("1/1", 0, 1), ("1/4", 0, 4), ("4/4", 3, 4), ("010/16", 9, 16)])
def test_shards_count_from_1(text: str, index: int, count: int):
    shard = Shard.parse(text)
    assert shard == Shard(index, count) and str(shard) == f"{index + 1}/{count}"


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "/4", "1/", "1/0", "-1/4", "a/b", "1/2/3", "1.0/2", " 1/2", ""])
def test_a_shard_of_another_form_is_refused(text: str):
    with pytest.raises(BenchError, match=r"is not of the form I/N with 1 <= I <= N, for example --shard 1/4"):
        Shard.parse(text)


def test_a_configuration_comes_back_from_its_record():
    asked = RunConfig(
        model="openai:m",
        tasks=("mini", "wmt22_zh_en"),
        options=TaskOptions(prompt_form="zh", reference_set="all", label_state="2023-06"),
        generation=Generation(profile="paper", overrides={"max_gen_toks": 5, "until": ["\n"]}, seed=3),
        model_options=ModelOptions(base_url="http://localhost/v1", concurrency=2, trust_remote_code=True),
        limit=4,
        max_unscored=0.5,
        metrics=("bleu",),
    )
    assert RunConfig.from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_a_file_that_an_option_names_must_be_text(tmp_path):
    (tmp_path / "text").write_text("é", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert read_text_option("--chat-template", str(tmp_path / "text")) == "é"
    for name in ("binary", "missing", "."):
        with pytest.raises(BenchError, match=f"--chat-template .*{name}: cannot be read"):
            read_text_option("--chat-template", f"{tmp_path}/{name}")
