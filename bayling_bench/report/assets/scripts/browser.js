// The items of a task: a list that can be searched, filtered and ordered, and beside it the item that was picked.
// What is shown stands in the address: task, item, a and b (the systems), show, by, order, category, q, diff.

const PAGE = 50; // items listed at once
const SHOWN = {
  all: () => true,
  wrong: ({ score, right }) => right && score !== null && score < 1,
  unparsed: ({ entry }) => entry?.flags?.includes("unparsed"),
  flagged: ({ entry }) => (entry?.flags?.length ?? 0) > 0,
  unscored: ({ entry }) => Boolean(entry?.unscored),
  flipped: ({ score, other, right }) => right && typeof score === "number" && typeof other === "number" && (score < 1) !== (other < 1),
  lost: ({ entry }) => entry?.verdicts?.some(({ verdict }) => verdict === "lose"),
};

class ItemBrowser {
  constructor(place) {
    this.place = place;
    this.turn = 0; // counts openings: what was unpacked for an earlier one comes too late
  }

  // Shows what the address asks for. Returns whether it asks for items at all.
  async follow() {
    const asked = address();
    const task = asked.get("task");
    if (task === null) return this.overview();
    const turn = ++this.turn;
    if (!store.has(task)) return this.say(t("ui.no_items_of", { task: model.taskName(task) || task }));
    const parts = store.parts(task);
    const pick = (name, otherwise) => parts.find(({ key }) => key === asked.get(name)) ?? parts.find(({ system }) => system === asked.get(name)) ?? otherwise;
    const [a, b] = [pick("a", parts[0]), pick("b", null)];
    if (this.task !== task) replace(this.place, make("p", { class: "quiet", role: "status" }, t("ui.unpacking")));
    try {
      await painted(); // "Unpacking…" is to be seen
      const { items, parts: answers } = await store.open(task);
      if (turn !== this.turn) return true;
      Object.assign(this, { task, parts, items, a, b, first: a && answers[a.place], second: b && answers[b.place], languages: model.task(task).languages });
    } catch (error) {
      return this.say(error.message);
    }
    this.read(asked);
    this.draw();
    return true;
  }

  read(asked) {
    this.keys = [...(this.first?.scores.keys() ?? [])];
    this.by = this.keys.includes(asked.get("by")) ? asked.get("by") : this.mainScore();
    this.filter = Object.hasOwn(SHOWN, asked.get("show") ?? "") ? asked.get("show") : "all";
    this.order = ["lowest", "highest", "apart"].includes(asked.get("order")) ? asked.get("order") : "item";
    this.category = asked.get("category") ?? "";
    this.query = asked.get("q") ?? "";
    this.compared = ["answers", "reference"].includes(asked.get("diff")) ? asked.get("diff") : this.b && asked.get("diff") === null && this.languages.length === 2 ? "answers" : "none";
    this.index = asked.has("item") ? Number(asked.get("item")) : null;
    this.page = null;
  }

  // The score by which right and wrong are told: of the rule that the leaderboard shows, where there are several.
  mainScore() {
    const ruled = this.keys.find((key) => metricOf(key).rule === shown.rule);
    return ruled ?? this.keys.find((key) => !metricOf(key).guard) ?? "";
  }

  say(text) {
    this.task = null;
    replace(this.place, make("p", { class: "quiet", role: "status" }, text), this.backToTasks());
    return true;
  }

  backToTasks() {
    return make("p", {}, make("a", { href: "#items" }, t("ui.all_tasks")));
  }

  // ---- all tasks of which items are in the page

  overview() {
    this.turn += 1;
    this.task = null;
    const tasks = store.tasks();
    const suites = [...new Set(tasks.map(model.suiteOf))];
    const line = (task) => make("li", {}, make("a", { href: linkTo({ task }, "") }, model.taskName(task)),
      make("span", { class: "quiet num" }, ` ${t("ui.packed_of", { packed: count(board.items[task].packed), total: count(board.items[task].total) })}`));
    replace(this.place, tasks.length === 0 ? make("p", { class: "quiet" }, t("ui.no_items")) : make("div", { class: "shelf" },
      suites.map((suite) => make("div", {}, make("h3", {}, model.suiteName(suite)),
        make("ul", {}, tasks.filter((task) => model.suiteOf(task) === suite).map(line))))));
    return false;
  }

  // ---- which items

  seen(at) {
    const right = this.by !== "" && metricOf(this.by).right;
    return { entry: this.first?.entries[at], score: this.first?.scores.get(this.by)?.[at] ?? null, other: this.second?.scores.get(this.by)?.[at] ?? null, right };
  }

  haystack(at) {
    // Prompts stay out: they repeat the question and the same instruction in every item.
    this.haystacks ??= new Map();
    const key = `${this.task}|${this.a?.place}|${this.b?.place}|${at}`;
    if (!this.haystacks.has(key)) {
      const item = this.items[at];
      const answers = [this.first, this.second].map((part) => part?.entries[at]).filter(Boolean)
        .map(({ turns, flags, unscored, doc, references, verdicts }) => [turns.map(({ user, response }) => [user, response]), flags, unscored, doc, references, verdicts]);
      this.haystacks.set(key, plain([...strings([item.index, item.item ?? `${this.task}/${item.index}`, item.doc, item.references, item.users, answers])].join("\n")));
    }
    return this.haystacks.get(key);
  }

  passes(at, filter = this.filter) {
    return SHOWN[filter](this.seen(at)) && (this.category === "" || this.items[at].doc?.category === this.category);
  }

  found() {
    const query = plain(this.query.trim());
    const found = this.items.map((_, at) => at).filter((at) => this.passes(at) && (query === "" || this.haystack(at).includes(query)));
    if (this.order === "item") return found;
    const worth = (at) => {
      const { score, other } = this.seen(at);
      if (this.order !== "apart") return typeof score === "number" ? (this.order === "lowest" ? score : -score) : Infinity;
      return typeof score === "number" && typeof other === "number" ? -Math.abs(score - other) : Infinity;
    };
    return found.map((at) => [at, worth(at)]).sort((a, b) => (a[1] === b[1] ? a[0] - b[0] : a[1] - b[1])).map(([at]) => at);
  }

  // ---- drawing

  draw() {
    this.at = this.index === null ? -1 : this.items.findIndex(({ index }) => index === this.index);
    this.listed = this.found();
    if (this.page === null) this.page = Math.max(0, Math.floor(this.listed.indexOf(this.at) / PAGE));
    this.list = make("div", { class: "list" });
    this.detail = make("div", { class: "detail" });
    const bench = make("div", { class: this.at >= 0 ? "bench picked" : "bench" }, this.list, this.detail);
    this.controls = make("div", { class: "controls" });
    replace(this.place, this.heading(), this.controls, bench);
    this.drawControls();
    this.drawList();
    this.drawItem();
  }

  change(changes) {
    note(changes);
    this.read(address());
    this.draw();
  }

  heading() {
    const { total, packed } = store.about(this.task);
    return make("div", { class: "task-title" },
      make("a", { href: "#items", class: "back" }, t("ui.all_tasks")),
      make("h3", {}, `${model.suiteName(model.suiteOf(this.task))} · ${model.taskName(this.task)}`),
      packed < total ? make("p", { class: "quiet" }, t("ui.sampled", { packed: count(packed), total: count(total) })) : null);
  }

  drawControls() {
    const systems = this.parts.map(({ key, label }) => [key, label]);
    const categories = [...new Set(this.items.map(({ doc }) => doc?.category).filter((category) => typeof category === "string"))];
    const filters = Object.keys(SHOWN).map((filter) => [filter, this.items.filter((_, at) => this.passes(at, filter)).length])
      .filter(([filter, n]) => filter === "all" || n > 0 || filter === this.filter);
    replace(this.controls,
      systems.length > 0 ? choice(t("ui.system_a"), systems, this.a.key, (a) => this.reopen({ a })) : null,
      systems.length > 1 ? choice(t("ui.system_b"), [["", t("ui.none")], ...systems.filter(([key]) => key !== this.a.key)], this.b?.key ?? "", (b) => this.reopen({ b: b || null })) : null,
      this.keys.length > 1 ? choice(t("ui.measure"), this.keys.map((key) => [key, metricOf(key).label]), this.by, (by) => this.change({ by })) : null,
      choice(t("ui.show"), filters.map(([filter, n]) => [filter, `${t(`ui.filter_${filter}`)} (${count(n)})`]), this.filter, (show) => this.change({ show: show === "all" ? null : show })),
      categories.length > 1 ? choice(t("ui.category"), [["", t("ui.all")], ...categories.map((category) => [category, wordFor("category", category)])], this.category, (category) => this.change({ category })) : null,
      this.by ? choice(t("ui.order"), ["item", "lowest", "highest", ...(this.b ? ["apart"] : [])].map((order) => [order, t(`ui.order_${order}`)]), this.order, (order) => this.change({ order: order === "item" ? null : order })) : null,
      this.search());
  }

  // Another system is another part to be unpacked.
  reopen(changes) {
    note(changes);
    this.follow();
  }

  search() {
    const box = make("input", { type: "search", value: this.query, placeholder: t("ui.search_hint"), "aria-label": t("ui.search") });
    let timer = 0;
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.query = box.value;
        note({ q: box.value });
        this.listed = this.found();
        this.page = 0;
        this.drawList();
      }, 120);
    });
    return make("span", { role: "search", class: "search" }, box);
  }

  drawList() {
    const pages = Math.max(1, Math.ceil(this.listed.length / PAGE));
    const onPage = this.listed.slice(this.page * PAGE, (this.page + 1) * PAGE);
    const turn = (by) => () => { this.page += by; this.drawList(); this.list.scrollIntoView({ block: "nearest" }); };
    replace(this.list,
      make("p", { role: "status", class: "quiet found" }, t("ui.found", { n: count(this.listed.length), all: count(this.items.length) })),
      make("ol", { class: "rows", "aria-label": t("section.items") }, onPage.map((at) => this.line(at))),
      pages > 1 ? make("nav", { class: "pager", "aria-label": t("ui.pages") },
        button(t("ui.previous_page"), turn(-1), { disabled: this.page === 0 }),
        make("span", { class: "quiet num" }, t("ui.page_of", { page: this.page + 1, pages })),
        button(t("ui.next_page"), turn(1), { disabled: this.page >= pages - 1 })) : null);
    const current = this.list.querySelector(".current");
    if (current) this.list.scrollTop = current.offsetTop - this.list.clientHeight / 2;
  }

  line(at) {
    const item = this.items[at];
    const doc = item.doc ?? {};
    const text = [doc.source, doc.question, item.users?.[0], doc.passage].find((part) => typeof part === "string" && part !== "") ?? JSON.stringify(doc);
    const { entry, score, other } = this.seen(at);
    const marks = [this.b ? [this.a, score] : [null, score], ...(this.b ? [[this.b, other]] : [])];
    return make("li", { class: at === this.at ? "current" : null },
      make("a", { href: linkTo({ item: item.index }), "aria-current": at === this.at ? "true" : null },
        make("span", { class: "index num" }, String(item.index)),
        make("span", { class: "snippet", lang: this.languages[0] ?? null, dir: "auto" }, shortened(text.trim().replaceAll(/\s+/g, " "), 140)),
        make("span", { class: "marks" },
          marks.map(([part, value]) => this.mark(part, value)),
          entry?.unscored ? make("span", { class: "chip bad" }, t("ui.unscored_short")) : null,
          (entry?.flags ?? []).map((flag) => make("span", { class: "chip flag" }, wordFor("flag", flag))))));
  }

  mark(part, value) {
    if (value === null || this.by === "") return null;
    const before = part ? unseen(`${part.label}: `) : null;
    if (!metricOf(this.by).right || (value !== 0 && value !== 1)) return make("span", { class: "chip" }, before, number(value, 1));
    return make("span", { class: value ? "chip good" : "chip bad" }, before, t(value ? "ui.right" : "ui.wrong"));
  }

  drawItem() {
    if (this.index === null) return replace(this.detail);
    if (this.at < 0) return replace(this.detail, make("p", { role: "status", class: "alert" }, t("ui.item_not_here", { item: this.index })));
    const item = this.items[this.at];
    const [before, after] = [-1, 1].map((by) => this.listed[this.listed.indexOf(this.at) + by]);
    const step = (at, label, key) => (at === undefined || !this.listed.includes(this.at) ? button(label, () => {}, { disabled: true })
      : make("a", { class: "button", href: linkTo({ item: this.items[at].index }), "data-key": key }, label));
    const answers = [[this.a, this.first], [this.b, this.second]].filter(([about]) => about);
    const article = make("article", { class: "item", tabindex: "-1", "data-index": item.index, "aria-label": t("ui.item", { item: item.index }) },
      make("div", { class: "item-bar" }, make("h3", {}, t("ui.item", { item: item.index })),
        step(before, t("ui.previous"), "k"), step(after, t("ui.next"), "j"), make("a", { class: "button", href: linkTo({ item: null }) }, t("ui.close"))),
      documentFields(item.doc, item.references ?? [], this.languages[0]),
      item.references?.length ? field(t(item.references.length > 1 ? "ui.references" : "ui.reference"), valueBox(item.references, this.languages.at(-1))) : null,
      this.comparison(item),
      make("div", { class: `answers${answers.length > 1 ? " two" : ""}` },
        answers.map(([about, part], side) => answerView({ part, about, at: this.at, item, languages: this.languages, shownAs: this.markedBy(item, side) }))));
    return replace(this.detail, article);
  }

  comparison(item) {
    const ways = [["none", t("ui.diff_none")], ...(this.b ? [["answers", t("ui.diff_answers")]] : []), ...(item.references?.length ? [["reference", t("ui.diff_reference")]] : [])];
    if (ways.length < 2) return null;
    return make("div", { class: "labelled compare" }, t("ui.diff"), segmented(t("ui.diff"), ways, this.compared, (diff) => this.change({ diff })));
  }

  // Returns how an answer is drawn: plain, or with what it has alone marked against the other answer or the reference.
  markedBy(item, side) {
    const other = [this.second, this.first][side]?.entries[this.at];
    return (text, lang, turn) => {
      const against = this.compared === "answers" ? other?.turns[turn]?.response : this.compared === "reference" && turn === 0 ? item.references?.[0] : null;
      if (typeof against !== "string" || text.length > 20000 || against.length > 20000) return textBox(text, lang);
      const own = this.compared === "answers" && side === 0 ? "gone" : "new";
      const parts = own === "gone" ? differences(text, against) : differences(against, text);
      if (parts === null) return make("div", {}, textBox(text, lang), make("p", { class: "quiet" }, t("ui.too_different")));
      return make("div", { class: "text", dir: "auto", lang: lang ?? null }, marked(parts, own));
    };
  }

  // Brings the picked item into view and gives it the focus.
  focus() {
    const target = this.detail?.querySelector("article") ?? null;
    if (target === null || !target.isConnected) return false;
    target.focus({ preventScroll: true });
    this.place.scrollIntoView();
    return true;
  }
}

function plain(query) {
  return query.normalize("NFKC").toLowerCase();
}

function* strings(content) {
  if (typeof content === "string") yield content;
  else if (typeof content === "number") yield String(content);
  else if (content !== null && typeof content === "object") for (const part of Object.values(content)) yield* strings(part);
}
