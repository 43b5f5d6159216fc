"""The catalogue of upstream files: repository, pinned commit, path, size and hash of each, with licence and citation.

The facts lie in ``catalogue.json``: ``files[repo][commit][path] = [bytes, sha256]``, and ``sources``, where a licence
and a citation are stated once for all files of a repository under a path prefix (the longest prefix counts). Sizes and
hashes were taken from the files at the pinned commits of ictnlp/BayLing, ruixiangcui/AGIEval and
wmt-conference/wmt22-news-systems; licences from AGIEval's ``data/v1/LICENSE``, BayLing's README and WMT22's terms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bayling_bench.errors import DataError, did_you_mean

GITHUB_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Source:
    """Where files come from and on what terms; holds for the files of ``repo`` whose path starts with ``prefix``."""

    name: str
    repo: str
    prefix: str
    homepage: str
    licence: str
    """An SPDX identifier, or a plain statement where upstream gives no licence."""
    notice: str
    """Where upstream states the licence, and what the statement leaves open."""
    citation: str


@dataclass(frozen=True)
class File:
    """One upstream file, pinned: these bytes and no others."""

    repo: str
    commit: str
    path: str
    bytes: int
    sha256: str

    @property
    def tail(self) -> str:
        """Return ``repo/commit/path``: the file's place in the cache, in a mirror folder and under a base URL."""
        return f"{self.repo}/{self.commit}/{self.path}"

    @property
    def url(self) -> str:
        """Return the address of the raw file at the pinned commit on GitHub."""
        return f"{GITHUB_RAW}/{quote(self.tail)}"

    @property
    def source(self) -> Source:
        """Return the source with the longest prefix of the file's path. DataError for a repository without one."""
        fitting = [s for s in sources() if s.repo == self.repo and self.path.startswith(s.prefix)]
        if not fitting:
            raise DataError(f"{self.repo}: the catalogue states no source for {self.path}")
        return max(fitting, key=lambda s: len(s.prefix))

    @property
    def licence(self) -> str:
        """Return the SPDX identifier of the licence, or a plain statement where upstream gives none."""
        return self.source.licence

    @property
    def citation(self) -> str:
        """Return what to cite: authors, title, venue, year and address."""
        return self.source.citation


@cache
def _facts() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8"))


@cache
def files() -> tuple[File, ...]:
    """Return every file of the catalogue, by repository, commit and path."""
    return tuple(
        File(repo, commit, path, size, sha256)
        for repo, commits in _facts()["files"].items()
        for commit, entries in commits.items()
        for path, (size, sha256) in entries.items()
    )


@cache
def sources() -> tuple[Source, ...]:
    """Return every source: a licence and a citation, for a repository and a path prefix."""
    return tuple(Source(**entry) for entry in _facts()["sources"])


def find(repo: str, path: str, commit: str | None = None) -> File:
    """Return the file at ``path`` of ``repo``; ``commit`` may be shortened to any prefix that tells the commits apart.

    DataError when there is no such file (with near names), or when several commits hold it and none was chosen.
    """
    of_repo = _of_repo(repo, commit)
    found = [f for f in of_repo if f.path == path]
    if not found:
        near = did_you_mean(path, {f.path for f in of_repo})
        raise DataError(f"{repo} has no file {path!r} in the catalogue.{near}")
    if len(found) > 1:
        commits = " or ".join(f.commit[:8] for f in found)
        raise DataError(f"{repo}: {path} is pinned at several commits; choose one: commit={commits}")
    return found[0]


def match(repo: str, pattern: str, commit: str | None = None) -> list[File]:
    """Return the files of ``repo`` whose whole path fits the shell pattern (its ``*`` crosses ``/``), maybe none.

    DataError for a repository or a commit that the catalogue does not hold.
    """
    return [f for f in _of_repo(repo, commit) if fnmatchcase(f.path, pattern)]


def _of_repo(repo: str, commit: str | None) -> list[File]:
    of_repo = [f for f in files() if f.repo == repo]
    if not of_repo:
        raise DataError(f"no repository {repo!r} in the catalogue.{did_you_mean(repo, {f.repo for f in files()})}")
    chosen = [f for f in of_repo if f.commit.startswith(commit or "")]
    if not chosen:
        known = ", ".join(sorted({f.commit[:8] for f in of_repo}))
        raise DataError(f"{repo} is not pinned at commit {commit!r}; the catalogue holds {known}")
    return chosen
