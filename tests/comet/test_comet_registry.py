"""Names of checkpoints, where they lie, and that their weights are those of the record."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from conftest import Cli

from bayling_bench.comet import registry, verify
from bayling_bench.comet.checkpoint import model_file
from bayling_bench.config import COMET_IF_PRESENT, COMET_METRICS, DEFAULT_METRICS, CometOptions, RunConfig
from bayling_bench.errors import BenchError, DataError, ModelError
from bayling_bench.scoring.kinds import in_order


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


def in_hub_cache(hub_cache: Path, hub_id: str, revision: str, checkpoint: Path) -> Path:
    snapshot = hub_cache / f"models--{hub_id.replace('/', '--')}" / "snapshots" / revision
    snapshot.parent.mkdir(parents=True, exist_ok=True)
    snapshot.symlink_to(checkpoint, target_is_directory=True)
    return snapshot


def test_names_of_metrics():
    assert registry.key_of("comet") == "comet" and registry.key_of("cometkiwi") == "cometkiwi"
    assert registry.key_of("comet:Unbabel/wmt20-comet-qe-da@main") == "comet:wmt20-comet-qe-da"
    assert registry.key_of("comet:somewhere/mine/checkpoints/model.ckpt") == "comet:mine"
    assert set(registry.KNOWN) == set(COMET_METRICS)
    found = registry.meaning("comet:Unbabel/wmt20-comet-qe-da@v1")
    assert found == registry.Entry(hub_id="Unbabel/wmt20-comet-qe-da", revision="v1")
    assert registry.meaning("comet:Unbabel/wmt22-comet-da") is registry.KNOWN["comet"]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("comett", r"--metrics 'comett' is unknown. Did you mean comet"),
        ("comet:", r"--metrics 'comet:' is unknown"),
        ("comet:./nothing/here", r"no such folder, and it is no hub id"),
        ("comet:nothing", r"no such folder, and it is no hub id"),
    ],
)
def test_other_names_are_named(metric: str, message: str):
    with pytest.raises(BenchError, match=message):
        registry.find(metric)


def test_only_checkpoints_of_comet_have_names_of_their_own():
    assert in_order(["comet:x", "bleu", "bleu:x", "cometkiwi:x", "comet"]) == ["comet:x", "comet", "bleu"]


def test_the_internal_name_is_not_shown():
    with pytest.raises(BenchError) as raised:
        registry.find("comet-if")
    assert COMET_IF_PRESENT not in str(raised.value)


def test_options_of_comet():
    parsed = CometOptions.parse(["device=cuda:1", "precision=bf16", "batch_tokens=64", "encoder=x=y"])
    assert parsed == CometOptions(device="cuda:1", precision="bf16", batch_tokens=64, encoder="x=y")
    asked = RunConfig(model="m", tasks=("mini",), metrics=("bleu", "comet"), comet=parsed)
    assert RunConfig.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    older = asked.to_json()
    del older["comet"]
    assert RunConfig.from_json(older).comet == CometOptions()
    assert RunConfig.from_json(older).metrics == ("bleu", "comet")
    assert RunConfig.from_json({**older, "metrics": ["bleu", "chrf", "ter"]}).metrics == DEFAULT_METRICS
    for pairs, message in {
        ("precision=fp8",): "--comet precision 'fp8' is unknown",
        ("presicion=bf16",): "Did you mean precision",
        ("batch_tokens=many",): "a number of tokens is needed",
        ("batch_tokens=0",): "must be at least 1",
        ("bf16",): "is not NAME=VALUE",
    }.items():
        with pytest.raises(BenchError, match=message):
            CometOptions.parse(list(pairs))


def test_a_checkpoint_that_is_not_here_is_named_with_its_command(hub_cache: Path):
    with pytest.raises(
        registry.NoCheckpoint, match=r"wmt22-comet-da is not on this machine.*bayling-bench fetch comet\."
    ):
        registry.find("comet")
    with pytest.raises(registry.NoCheckpoint, match="bayling-bench fetch comet:some/body"):
        registry.find("comet:some/body")


def test_weights_that_are_not_those_of_the_record_are_refused(hub_cache: Path, make_checkpoint):
    entry = registry.KNOWN["comet"]
    in_hub_cache(hub_cache, entry.hub_id, str(entry.revision), make_checkpoint())
    with pytest.raises(ModelError, match=rf"not the file on record(.|\n)*expected sha256 {entry.sha256}(.|\n)*found"):
        registry.find("comet")


def test_what_was_fetched_is_found_again_and_held_to_its_hash(hub_cache: Path, make_checkpoint, tmp_path: Path):
    in_hub_cache(hub_cache, "some/body", "abc", make_checkpoint())
    digest = hashlib.sha256(model_file(make_checkpoint()).read_bytes()).hexdigest()
    registry.record(registry.Entry(hub_id="some/body", revision="abc", sha256=digest))
    found = registry.find("comet:some/body")
    assert (found.name, found.sha256) == ("some/body", digest)
    registry.record(registry.Entry(hub_id="some/body", revision="abc", sha256="0" * 64))
    with pytest.raises(ModelError, match="not the file on record for some/body"):
        registry.find("comet:some/body")


def test_records_of_two_commits_stay_apart(hub_cache: Path, make_checkpoint):
    one, two = make_checkpoint(), make_checkpoint(seed=7)
    digests = [hashlib.sha256(model_file(each).read_bytes()).hexdigest() for each in (one, two)]
    for commit, checkpoint, digest in zip(("abc", "def"), (one, two), digests, strict=True):
        in_hub_cache(hub_cache, "some/body", commit, checkpoint)
        registry.record(registry.Entry(hub_id="some/body", revision=commit, sha256=digest))
    assert registry.find("comet:some/body").sha256 == digests[1], "the last one fetched"
    assert registry.find("comet:some/body@abc").sha256 == digests[0]
    refs = hub_cache / "models--some--body" / "refs"
    refs.mkdir()
    (refs / "v1").write_text("abc")
    assert registry.find("comet:some/body@v1").sha256 == digests[0]
    registry.record(registry.Entry(hub_id="some/body", revision="abc", sha256="0" * 64))
    with pytest.raises(ModelError, match="not the file on record"):
        registry.find("comet:some/body@v1")


@pytest.mark.parametrize("content", ["[1]", "{", '{"some/body": {}}', '{"some/body@abc": {"revision": "abc"}}', "3"])
def test_a_damaged_record_of_what_was_fetched_is_no_record(content: str, hub_cache: Path, cache: Path, make_checkpoint):
    (cache / "comet").mkdir(parents=True)
    (cache / "comet" / "fetched.json").write_text(content)
    in_hub_cache(hub_cache, "some/body", "abc", make_checkpoint())
    assert registry.find("comet:some/body@abc").name == "some/body"


def test_the_variable_gives_comet_another_meaning(make_checkpoint, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(registry.VARIABLE, str(make_checkpoint()))
    assert registry.find("comet").folder == make_checkpoint()
    monkeypatch.setenv(registry.VARIABLE, "cometkiwi")
    assert registry.meaning("comet") is registry.KNOWN["cometkiwi"]


def test_files_of_other_lengths_are_named(tmp_path: Path):
    for name, lines in {"source": 3, "system": 2, "reference": 3}.items():
        (tmp_path / name).write_text("x\n" * lines, encoding="utf-8")
    with pytest.raises(DataError, match=r"system has 2 lines, .*source has 3"):
        verify.read_segments(tmp_path / "source", tmp_path / "system", tmp_path / "reference")
    with pytest.raises(DataError, match="nothing cannot be read"):
        verify.read_segments(tmp_path / "source", tmp_path / "nothing", None)
    assert len(verify.read_segments(tmp_path / "source", tmp_path / "reference", None)) == 3


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as a snapshot needs: repositories are folders of files."""

    repositories: dict[str, Path]
    asked: list[str]

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, *, body: bool = True):
        self.asked.append(self.path)
        for name, folder in self.repositories.items():
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            names = [str(path.relative_to(folder)) for path in files]
            if self.path.startswith(f"/api/models/{name}/revision/"):
                listed = {"sha": COMMIT, "id": name, "siblings": [{"rfilename": each} for each in names]}
                return self._send(json.dumps(listed).encode(), body)
            if self.path.startswith(f"/api/models/{name}/tree/"):
                tree = [
                    {"type": "file", "path": each, "size": path.stat().st_size, "oid": "0" * 40}
                    for each, path in zip(names, files, strict=True)
                ]
                return self._send(json.dumps(tree).encode(), body)
            if self.path.startswith(f"/{name}/resolve/"):
                _, _, _, _, commit, file = self.path.split("/", 5)
                return self._send((folder / file).read_bytes(), body, commit)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _send(self, content: bytes, body: bool, commit: str = COMMIT) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path: Path, make_checkpoint) -> Iterator[tuple[dict[str, str], type[Hub]]]:
    """A hub on loopback with a checkpoint under two names, and its encoder; yields the environment that means it."""
    checkpoint = tmp_path / "published"
    (checkpoint / "checkpoints").mkdir(parents=True)
    content = torch.load(model_file(make_checkpoint()), weights_only=True)
    content["hyper_parameters"]["pretrained_model"] = "test/encoder"
    torch.save(content, model_file(checkpoint))
    (checkpoint / "hparams.yaml").write_text("class_identifier: regression_metric\n")
    (checkpoint / "unwanted.bin").write_bytes(b"0" * 1000)
    names = {
        "test/tiny": checkpoint,
        "Unbabel/wmt22-comet-da": checkpoint,
        "test/encoder": make_checkpoint() / "encoder",
    }
    handler = type("TestHub", (Hub,), {"repositories": names, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    yield (
        {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"},
        handler,
    )
    server.shutdown()


@pytest.mark.slow
def test_fetch_brings_a_checkpoint_and_its_encoder_and_records_the_hash(hub, cli: Cli, cache: Path, tmp_path: Path):
    environment, server = hub
    done = cli("fetch", "comet:test/tiny", env=environment)
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(model_file(tmp_path / "published").read_bytes()).hexdigest()
    assert digest in done.stdout
    record = json.loads((cache / "comet" / "fetched.json").read_text())
    assert record == {f"test/tiny@{COMMIT}": {"sha256": digest}}
    assert not [path for path in server.asked if "unwanted" in path]
    offline = {**environment, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    run = cli("comet", "verify", "comet:test/tiny", env={**offline, "PATH": "/nowhere"})
    assert "unbabel-comet is not installed beside us" in run.stderr and run.returncode == 2  # all else was found
    again = cli("fetch", "comet:test/tiny", env=environment)
    assert again.returncode == 0
    record[f"test/tiny@{COMMIT}"]["sha256"] = "0" * 64
    (cache / "comet" / "fetched.json").write_text(json.dumps(record))
    other = cli("fetch", "comet:test/tiny", env=environment)
    assert other.returncode == 2 and "is not the file on record for test/tiny" in other.stderr
    assert json.loads((cache / "comet" / "fetched.json").read_text()) == record


@pytest.mark.slow
def test_fetch_refuses_other_weights_than_the_pinned_ones(hub, cli: Cli, cache: Path):
    environment, server = hub
    done = cli("fetch", "comet", env=environment)
    assert done.returncode == 2 and "is not the file on record for Unbabel/wmt22-comet-da" in done.stderr
    assert str(registry.KNOWN["comet"].revision) in "".join(server.asked)
    assert not (cache / "comet" / "fetched.json").exists()


@pytest.mark.slow
def test_fetch_says_what_the_hub_lacks(hub, cli: Cli):
    environment, _ = hub
    done = cli("fetch", "comet:test/absent", env=environment)
    assert done.returncode == 2 and "The hub has no repository test/absent" in done.stderr
    done = cli("fetch", "comet:test/tiny", env={**environment, "HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.returncode == 2 and "test/tiny could not be fetched" in done.stderr and "Traceback" not in done.stderr
