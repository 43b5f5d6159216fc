"""Chat templates: which one holds, what the named ones say, and what their hash tells apart."""

from __future__ import annotations

import hashlib

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bayling_bench.errors import BenchError
from bayling_bench.models.templates import NAMED, ChatTemplate, resolve

CONVERSATION = [
    {"role": "user", "content": "Hi {{ you }}"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Bye"},
]


def render(template: str, messages: list[dict], *, generate: bool = True) -> str:
    """Render as transformers does (utils/chat_template_utils.py)."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    compiled = environment.from_string(template)
    return compiled.render(messages=messages, add_generation_prompt=generate, eos_token="</s>")


def test_chatml_is_as_its_authors_wrote_it():
    # https://github.com/openai/openai-python/blob/release-v0.28.1/chatml.md, as SmolLM2 and Qwen use it
    assert render(NAMED["chatml"], [{"role": "system", "content": "S"}, *CONVERSATION]) == (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi {{ you }}<|im_end|>\n"
        "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    )
    assert render(NAMED["chatml"], CONVERSATION[:1], generate=False).endswith("<|im_end|>\n")


def test_instruction_is_the_form_of_bayling_v1_without_its_system_text():
    # https://github.com/ictnlp/BayLing, bayling/conversation.py, template "BayLing"
    assert render(NAMED["instruction"], CONVERSATION) == (
        "### Instruction:\nHi {{ you }}\n### Response:\nHello</s>\n### Instruction:\nBye\n### Response:\n"
    )
    with_system = render(NAMED["instruction"], [{"role": "system", "content": "S"}, *CONVERSATION[:1]])
    assert with_system == "S\n### Instruction:\nHi {{ you }}\n### Response:\n"


def test_without_the_option_the_tokenizers_own_template_holds_and_a_base_model_has_none():
    assert resolve(None, "{{ own }}") == ChatTemplate("tokenizer", text="{{ own }}")
    for own in (None, ""):
        base = resolve(None, own)
        assert base == ChatTemplate("none") and not base.applies and base.sha256 is None


def test_the_option_wins_over_the_tokenizers_own(tmp_path):
    file = tmp_path / "form.jinja"
    file.write_text("{{ messages[0]['content'] }}é", encoding="utf-8")
    found = resolve(str(file), "{{ own }}")
    assert found == ChatTemplate("file", "form.jinja", "{{ messages[0]['content'] }}é") and found.applies
    assert resolve("chatml", "{{ own }}") == ChatTemplate("name", "chatml", NAMED["chatml"])
    assert resolve("none", "{{ own }}") == ChatTemplate("none")


def test_the_hash_is_that_of_the_text_wherever_it_came_from(tmp_path):
    file = tmp_path / "chatml.jinja"
    file.write_text(NAMED["chatml"], encoding="utf-8", newline="\n")
    expected = hashlib.sha256(NAMED["chatml"].encode()).hexdigest()
    assert resolve(str(file), None).sha256 == resolve("chatml", None).sha256 == expected
    assert resolve("instruction", None).sha256 != expected


def test_a_name_that_is_neither_is_refused_with_near_ones(tmp_path):
    with pytest.raises(BenchError, match=r"'chat-ml' is neither a file nor a known name\. Did you mean chatml\?.*none"):
        resolve("chat-ml", None)
    with pytest.raises(BenchError, match="is neither a file nor a known name"):
        resolve(str(tmp_path), None)
