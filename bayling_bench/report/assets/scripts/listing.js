// The list of a task's items, page by page: number, beginning of the text, scores and flags.

const PAGE = 50; // items listed at once

class Listing {
  constructor(selection) {
    this.selection = selection;
    this.place = make("div", { class: "list" });
    this.page = Math.max(0, Math.floor(selection.listed.indexOf(selection.at) / PAGE));
    this.draw();
  }

  // Draws again from the first page, after another search.
  restart() {
    this.page = 0;
    this.draw();
  }

  draw() {
    const { listed, items } = this.selection;
    const onPage = listed.slice(this.page * PAGE, (this.page + 1) * PAGE);
    replace(
      this.place,
      make(
        "p",
        { role: "status", class: "quiet found" },
        t("ui.found", { n: count(listed.length), all: count(items.length) }),
      ),
      make(
        "ol",
        { class: "rows", "aria-label": t("section.items") },
        onPage.map((at) => this.line(at)),
      ),
      this.pager(Math.max(1, Math.ceil(listed.length / PAGE))),
    );
    this.showCurrent();
  }

  // The list scrolls in itself, so that the page stays where it is.
  showCurrent() {
    const current = this.place.querySelector(".current");
    if (current) this.place.scrollTop = current.offsetTop - this.place.clientHeight / 2;
  }

  pager(pages) {
    if (pages < 2) return null;
    const turn = (by) => () => {
      this.page += by;
      this.draw();
      this.place.scrollTop = 0;
      this.place.scrollIntoView({ block: "nearest" });
    };
    return make(
      "nav",
      { class: "pager", "aria-label": t("ui.pages") },
      button(t("ui.previous_page"), turn(-1), { disabled: this.page === 0 }),
      make("span", { class: "quiet num" }, t("ui.page_of", { page: this.page + 1, pages })),
      button(t("ui.next_page"), turn(1), { disabled: this.page >= pages - 1 }),
    );
  }

  line(at) {
    const { items, languages, at: picked } = this.selection;
    return make(
      "li",
      { class: at === picked ? "current" : null },
      make(
        "a",
        { href: linkTo({ item: items[at].index }), "aria-current": at === picked ? "true" : null },
        make("span", { class: "index num" }, String(items[at].index)),
        make("span", { class: "snippet", lang: languages[0] ?? null, dir: "auto" }, snippetOf(items[at])),
        this.marks(at),
      ),
    );
  }

  marks(at) {
    const { a, b } = this.selection;
    const { entry, score, other } = this.selection.seen(at);
    return make(
      "span",
      { class: "marks" },
      this.mark(b ? a : null, score),
      b ? this.mark(b, other) : null,
      entry?.unscored ? make("span", { class: "chip bad" }, t("ui.unscored_short")) : null,
      (entry?.flags ?? []).map((flag) => make("span", { class: "chip flag" }, wordFor("flag", flag))),
    );
  }

  mark(part, value) {
    if (typeof value !== "number") return null;
    const before = part ? unseen(`${part.label}: `) : null;
    if (!this.selection.right || (value !== 0 && value !== 1))
      return make("span", { class: "chip" }, before, Number.isInteger(value) ? String(value) : number(value, 1));
    return make("span", { class: value ? "chip good" : "chip bad" }, before, t(value ? "ui.right" : "ui.wrong"));
  }
}

function snippetOf({ doc, users }) {
  const known = [doc?.source, doc?.question, users?.[0], doc?.passage].find(
    (part) => typeof part === "string" && part !== "",
  );
  return shortened((known ?? JSON.stringify(doc)).slice(0, 600).trim().replaceAll(/\s+/g, " "), 140);
}
