"""``openai:`` models against a real HTTP server on loopback that fails in the ways in which such servers fail."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from email.utils import formatdate

import pytest
from chat_server import (
    ChatServer,
    completion,
    echo,
    half,
    hangs_up,
    page,
    refuses,
    running,
    says,
    slow,
    trickles,
    waits_for,
)
from lm_eval.api.instance import Instance

from bayling_bench.config import ModelOptions
from bayling_bench.errors import ModelError
from bayling_bench.journal import Failure
from bayling_bench.models import chat_api, chat_reply, endpoint, spec
from bayling_bench.models.chat_api import ChatServer as Model

pytestmark = pytest.mark.slow

GREEDY = {"until": [], "do_sample": False, "max_gen_toks": 64}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(chat_api, "BACKOFF_S", 0.01)
    with running(monkeypatch) as started:
        yield started


class Heard:
    """What the journal's hook is told, in its order."""

    def __init__(self, model: Model) -> None:
        self.answers: dict[str, object] = {}
        self.details = {}
        self._model = model

    def add_partial(self, attr: str, req, res) -> None:
        question = json.loads(req[0])[-1]["content"]
        self.answers[question] = res
        self.details[question] = self._model.details.popleft()


def model_of(server: ChatServer, **options) -> Model:
    return Model(endpoint.Endpoint(**{"model": "echo", "url": server.url, **options}), seed=7)


def ask(model: Model, *questions: str, **settings) -> Heard:
    heard = Heard(model)
    model.set_cache_hook(heard)
    prompts = [model.apply_chat_template([{"role": "user", "content": question}]) for question in questions]
    requests = [
        Instance(request_type="generate_until", doc={}, arguments=(prompt, {**GREEDY, **settings}), idx=0)
        for prompt in prompts
    ]
    returned = model.generate_until(requests)
    assert returned == [heard.answers[question] for question in questions]
    return heard


def answer_to(question: str) -> str:
    return echo([{"role": "user", "content": question}])


def test_answers_come_with_tokens_finish_reason_and_seconds(server):
    server.faults["b"] = [says(completion("cut off", finish_reason="length"))]
    heard = ask(model_of(server), "a", "b")
    assert heard.answers == {"a": answer_to("a"), "b": "cut off"}
    assert (heard.details["a"].tokens, heard.details["a"].finish_reason) == (11, "stop")
    assert heard.details["b"].finish_reason == "length"
    assert 0 <= heard.details["a"].seconds < 5


def test_greedy_and_sampled_requests_say_what_they_mean(server):
    ask(model_of(server), "a", until=["\n"])
    ask(model_of(server), "b", do_sample=True, temperature=0.7, top_p=0.9, top_k=5)
    greedy, sampled = (request.body for request in server.requests)
    message = [{"role": "user", "content": "a"}]
    assert greedy == {"model": "echo", "messages": message, "max_tokens": 64, "temperature": 0, "stop": ["\n"]}
    del sampled["messages"]
    assert sampled == {"model": "echo", "max_tokens": 64, "temperature": 0.7, "top_p": 0.9, "top_k": 5, "seed": 7}


def test_openai_itself_is_asked_with_its_newer_name_for_the_limit():
    model = Model(endpoint.Endpoint(model="m", url="https://api.openai.com/v1/", key="k"), seed=0)
    request = model._request("[]", GREEDY)
    assert request["max_completion_tokens"] == 64 and "max_tokens" not in request


def test_beam_search_which_servers_do_not_have_is_refused_not_dropped(server):
    with pytest.raises(ModelError, match=r"num_beams is 5\. Add --set num_beams=1"):
        ask(model_of(server), "a", num_beams=5)
    assert server.requests == []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_are_under_way_than_asked_for(server, concurrency: int):
    server.always = slow(0.05)
    ask(model_of(server, concurrency=concurrency), *(f"question {number}" for number in range(9)))
    assert server.most_under_way == concurrency


def test_each_answer_is_reported_when_it_is_there_not_when_all_are(server):
    rest = threading.Event()
    server.faults["slow"] = [waits_for(rest)]
    model = model_of(server)
    questions = ["slow", *(f"quick {number}" for number in range(8))]
    heard = Heard(model)

    class Release(Heard):
        def add_partial(self, attr, req, res) -> None:
            heard.add_partial(attr, req, res)
            if len(heard.answers) == 8:
                assert "slow" not in heard.answers
                rest.set()

    model.set_cache_hook(Release(model))
    prompts = [model.apply_chat_template([{"role": "user", "content": question}]) for question in questions]
    model.generate_until([Instance("generate_until", {}, (prompt, GREEDY), 0) for prompt in prompts])
    assert list(heard.answers)[-1] == "slow"


PASSING = {
    "rate limit": refuses(429, headers={"Retry_After": "0"}),
    "500": refuses(500),
    "502 with a page": page(502),
    "503": refuses(503),
    "timeout of a proxy": refuses(408),
    "hangs up": hangs_up,
    "half a body": half,
    "a page with status 200": page(200),
    "no JSON": says(b'{"choices": [{"mess'),
    "no UTF-8": says(b"\xff\xfe{}"),
    "nothing": says(b""),
    "an error with status 200": says({"error": {"message": "overloaded"}}),
    "no choices": says({**completion(""), "choices": []}),
    "null for choices": says({**completion(""), "choices": None}),
    "null for a choice": says({**completion(""), "choices": [None]}),
    "null for the message": says({"choices": [{"message": None}]}),
    "text instead of a choice": says({"choices": ["text"]}),
    "a list": says([]),
    "null content": says(completion(None)),
    "content of another kind": says(completion([{"type": "text", "text": "hi"}])),
}


def test_what_may_pass_is_asked_again_and_answered(server):
    server.faults = {kind: [fault] * 2 for kind, fault in PASSING.items()}
    heard = ask(model_of(server), *PASSING)
    assert heard.answers == {kind: answer_to(kind) for kind in PASSING}
    assert Counter(server.questions()) == dict.fromkeys(PASSING, 3)


def test_what_does_not_pass_is_an_unscored_item_to_ask_again_another_time(server, monkeypatch):
    monkeypatch.setattr(chat_api, "LONGEST_BACKOFF_S", 0.02)
    server.faults = {kind: [fault] * 100 for kind, fault in PASSING.items()}
    heard = ask(model_of(server, concurrency=len(PASSING)), "fine", *PASSING)
    assert heard.answers.pop("fine") == answer_to("fine")
    failures = list(heard.answers.values())
    assert [(failure.reason, failure.retry) for failure in failures] == [("api_error", True)] * len(PASSING)
    assert all(failure.detail for failure in failures)
    assert Counter(server.questions()) == {**dict.fromkeys(PASSING, chat_reply.ATTEMPTS), "fine": 1}


LASTING = {
    "long": (
        refuses(400, "This model's maximum context length is 64 tokens."),
        Failure("api_error", "HTTP 400: This model's maximum context length is 64 tokens."),
    ),
    "named long": (
        refuses(400, "too long", code="context_length_exceeded", param="messages"),
        Failure("prompt_too_long", "HTTP 400: too long"),
    ),
    "filtered question": (refuses(400, "policy", code="content_filter"), Failure("refused", "HTTP 400: policy")),
    "large": (refuses(413, "too large"), Failure("api_error", "HTTP 413: too large")),
    "refusal": (says(completion(None, message={"refusal": "I can't."})), Failure("refused", "I can't.")),
    "filtered answer": (
        says(completion("half a", finish_reason="content_filter")),
        Failure("refused", "content filter"),
    ),
    "thinks too long": (
        says(completion(None, finish_reason="length")),
        Failure("api_error", "no text before the token limit; raise it with --set max_tokens"),
    ),
}


def test_what_will_not_pass_is_an_unscored_item_asked_once(server):
    server.faults = {f"[{kind}]": [fault] for kind, (fault, _) in LASTING.items()}
    heard = ask(model_of(server), *server.faults, "fine")
    assert heard.answers == {
        **{f"[{kind}]": failure for kind, (_, failure) in LASTING.items()},
        "fine": answer_to("fine"),
    }
    assert len(server.requests) == len(heard.answers)


def test_usage_may_be_missing_or_odd(server):
    odd = [None, [], {}, {"completion_tokens": None}, {"completion_tokens": "11"}]
    server.faults = {str(usage): [says({**completion("yes"), "usage": usage})] for usage in odd}
    heard = ask(model_of(server), *server.faults)
    assert list(heard.answers.values()) == ["yes"] * len(odd)
    assert {detail.tokens for detail in heard.details.values()} == {None}


def test_what_schemas_require_may_be_missing(server):
    server.faults["question"] = [says({"choices": [{"message": {"content": "yes"}}]})]
    heard = ask(model_of(server), "question")
    assert heard.answers == {"question": "yes"} and heard.details["question"].finish_reason is None


def test_an_empty_text_is_an_answer(server):
    server.faults["question"] = [says(completion(""))]
    assert ask(model_of(server), "question").answers == {"question": ""}


def test_the_server_says_when_to_come_back(server):
    forms = {"[seconds]": "1", "[fraction]": "1.0", "[date]": formatdate(time.time() + 2, usegmt=True)}
    server.faults = {question: [refuses(429, headers={"Retry_After": value})] for question, value in forms.items()}
    ask(model_of(server), *forms)
    for question in forms:
        first, second = (request.at for request in server.requests if request.question == question)
        assert 0.9 < second - first < 4, question


def test_a_server_that_wants_to_be_left_alone_for_an_hour_is_not_waited_for(server):
    server.faults["question"] = [refuses(429, "daily limit", headers={"Retry_After": "3600"})]
    heard = ask(model_of(server), "another", "question")
    assert heard.answers["question"] == Failure("api_error", "HTTP 429: daily limit (come back in 3600 s)", retry=True)


@pytest.mark.parametrize("fault", [trickles, slow(3)])
def test_a_hanging_request_ends_at_the_timeout_and_the_others_do_not_wait(server, fault):
    server.faults["question"] = [fault] * 10
    start = time.monotonic()
    heard = ask(model_of(server, timeout_s=0.4), "question", "another")
    assert heard.answers["question"] == Failure("api_error", "no reply within 0.4 s", retry=True)
    assert heard.answers["another"] == answer_to("another")
    assert server.questions().count("question") == 2 and time.monotonic() - start < 3


def test_a_server_that_does_not_run_is_an_error_at_once(server):
    server.server_close()
    start = time.monotonic()
    with pytest.raises(ModelError, match=rf"no answer from {server.url} .*curl {server.url}/models"):
        ask(model_of(server), *map(str, range(50)))
    assert time.monotonic() - start < 3


def test_a_host_that_does_not_exist_is_an_error_that_says_so():
    model = Model(endpoint.Endpoint(model="m", url="http://nowhere.invalid/v1"), seed=0)
    with pytest.raises(ModelError, match=r"no answer from http://nowhere\.invalid/v1 "):
        ask(model, "question")


@pytest.mark.parametrize(
    ("status", "says_so"),
    [
        (401, "refuses the key"),
        (402, "wants to be paid"),
        (403, "refuses the key"),
        (404, "does not know the model"),
        (405, "takes no chat completions"),
    ],
)
def test_no_access_from_the_start_ends_the_run_at_once(server, status: int, says_so: str):
    server.always = refuses(status, "go away")
    with pytest.raises(ModelError, match=rf"{says_so}.*HTTP {status}: go away.*same command again"):
        ask(model_of(server, concurrency=2), *map(str, range(50)))
    assert len(server.requests) <= 4


def test_a_wrong_address_on_a_running_server_ends_the_run_at_once(server):
    with pytest.raises(ModelError, match=r"does not know the model or the address \(HTTP 404: .*Not Found"):
        ask(model_of(server, url=f"http://{server.address}/wrong"), "question")


def test_no_access_in_mid_run_is_an_unscored_item(server):
    server.faults["question"] = [refuses(403, "moderated")]
    heard = ask(model_of(server, concurrency=1), "first", "question", "last")
    assert heard.answers["question"] == Failure("api_error", "HTTP 403: moderated", retry=True)
    assert heard.answers["last"] == answer_to("last")


def test_a_server_that_goes_down_for_good_ends_the_run_with_all_answers_kept(server, monkeypatch):
    monkeypatch.setattr(chat_api, "LONGEST_BACKOFF_S", 0.02)
    questions = [f"question {number}" for number in range(100)]
    for number in range(10, 100):
        server.faults[f"question {number}"] = [refuses(500, "out of memory")] * 20
    with pytest.raises(ModelError, match=r"the last 20 requests .* failed, .*out of memory.*the same command asks"):
        ask(model_of(server, concurrency=4), *questions)
    assert len(set(server.questions())) < 10 + 20 + 2 * 4


def test_items_that_are_at_fault_themselves_never_end_the_run(server):
    server.always = refuses(400, "too long")
    heard = ask(model_of(server, concurrency=2), *map(str, range(50)))
    assert set(heard.answers.values()) == {Failure("api_error", "HTTP 400: too long")}


def test_a_decoding_setting_that_the_model_does_not_take_ends_the_run_at_once(server):
    server.always = refuses(400, "Unsupported value: 0", param="temperature", code="unsupported_value")
    with pytest.raises(ModelError, match=r"does not take temperature .*--set temperature=VALUE"):
        ask(model_of(server, concurrency=1), *map(str, range(50)))
    assert len(server.requests) <= 2


def test_half_a_surrogate_pair_which_no_request_can_carry_is_an_unscored_item(server):
    heard = ask(model_of(server), "\ud83d", "another")
    assert heard.answers["\ud83d"].reason == "api_error" and "cannot be sent" in heard.answers["\ud83d"].detail
    assert heard.answers["another"] == answer_to("another")


def test_an_address_with_user_password_and_query_works_and_none_of_it_is_shown(server):
    url = f"http://us%20er:pass%2Fword@{server.address}/v1/?api_key=query%3Dsecret&version=2"
    model = model_of(server, url=url, key="sk-key-key-key")
    ask(model, "question")
    request = server.requests[0]
    assert request.path == "/v1/chat/completions?api_key=query%3Dsecret&version=2"
    assert request.headers["Authorization"] == "Basic dXMgZXI6cGFzcy93b3Jk"  # RFC 7617: base64 of `us er:pass/word`
    assert model.server.public_url == server.url
    seen = f"HTTP: {request.headers['Authorization']} {request.path} pass/word sk-key-key-key"
    hidden = model.server.hide(seen)
    assert hidden == "HTTP: Basic *** /v1/chat/completions?api_key=***&version=*** *** ***"


def test_a_key_is_sent_as_a_bearer_token(server):
    ask(model_of(server, key="sk-key-key-key"), "question")
    assert server.requests[0].headers["Authorization"] == "Bearer sk-key-key-key"


def test_a_key_that_the_server_echoes_is_hidden_in_failures_and_in_answers(server):
    server.faults["error"] = [refuses(400, "Bearer sk-key-key-key is odd")]
    server.faults["text"] = [says(completion("your key is sk-key-key-key"))]
    heard = ask(model_of(server, key="sk-key-key-key"), "error", "text")
    assert heard.answers == {
        "error": Failure("api_error", "HTTP 400: Bearer *** is odd"),
        "text": "your key is ***",
    }


def test_a_word_that_serves_as_a_key_is_no_secret_in_answers(server):
    server.faults["question"] = [says(completion("The set is EMPTY."))]
    assert ask(model_of(server, key="EMPTY"), "question").answers == {"question": "The set is EMPTY."}


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "ftp://host/v1", "http://", "http:///v1", "http://host:port/v1", "http://user:p/ss@host/v1",
     "http://user:1/pass@host/v1", ""],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_without_showing_a_password(url: str):
    with pytest.raises(ModelError, match=r"is no address of a server.*http://localhost:8000/v1") as error:
        endpoint.redact_url(url)
    assert "ss@" not in str(error.value) and "user" not in str(error.value).partition("is no address")[0]


def test_a_key_comes_from_the_file_or_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbfsk-from-file\r\n")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment\n")
    assert endpoint.api_key(ModelOptions(api_key_file=str(file))) == "sk-from-file"
    assert endpoint.api_key(ModelOptions()) == "sk-from-environment"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert endpoint.api_key(ModelOptions(base_url="http://localhost/v1"))
    with pytest.raises(ModelError, match="set OPENAI_API_KEY, or give --api-key-file"):
        endpoint.api_key(ModelOptions())


@pytest.mark.parametrize(
    ("content", "says_so"),
    [
        (b"", "is empty"),
        (b"sk-one\nsk-two", "line ends"),
        (b"\xff\xfes\x00k", "not UTF-8"),
        ("sk-ключ".encode(), "no key has"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path, content: bytes, says_so: str):
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=says_so) as error:
        endpoint.api_key(ModelOptions(api_key_file=str(file)))
    assert "sk-" not in str(error.value)
    with pytest.raises(ModelError, match="cannot be read"):
        endpoint.api_key(ModelOptions(api_key_file=str(tmp_path / "none")))


def test_load_sends_nothing_and_takes_all_options(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")
    options = ModelOptions(base_url=server.url, concurrency=3)
    model = chat_api.load(spec.parse("openai:echo"), options, 5)
    assert model.server == endpoint.Endpoint(model="echo", url=server.url, key="sk-key", concurrency=3)
    assert server.requests == []


def test_log_likelihoods_are_refused(server):
    with pytest.raises(ModelError, match="gives no log-likelihoods"):
        model_of(server).loglikelihood([])


def test_the_event_loop_is_left_clean(server):
    model = model_of(server)
    for _ in range(2):  # each stage of a conversation is a call, and an event loop, of its own
        ask(model, "a", "b")
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
