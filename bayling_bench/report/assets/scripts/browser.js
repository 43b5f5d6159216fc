// The item browser: all tasks of which items are in the page, or one task with its list and the item that was picked.
// What is shown stands in the address: task, item, a and b (the systems), show, by, order, category, q, diff.

class ItemBrowser {
  constructor(place) {
    this.place = place;
    this.turn = 0; // counts openings: what was unpacked for an earlier one comes too late
  }

  // Shows what the address asks for. Returns whether it asks for items at all.
  async follow() {
    const asked = address();
    const task = asked.get("task");
    const turn = ++this.turn;
    if (task === null) return this.overview();
    if (!store.has(task)) return this.say(t("ui.no_items_of", { task: model.taskName(task) }));
    try {
      if (this.selection?.task !== task) {
        replace(this.place, make("p", { class: "quiet", role: "status" }, t("ui.unpacking")));
        await painted();
      }
      const found = await store.open(task);
      if (turn !== this.turn) return true;
      this.selection = new Selection(task, found, asked);
    } catch (error) {
      return this.say(error.message);
    }
    this.draw();
    return true;
  }

  say(text) {
    this.selection = null;
    replace(this.place, make("p", { class: "quiet", role: "status" }, text), make("p", {}, backToTasks()));
    return true;
  }

  overview() {
    this.selection = null;
    const tasks = store.tasks();
    const line = (task) =>
      make(
        "li",
        {},
        make(
          "a",
          {
            href: linkTo({
              task,
              a: null,
              b: null,
              item: null,
              show: null,
              by: null,
              order: null,
              category: null,
              q: null,
              diff: null,
            }),
          },
          model.taskName(task),
        ),
        make(
          "span",
          { class: "quiet num" },
          ` ${t("ui.packed_of", { packed: count(store.about(task).packed), total: count(store.about(task).total) })}`,
        ),
      );
    const shelf = (suite) =>
      make(
        "div",
        {},
        make("h3", {}, model.suiteName(suite)),
        make("ul", {}, ordered(tasks.filter((task) => model.suiteOf(task) === suite)).map(line)),
      );
    const known = model.suites.flatMap(({ key, tasks: own }) => [key, ...own]); // in the order of the leaderboard
    const order = (key) => (known.includes(key) ? known.indexOf(key) : known.length);
    const ordered = (keys) => keys.sort((one, other) => order(one) - order(other));
    const suites = ordered([...new Set(tasks.map(model.suiteOf))]);
    replace(
      this.place,
      tasks.length
        ? make("div", { class: "shelf" }, suites.map(shelf))
        : make("p", { class: "quiet" }, t("ui.no_items")),
    );
    return false;
  }

  draw() {
    this.listing = new Listing(this.selection);
    this.detail = detailView(this.selection, (diff) => this.change({ diff }));
    replace(
      this.place,
      this.heading(),
      make("div", { class: "controls" }, this.controls()),
      make(
        "div",
        { class: this.selection.at >= 0 ? "bench picked" : "bench" },
        this.listing.place,
        make("div", { class: "detail" }, this.detail),
      ),
    );
    this.listing.showCurrent();
  }

  // Changes what is shown of the task, without a step in the history.
  change(changes) {
    note(changes);
    this.selection.read(address());
    this.draw();
  }

  heading() {
    const { task } = this.selection;
    const { total, packed } = store.about(task);
    return make(
      "div",
      { class: "task-title" },
      backToTasks(),
      make("h3", {}, `${model.suiteName(model.suiteOf(task))} · ${model.taskName(task)}`),
      packed < total
        ? make("p", { class: "quiet" }, t("ui.sampled", { packed: count(packed), total: count(total) }))
        : null,
    );
  }

  controls() {
    const { parts, a, b, keys, by, filter, category, order } = this.selection;
    const unless = (usual) => (value) => (value === usual ? null : value);
    const another = (changes) => {
      note(changes);
      this.follow();
    };
    const orders = ["item", "lowest", "highest", ...(b ? ["apart"] : [])].map((each) => [each, t(`ui.order_${each}`)]);
    const others = [
      ["", t("ui.none")],
      ...parts.filter(({ key }) => key !== a?.key).map(({ key, label }) => [key, label]),
    ];
    return [
      choice(
        t("ui.system_a"),
        parts.map(({ key, label }) => [key, label]),
        a?.key ?? "",
        (key) => another({ a: key }),
      ),
      parts.length > 1 ? choice(t("ui.system_b"), others, b?.key ?? "", (key) => another({ b: key })) : null,
      keys.length > 1
        ? choice(
            t("ui.measure"),
            keys.map((key) => [key, metricOf(key).label]),
            by,
            (key) => this.change({ by: key }),
          )
        : null,
      choice(t("ui.show"), this.filters(), filter, (show) => this.change({ show: unless("all")(show) })),
      this.categories(category),
      by ? choice(t("ui.order"), orders, order, (each) => this.change({ order: unless("item")(each) })) : null,
      this.search(),
    ];
  }

  // The filters that find anything, with the number of items that they find.
  filters() {
    const { items, filter } = this.selection;
    return Object.keys(SHOWN)
      .map((each) => [each, [...items.keys()].filter((at) => this.selection.passes(at, each)).length])
      .filter(([each, found]) => each === "all" || found > 0 || each === filter)
      .map(([each, found]) => [each, `${t(`ui.filter_${each}`)} (${count(found)})`]);
  }

  categories(category) {
    const found = this.selection.categories();
    if (found.length < 2) return null;
    const options = [["", t("ui.all")], ...found.map((each) => [each, wordFor("category", each)])];
    return choice(t("ui.category"), options, category, (each) => this.change({ category: each }));
  }

  search() {
    const { selection, listing } = this;
    const box = make("input", {
      type: "search",
      value: selection.query,
      placeholder: t("ui.search_hint"),
      "aria-label": t("ui.search"),
    });
    let timer = 0;
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        selection.query = box.value;
        note({ q: box.value });
        selection.list();
        listing.restart();
      }, 120);
    });
    return make("span", { role: "search", class: "search" }, box);
  }

  // Brings the picked item into view and gives it the focus. Returns whether there is one.
  focus() {
    if (!this.detail?.isConnected || !this.detail.matches("article")) return false;
    this.detail.focus({ preventScroll: true });
    this.place.scrollIntoView();
    return true;
  }
}

function backToTasks() {
  return make("a", { href: "#items", class: "back" }, t("ui.all_tasks"));
}
