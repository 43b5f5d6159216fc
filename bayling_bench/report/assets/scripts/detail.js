// The item that was picked, with one or two systems' answers to it and what differs between them.

const COMPARED = 20000; // characters of a text beyond which nothing is marked in it

function detailView(selection, compare) {
  if (selection.index === null) return null;
  if (selection.at < 0)
    return make("p", { role: "status", class: "alert" }, t("ui.item_not_here", { item: selection.index }));
  const { items, at, languages, a, b, first, second } = selection;
  const item = items[at];
  const answers = [
    [a, first],
    [b, second],
  ].filter(([about]) => about);
  return make(
    "article",
    { class: "item", tabindex: "-1", "data-index": item.index, "aria-label": t("ui.item", { item: item.index }) },
    itemBar(selection),
    documentFields(item.doc, item.references ?? [], languages[0]),
    item.references?.length
      ? field(
          t(item.references.length > 1 ? "ui.references" : "ui.reference"),
          valueBox(item.references, languages.at(-1)),
        )
      : null,
    comparison(selection, compare),
    make(
      "div",
      { class: answers.length > 1 ? "answers two" : "answers" },
      answers.map(([about, part], side) =>
        answerView({ part, about, at, item, languages, shownAs: markedBy(selection, side) }),
      ),
    ),
  );
}

function itemBar({ items, at, listed }) {
  const place = listed.indexOf(at);
  const step = (to, label, key) =>
    place < 0 || to === undefined
      ? button(label, () => {}, { disabled: true })
      : make("a", { class: "button", href: linkTo({ item: items[to].index }), "data-key": key }, label);
  return make(
    "div",
    { class: "item-bar" },
    make("h3", {}, t("ui.item", { item: items[at].index })),
    step(listed[place - 1], t("ui.previous"), "k"),
    step(listed[place + 1], t("ui.next"), "j"),
    make("a", { class: "button", href: linkTo({ item: null }) }, t("ui.close")),
  );
}

function comparison({ b, items, at, compared }, compare) {
  const ways = [
    ["none", t("ui.diff_none")],
    ["answers", t("ui.diff_answers")],
    ["reference", t("ui.diff_reference")],
  ].filter(([way]) => (way !== "answers" || b) && (way !== "reference" || items[at].references?.length));
  if (ways.length < 2) return null;
  return make("div", { class: "labelled compare" }, t("ui.diff"), segmented(t("ui.diff"), ways, compared, compare));
}

// Returns how an answer is drawn: plain, or with what it has alone marked against the other answer or the reference.
function markedBy({ first, second, items, at, compared }, side) {
  const other = [second, first][side]?.entries[at];
  return (text, lang, turn) => {
    const against =
      compared === "answers"
        ? other?.turns[turn]?.response
        : compared === "reference" && turn === 0
          ? items[at].references?.[0]
          : null;
    if (typeof against !== "string" || text.length > COMPARED || against.length > COMPARED) return textBox(text, lang);
    const own = compared === "answers" && side === 0 ? "gone" : "new";
    const parts = own === "gone" ? differences(text, against) : differences(against, text);
    if (parts === null)
      return make("div", {}, textBox(text, lang), make("p", { class: "quiet" }, t("ui.too_different")));
    return make("div", { class: "text", dir: "auto", lang: lang ?? null }, marked(parts, own));
  };
}
