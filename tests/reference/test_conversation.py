"""Rendering: what is trained on, what is run and what the exported chat template gives are the same tokens."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_model import conversation
from reference_model.conversation import Message, load_template, render
from reference_model.errors import ConversationError

from .made_up_texts import byte_level, llama_like

OPENING = "These lines open every conversation of a test.\n\n"
TALK = (
    Message(role="user", content="Translate: 老房子在河边。"),
    Message(role="assistant", content="The old house stands near the river."),
    Message(role="user", content=" Make it shorter.\n"),
    Message(role="assistant", content="Das “alte” Haus — 😀"),
)


@pytest.fixture(scope="module")
def opening_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("opening") / "opening.txt"
    path.write_text(OPENING, encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["chatml", "bayling_v1"])
def pair(request, opening_file):
    """A template and a tokenizer that carries it."""
    if request.param == "chatml":
        template, tokenizer = load_template("chatml"), byte_level("<|im_start|>", "<|im_end|>")
    else:
        template, tokenizer = load_template("bayling_v1", opening_file=opening_file), llama_like()
    conversation.install(template, tokenizer)
    return template, tokenizer


def by_jinja(tokenizer, messages, **options):
    records = [{"role": message.role, "content": message.content} for message in messages]
    return tokenizer.apply_chat_template(records, return_dict=True, **options)


def test_the_chat_template_gives_the_same_tokens_and_the_same_mask(pair):
    template, tokenizer = pair
    for messages in (TALK, TALK[:2], (Message(role="system", content="Be brief."), *TALK)):
        ours = render(messages, template, tokenizer)
        theirs = by_jinja(tokenizer, messages, return_assistant_tokens_mask=True)
        assert ours.ids == theirs["input_ids"]
        assert [int(flag) for flag in ours.mask] == theirs["assistant_masks"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="<\x00"), min_size=1), min_size=2, max_size=4
    )
)
def test_any_text_is_rendered_alike(pair, texts):
    template, tokenizer = pair
    texts = [text for text in texts if text.strip()]
    texts = texts[: len(texts) // 2 * 2]
    if not texts:
        return
    messages = [Message(role=("user", "assistant")[i % 2], content=text) for i, text in enumerate(texts)]
    assert render(messages, template, tokenizer).ids == by_jinja(tokenizer, messages)["input_ids"]


def test_a_prompt_is_the_beginning_of_what_was_trained_on(pair):
    template, tokenizer = pair
    whole = render(TALK, template, tokenizer)
    for turns in (1, 3):
        prompt = render(TALK[:turns], template, tokenizer, prompt=True)
        assert prompt.ids == by_jinja(tokenizer, TALK[:turns], add_generation_prompt=True)["input_ids"]
        assert whole.ids[: len(prompt.ids)] == prompt.ids
        assert whole.mask[: len(prompt.ids) + 1] == [*prompt.mask, True]


def test_responses_and_their_end_tokens_are_learned_and_nothing_else(pair):
    template, tokenizer = pair
    whole = render(TALK, template, tokenizer)
    learned = [token for token, flag in zip(whole.ids, whole.mask, strict=True) if flag]
    expected = "".join(message.content + template.end for message in TALK[1::2])
    assert tokenizer.decode(learned).replace(" ", "") == expected.replace(" ", "")
    end = tokenizer.convert_tokens_to_ids(template.end)
    assert learned.count(end) == 2 and learned[-1] == end == tokenizer.eos_token_id


def test_a_draft_is_read_but_not_learned(pair):
    template, tokenizer = pair
    talk = (TALK[0], dataclasses.replace(TALK[1], learn=False), *TALK[2:])
    whole, drafted = render(TALK, template, tokenizer), render(talk, template, tokenizer)
    assert drafted.ids == whole.ids and 0 < sum(drafted.mask) < sum(whole.mask)


def test_baylings_form_is_that_of_the_protocol(opening_file):
    """PROTOCOL: a system text, then for each turn `### Instruction:\\n{user}\\n### Response:\\n{assistant}</s>\\n`."""
    template = load_template("bayling_v1", opening_file=opening_file)
    text = "".join(piece for piece, _ in conversation.segments(TALK[:2], template))
    turn = f"### Instruction:\n{TALK[0].content}\n### Response:\n{TALK[1].content}</s>\n"
    assert text == OPENING + turn


def test_the_opening_is_read_from_the_tokenizer_and_never_guessed(opening_file):
    tokenizer = llama_like()
    with pytest.raises(ConversationError, match=r"template\.opening_file"):
        load_template("bayling_v1", tokenizer=tokenizer)
    tokenizer.chat_template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"
    with pytest.raises(ConversationError, match=r"template\.opening_file"):
        load_template("bayling_v1", tokenizer=tokenizer)
    conversation.install(load_template("bayling_v1", opening_file=opening_file), tokenizer)
    assert load_template("bayling_v1", tokenizer=tokenizer).opening == OPENING


def test_a_tokenizer_without_the_tokens_is_refused_until_they_are_added():
    template, tokenizer = load_template("chatml"), byte_level()
    with pytest.raises(ConversationError, match=r"no single token <\|im_start\|>.*add_tokens=true"):
        conversation.install(template, tokenizer)
    assert conversation.add_tokens(template, tokenizer) == 2
    conversation.install(template, tokenizer)
    assert render(TALK, template, tokenizer).ids == by_jinja(tokenizer, TALK)["input_ids"]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ((), "no message"),
        (TALK[1:2], "found assistant"),
        ((TALK[0], TALK[0]), "found user, user"),
        ((*TALK[:2], Message(role="system", content="x")), "found user, assistant, system"),
        ((TALK[0], Message(role="assistant", content=" \n")), "assistant is empty"),
        ((TALK[0], Message(role="assistant", content="a<|im_end|>b")), r"holds <\|im_end\|>"),
    ],
)
def test_what_is_no_conversation_is_refused(chatml_tokenizer, messages, words):
    with pytest.raises(ConversationError, match=words):
        render(messages, load_template("chatml"), chatml_tokenizer)


def test_unknown_names_are_answered_with_near_ones(tmp_path):
    with pytest.raises(ConversationError, match=r"Did you mean chatml"):
        load_template("chatm")
    text = (conversation.FOLDER / "chatml.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("answer =", "anwser ="), encoding="utf-8")
    with pytest.raises(ConversationError, match=r"unknown key `anwser`. Did you mean answer"):
        load_template(str(tmp_path / "mine.toml"))
    with pytest.raises(ConversationError, match=r"Role 'assistent' is unknown. Did you mean assistant"):
        conversation.from_json([{"role": "assistent", "content": "x"}])


def test_messages_survive_the_file_form():
    talk = (TALK[0], dataclasses.replace(TALK[1], learn=False))
    assert conversation.from_json(conversation.to_json(talk)) == talk
