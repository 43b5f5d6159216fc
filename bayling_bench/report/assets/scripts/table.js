// The leaderboard: a row a system, columns by suite; a suite opens into its tasks, a number into its items.

class Leaderboard {
  constructor(place) {
    this.place = place;
    this.draw();
  }

  draw() {
    this.groups = groupsShown();
    this.columns = this.groups.flatMap(({ columns }) => columns);
    const scales = this.columns.map(scaleOf);
    this.rows = new Map(systemsShown().map((system) => [system.key, this.row(system, scales)]));
    this.body = make(
      "tbody",
      {},
      inOrder(systemsShown(), this.columns).map(({ key }) => this.rows.get(key)),
    );
    const table = make(
      "table",
      { class: `board${shown.details ? "" : " coarse"}` },
      make("caption", { class: "unseen" }, t("section.leaderboard")),
      this.head(),
      this.body,
    );
    replace(this.place, this.columns.length ? table : make("p", { class: "quiet" }, t("ui.nothing_shown")));
    this.markSort();
  }

  head() {
    return make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("td", { class: "corner" }),
        this.groups.map((group) => this.suiteCell(group)),
      ),
      make(
        "tr",
        {},
        this.headCell("system", t("ui.system")),
        this.columns.map((column) => this.headCell(column.id, model.taskName(column.task), aboutColumn(column))),
      ),
    );
  }

  suiteCell({ suite, measure, columns }) {
    const opened = shown.open.has(suite.key);
    const openable =
      shown.suite === "" && (opened || columns.length < suite.tasks.filter((task) => model.has(task, measure)).length);
    const toggle = () => {
      if (!shown.open.delete(suite.key)) shown.open.add(suite.key);
      this.draw();
    };
    return make(
      "th",
      { scope: "colgroup", colspan: columns.length, class: "suite" },
      make(
        "div",
        {},
        make("span", { class: "suite-name" }, told(suite.name)),
        openable
          ? button(opened ? t("ui.close_suite") : t("ui.open_suite"), toggle, {
              class: "open",
              "aria-expanded": String(opened),
              "aria-label": t("ui.tasks_of", { suite: told(suite.name) }),
            })
          : null,
        make(
          "span",
          { class: "under", title: measure.state ? told(model.state(measure.state).about) : null },
          told(measure.name),
          measure.state ? `, ${told(model.state(measure.state).name)}` : "",
        ),
      ),
    );
  }

  headCell(id, name, about) {
    return make(
      "th",
      { scope: "col", "data-column": id, class: id === "system" ? null : "num" },
      button(name, () => this.sortBy(id), { class: "sort", title: about }),
    );
  }

  row(system, scales) {
    return make(
      "tr",
      { "data-system": system.key, class: system.kind },
      make(
        "th",
        { scope: "row" },
        make(
          "div",
          { class: "system" },
          keyOf(system),
          make("span", { class: "name" }, system.label),
          make(
            "span",
            { class: "kind" },
            [t(`kind.${system.kind}`), system.size_b ? `${system.size_b}B` : ""].filter(Boolean).join(" · "),
            system.finished ? null : make("span", { class: "chip bad" }, t("kind.unfinished")),
          ),
        ),
      ),
      this.columns.map((column, at) => cellView(system, column, scales[at])),
    );
  }

  // Sorting moves rows that are there; nothing is made again.
  sortBy(id) {
    const { column, up } = sortedBy(this.columns);
    const current = column === "system" ? "system" : column.id;
    const downFirst = this.columns.find((each) => each.id === id)?.measure.higher ?? false;
    shown.sort = { column: id, up: current === id ? !up : !downFirst };
    const focused = document.activeElement;
    this.body.append(...inOrder(systemsShown(), this.columns).map(({ key }) => this.rows.get(key)));
    focused?.focus({ preventScroll: true });
    this.markSort();
  }

  markSort() {
    const { column, up } = sortedBy(this.columns);
    for (const cell of this.place.querySelectorAll("thead th[data-column]")) {
      if (cell.dataset.column === (column === "system" ? column : column.id))
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
  }

  // What is shown, for the export.
  grid() {
    const named = (column) =>
      [told(column.suite.name), model.taskName(column.task), told(column.measure.name)].join(", ");
    const rows = inOrder(systemsShown(), this.columns).map((system) => [
      { text: `${system.label} (${t(`kind.${system.kind}`)})` },
      ...this.columns.map((column) => {
        const cell = model.cell(system.key, column.task, column.measure);
        if (!cell) return { text: ABSENT };
        return {
          ...cell,
          text: number(cell.value, column.measure.decimals),
          bounds: shown.details ? interval(cell.low, cell.high) : "",
        };
      }),
    ]);
    return { columns: [t("ui.system"), ...this.columns.map(named)], rows };
  }
}

function aboutColumn({ task, measure }) {
  const items = model.task(task).items;
  return [
    told(measure.about),
    measure.state ? told(model.state(measure.state).about) : "",
    items ? `n ${count(items)}` : "",
  ]
    .filter(Boolean)
    .join("\n");
}
