// One item: what was asked, what is right, and what one or two systems answered, with every turn, score and verdict.

const FOLD = 3000; // characters of one text shown before "show all"
const INTERNAL = ["kind", "letters", "source_language", "target_language", "turns", "source_lang", "target_lang"]; // for the harness rather than for readers
const LEADING = ["source", "passage", "question", "options", "constraints"]; // these first, in this order

function textBox(value, lang) {
  const box = make("div", { class: "text", dir: "auto", lang: lang ?? null });
  if (value.length <= FOLD) {
    box.append(value);
    return box;
  }
  box.append(
    shortened(value, FOLD),
    " ",
    button(t("ui.show_all", { n: count(value.length) }), () => box.replaceChildren(value)),
  );
  return box;
}

function field(label, ...content) {
  return make("div", { class: "field" }, make("h4", {}, label), make("div", {}, ...content));
}

function valueBox(content, lang) {
  if (typeof content === "string") return textBox(content, lang);
  if (Array.isArray(content) && content.every((part) => typeof part === "string")) {
    if (content.length === 1) return textBox(content[0], lang);
    return make(
      "ul",
      {},
      content.map((part) => make("li", {}, textBox(part, lang))),
    );
  }
  return textBox(JSON.stringify(content, null, 1));
}

function wordFor(group, key) {
  return Object.hasOwn(board.strings.en, `${group}.${key}`) ? t(`${group}.${key}`) : words(key);
}

function documentFields(doc, references, lang) {
  const same = JSON.stringify(references);
  const place = (key) => (LEADING.includes(key) ? LEADING.indexOf(key) : LEADING.length);
  return Object.entries(doc ?? {})
    .filter(([key, content]) => !INTERNAL.includes(key) && content !== null && content !== "" && content.length !== 0)
    .filter(([, content]) => JSON.stringify(content) !== same && JSON.stringify([content]) !== same)
    .sort(([a], [b]) => place(a) - place(b))
    .map(([key, content]) =>
      field(wordFor("field", key), key === "category" ? wordFor("category", String(content)) : valueBox(content, lang)),
    );
}

// ---- scores and flags

function metricOf(scoreKey) {
  const [key, state] = scoreKey.split("|");
  const about = model.metric(key);
  return {
    ...about,
    label: state === undefined ? told(about.name) : `${told(about.name)}, ${told(model.state(state).name)}`,
  };
}

function scoreChip(key, value) {
  const metric = metricOf(key);
  if (metric.right && (value === 0 || value === 1)) {
    return make(
      "span",
      { class: value ? "chip good" : "chip bad" },
      `${metric.label}: ${t(value ? "ui.right" : "ui.wrong")}`,
    );
  }
  const text = typeof value === "number" && !Number.isInteger(value) ? number(value, 2) : String(value ?? ABSENT);
  return make("span", { class: "chip" }, `${metric.label} ${text}`);
}

function chips(part, at) {
  const entry = part.entries[at];
  const scores = [...part.scores]
    .map(([key, values]) => [key, values[at]])
    .filter(([, value]) => value !== null && value !== undefined);
  return make(
    "div",
    { class: "chips" },
    scores.map(([key, value]) => scoreChip(key, value)),
    (entry.flags ?? []).map((flag) => make("span", { class: "chip flag" }, wordFor("flag", flag))),
    entry.unscored
      ? make("span", { class: "chip bad" }, t("ui.item_unscored", { why: words(entry.unscored.reason) }))
      : null,
  );
}

// ---- turns

// `shownAs` turns an answer into nodes: plain, or marked against another text.
function turnView(turn, at, many, { user, prompt, lang, shownAs }) {
  const asked = user ?? "";
  const sent = turn.prompt ?? (prompt && asked && at === 0 ? `${prompt.before}${asked}${prompt.after}` : null);
  const answer = turn.response ? shownAs(turn.response, lang, at) : make("em", {}, t("ui.empty_answer"));
  const place = many ? ` ${at + 1}` : "";
  return make(
    "div",
    { class: "turn" },
    many && asked ? field(`${t("ui.user")}${place}`, textBox(asked)) : null,
    field(
      `${t("ui.answer")}${place}`,
      answer,
      turn.finish_reason === "length" ? make("span", { class: "chip bad" }, t("ui.cut_off")) : null,
    ),
    turn.logprobs
      ? field(
          t("ui.log_likelihood"),
          textBox(
            Object.entries(turn.logprobs)
              .map(([letter, value]) => `${letter} ${number(Number(value), 2)}`)
              .join(" · "),
          ),
        )
      : null,
    sent ? make("details", { class: "fold" }, make("summary", {}, t("ui.prompt_sent")), textBox(sent)) : null,
  );
}

// What the exam rules took for the answer.
function readView(part, at) {
  const read = [...part.read].map(
    ([rule, answers]) => `${wordFor("ui", `rule_${rule}`)}: ${answers[at] ?? t("ui.none_read")}`,
  );
  return read.length ? field(t("ui.answer_read"), textBox(read.join(" · "))) : null;
}

function verdictView(verdict, system) {
  const tone = { win: "good", lose: "bad" }[verdict.verdict] ?? "";
  const scores = (verdict.scores ?? [])
    .filter((score) => score !== null)
    .map((score) => number(score, 1))
    .join(" : ");
  return make(
    "div",
    { class: "verdict" },
    make(
      "p",
      {},
      make("span", { class: `chip ${tone}` }, wordFor("ui", `verdict_${verdict.verdict ?? "none"}`)),
      " ",
      make("span", { class: "num" }, scores),
      " ",
      make(
        "span",
        { class: "quiet" },
        [
          verdict.opponent ? t("ui.against", { system, opponent: model.label(verdict.opponent) }) : "",
          verdict.judge,
          verdict.order ? words(String(verdict.order)) : "",
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    verdict.failure
      ? make("p", { class: "warning" }, t("ui.verdict_failed", { why: words(String(verdict.failure)) }))
      : null,
    verdict.evidence
      ? make("details", { class: "fold" }, make("summary", {}, t("ui.evidence")), textBox(verdict.evidence))
      : null,
  );
}

function answerView({ part, about, at, item, languages, shownAs }) {
  const entry = part?.entries[at];
  const title = make("h3", {}, about.label);
  if (!entry) return make("div", { class: "entry" }, title, make("p", { class: "quiet" }, t("ui.no_answer")));
  const target = languages.at(-1);
  const users = entry.users ?? item.users ?? [];
  const many = entry.turns.length > 1;
  return make(
    "div",
    { class: "entry", "data-part": about.key },
    title,
    chips(part, at),
    entry.unscored?.detail ? field(t("ui.why"), textBox(String(entry.unscored.detail))) : null,
    documentFields(entry.doc, entry.references ?? [], languages[0]),
    entry.references ? field(t("ui.references_own"), valueBox(entry.references, target)) : null,
    entry.turns.length ? null : make("em", {}, t("ui.no_answer")),
    entry.turns.map((turn, place) =>
      turnView(turn, place, many, { user: users[place], prompt: part.prompts[at], lang: target, shownAs }),
    ),
    readView(part, at),
    (entry.verdicts ?? []).length
      ? field(
          t("ui.verdicts"),
          entry.verdicts.map((verdict) => verdictView(verdict, model.label(about.system))),
        )
      : null,
  );
}
