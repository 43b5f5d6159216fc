// Which items of a task are shown and how: by the systems, filters, order and words in the address.

const SHOWN = {
  all: () => true,
  wrong: ({ score, right }) => right && score !== null && score < 1,
  unparsed: ({ entry }) => entry?.flags?.includes("unparsed"),
  flagged: ({ entry }) => (entry?.flags?.length ?? 0) > 0,
  unscored: ({ entry }) => Boolean(entry?.unscored),
  flipped: ({ score, other, right }) =>
    right && typeof score === "number" && typeof other === "number" && score < 1 !== other < 1,
  lost: ({ entry }) => entry?.verdicts?.some(({ verdict }) => verdict === "lose"),
};

class Selection {
  // `parts` names the systems that answered, `answers` holds what each said.
  constructor(task, { items, parts: answers }, asked) {
    const parts = store.parts(task);
    const pick = (name) =>
      parts.find(({ key }) => key === asked.get(name)) ?? parts.find(({ system }) => system === asked.get(name));
    const a = pick("a") ?? parts[0];
    const b = pick("b") ?? null;
    Object.assign(this, { task, items, parts, a, b, languages: model.task(task).languages });
    this.first = a && answers[a.place];
    this.second = b && answers[b.place];
    this.read(asked);
  }

  read(asked) {
    const given = (name, known, otherwise) => (known.includes(asked.get(name)) ? asked.get(name) : otherwise);
    this.keys = [...(this.first?.scores.keys() ?? [])];
    this.by = given("by", this.keys, this.mainScore());
    this.right = this.by !== "" && metricOf(this.by).right;
    this.filter = given("show", Object.keys(SHOWN), "all");
    this.order = given("order", ["lowest", "highest", "apart"], "item");
    this.category = asked.get("category") ?? "";
    this.query = asked.get("q") ?? "";
    this.compared = given(
      "diff",
      ["none", "answers", "reference"],
      this.b && this.items[0]?.references?.length ? "answers" : "none",
    );
    this.index = asked.has("item") ? Number(asked.get("item")) : null;
    this.at = this.index === null ? -1 : this.items.findIndex(({ index }) => index === this.index);
    this.list();
  }

  // The score by which right and wrong are told: of the rule that the leaderboard shows, where there are several. COMET
  // and chrF tell more of a single sentence than BLEU does.
  mainScore() {
    const first = (test) => this.keys.find(test);
    return (
      first((key) => metricOf(key).rule === shown.rule) ??
      first((key) => key.startsWith("comet")) ??
      first((key) => key === "chrf") ??
      first((key) => !metricOf(key).guard) ??
      ""
    );
  }

  // What is known of an item under the chosen score.
  seen(at) {
    const score = (part) => part?.scores.get(this.by)?.[at] ?? null;
    return { entry: this.first?.entries[at], score: score(this.first), other: score(this.second), right: this.right };
  }

  passes(at, filter = this.filter) {
    return SHOWN[filter](this.seen(at)) && (this.category === "" || this.items[at].doc?.category === this.category);
  }

  categories() {
    return [...new Set(this.items.map(({ doc }) => doc?.category).filter((category) => typeof category === "string"))];
  }

  // Finds the items to list: their places among all.
  list() {
    const query = plain(this.query.trim());
    const found = [...this.items.keys()].filter(
      (at) => this.passes(at) && (query === "" || this.haystack(at).includes(query)),
    );
    const worth = new Map(found.map((at) => [at, this.worth(at)]));
    this.listed =
      this.order === "item"
        ? found
        : found.sort((a, b) => (worth.get(a) === worth.get(b) ? a - b : worth.get(a) - worth.get(b)));
  }

  // What items are ordered by; those without a score come last.
  worth(at) {
    const { score, other } = this.seen(at);
    if (typeof score !== "number" || (this.order === "apart" && typeof other !== "number")) return Infinity;
    if (this.order === "apart") return -Math.abs(score - other);
    return this.order === "lowest" ? score : -score;
  }

  // All that may be searched in an item. Prompts stay out: they repeat the question and the same instruction every
  // time.
  haystack(at) {
    this.haystacks ??= new Map();
    if (!this.haystacks.has(at)) {
      const { index, doc, references, users } = this.items[at];
      const answers = [this.first, this.second].map((part) => part?.entries[at]).filter(Boolean);
      const said = answers.map((entry) => ({ ...entry, turns: entry.turns.map(({ response }) => response) }));
      this.haystacks.set(at, plain([...strings([`${this.task}/${index}`, doc, references, users, said])].join("\n")));
    }
    return this.haystacks.get(at);
  }
}

function plain(query) {
  return query.normalize("NFKC").toLowerCase();
}

function* strings(content) {
  if (typeof content === "string") yield content;
  else if (content !== null && typeof content === "object")
    for (const part of Object.values(content)) yield* strings(part);
}
