// The leaderboard: a row a system, columns by suite; a suite opens into its tasks, a number into its items.

const shown = { suite: "", rule: "paper", language: "", open: new Set(), hidden: new Set(), measure: {}, sort: null, details: true };

// ---- which columns

// Returns the measure in which a suite is shown: the one chosen, else the first headline by the rule that is asked for.
function measureOf(suite) {
  const chosen = suite.measures.find(({ key }) => key === shown.measure[suite.key]);
  if (chosen && (chosen.rule === null || chosen.rule === shown.rule)) return chosen;
  const fitting = suite.headlined.filter(({ rule }) => rule === null || rule === shown.rule);
  return fitting[0] ?? suite.measures[0];
}

// Returns that measure, and the same metric in other states of the data as far as runs have numbers in them alone: of other
// data, so in columns of their own.
function measuresOf(suite) {
  const main = measureOf(suite);
  if (main === undefined) return [];
  const runs = model.systems.filter(({ kind }) => kind === "run");
  const alone = (measure) => runs.some(({ key }) => suite.tasks.some((task) => model.cell(key, task, measure) && !model.cell(key, task, main)));
  return [main, ...suite.measures.filter((measure) => measure.metric === main.metric && measure !== main && alone(measure))];
}

function columnsOf(suite, measure) {
  const opened = shown.suite === suite.key || shown.open.has(suite.key);
  const spoken = (task) => shown.language === "" || model.task(task).languages.includes(shown.language);
  const means = suite.means.filter((task) => model.has(task, measure) && shown.language === "");
  const tasks = suite.tasks.filter((task) => model.has(task, measure) && spoken(task));
  const chosen = opened || means.length === 0 ? [...means, ...tasks] : means.slice(0, 1);
  return chosen.map((task) => ({ id: `${task}|${measure.key}`, suite, task, measure, mean: suite.means.includes(task) }));
}

function groupsShown() {
  const groups = model.suites
    .filter((suite) => shown.suite === "" || shown.suite === suite.key)
    .flatMap((suite) => measuresOf(suite).map((measure) => ({ suite, measure, columns: columnsOf(suite, measure) })));
  return groups.filter(({ columns }) => columns.length > 0);
}

function systemsShown() {
  return model.systems.filter((system) => !shown.hidden.has(system.key));
}

// ---- the order of rows: absent values and unfinished runs last, whichever way is up

function sortedBy(columns) {
  const column = columns.find(({ id }) => id === shown.sort?.column);
  if (column) return { column, up: shown.sort.up };
  if (shown.sort?.column === "system") return { column: "system", up: shown.sort.up };
  const fullest = columns.map((each) => [each, model.systems.filter((system) => model.cell(system.key, each.task, each.measure)).length])
    .reduce((most, each) => (each[1] > most[1] ? each : most), [undefined, 0])[0];
  return fullest ? { column: fullest, up: !fullest.measure.higher } : { column: "system", up: true };
}

function inOrder(systems, columns) {
  const { column, up } = sortedBy(columns);
  const valueOf = (system) => {
    if (column === "system") return system.label;
    return system.finished ? model.cell(system.key, column.task, column.measure)?.value ?? null : null;
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  return systems
    .map((system) => [system, valueOf(system)])
    .sort(([one, a], [two, b]) => (a === null) - (b === null) || (a === null ? 0 : (up ? 1 : -1) * compare(a, b)) || one.place - two.place)
    .map(([system]) => system);
}

// ---- one cell

// Returns a bar from zero to the value with its interval over it; `most` is the end of the column's scale.
function barOf(cell, most) {
  const share = (value) => `${Math.max(0, Math.min(100, (100 * value) / most)).toFixed(2)}%`;
  const svg = svgPart("svg", { class: "bar", height: "5", "aria-hidden": "true" });
  svg.append(svgPart("rect", { class: "rest", y: "1", width: "100%", height: "3", rx: "1.5" }), svgPart("rect", { y: "1", width: share(cell.value), height: "3", rx: "1.5" }));
  if (cell.low !== null) svg.append(svgPart("line", { x1: share(cell.low), x2: share(cell.high), y1: "2.5", y2: "2.5" }));
  return svg;
}

function warningsOf(cell, measure) {
  const found = Object.entries(cell.guards).filter(([guard, share]) => share >= 1 && guard !== measure.metric)
    .map(([guard, share]) => `${number(share, 1)}% ${t(`flag.${guard}`)}`);
  if (cell.unscored) found.push(t("ui.unscored", { n: count(cell.unscored) }));
  return found;
}

function targetOf(column, system) {
  if (column.mean) return linkTo({ suite: column.suite.key, task: null, item: null, a: null, b: null, show: null, q: null });
  return linkTo({ task: column.task, a: system.key, item: null, b: null, show: null, q: null });
}

function cellView(system, column, scale) {
  const cell = model.cell(system.key, column.task, column.measure);
  if (!cell) return absentView(system, column);
  const rank = ranks(cell.rank_low, cell.rank_high);
  return make("td", { class: `cell num ${cell.source}${cell.best ? " best" : ""}`, title: aboutCell(cell, column) },
    make("a", { class: "value", href: targetOf(column, system) }, number(cell.value, column.measure.decimals)),
    make("span", { class: "rank" }, rank ? [unseen(` ${t("ui.rank_is")} `), make("span", {}, rank)] : ""),
    cell.best ? unseen(` ${t(cell.value === scale.best ? "ui.best" : "ui.tied")}`) : null,
    barOf(cell, scale.most),
    make("span", { class: "fine" }, make("span", {}, interval(cell.low, cell.high)), make("span", {}, cell.n ? `n ${count(cell.n)}` : "")),
    warningsOf(cell, column.measure).map((text) => make("span", { class: "warning" }, text)));
}

// An empty cell says why it is empty, where that is known; of a run to be seen, for it may be finished.
function absentView(system, column) {
  const why = model.absent(system.key, column.task, column.measure);
  return make("td", { class: "cell num absent", title: why ? [why.why, why.command].filter(Boolean).join("\n") : null },
    make("span", { class: "value" }, ABSENT), make("span", { class: "rank" }),
    why && system.kind === "run" ? make("span", { class: "note" }, shortened(why.why, 80)) : null);
}

function aboutCell(cell, column) {
  const about = [t(`kind.${cell.source}_about`)];
  if (cell.published !== null && cell.source !== "published") about.push(`${t("audit.published")} ${number(cell.published, column.measure.decimals)}`);
  return [...about, cell.why, model.signature(cell)].filter(Boolean).join("\n");
}

function scaleOf(column) {
  const found = model.systems.map((system) => [system, model.cell(system.key, column.task, column.measure)]).filter(([, cell]) => cell);
  const values = found.filter(([system]) => system.finished).map(([, cell]) => cell.value);
  const most = column.measure.percent ? 100 : Math.max(...found.map(([, cell]) => cell.high ?? cell.value), 1e-9);
  return { best: (column.measure.higher ? Math.max : Math.min)(...values), most };
}

// ---- the table

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
    this.body = make("tbody", {}, inOrder(systemsShown(), this.columns).map(({ key }) => this.rows.get(key)));
    const table = make("table", { class: `board${shown.details ? "" : " coarse"}` }, make("caption", { class: "unseen" }, t("section.leaderboard")), this.head(), this.body);
    replace(this.place, this.columns.length ? table : make("p", { class: "quiet" }, t("ui.nothing_shown")));
    this.markSort();
  }

  head() {
    return make("thead", {},
      make("tr", {}, make("td", { class: "corner" }), this.groups.map((group) => this.suiteCell(group))),
      make("tr", {}, this.headCell("system", t("ui.system")), this.columns.map((column) => this.headCell(column.id, model.taskName(column.task), aboutColumn(column)))));
  }

  suiteCell({ suite, measure, columns }) {
    const opened = shown.open.has(suite.key);
    const openable = shown.suite === "" && (opened || columns.length < suite.tasks.filter((task) => model.has(task, measure)).length);
    const toggle = () => { if (!shown.open.delete(suite.key)) shown.open.add(suite.key); this.draw(); };
    return make("th", { scope: "colgroup", colspan: columns.length, class: "suite" }, make("div", {},
      make("span", { class: "suite-name" }, told(suite.name)),
      openable ? button(opened ? t("ui.close_suite") : t("ui.open_suite"), toggle, { class: "open", "aria-expanded": String(opened), "aria-label": t("ui.tasks_of", { suite: told(suite.name) }) }) : null,
      make("span", { class: "under", title: measure.state ? told(model.state(measure.state).about) : null }, told(measure.name), measure.state ? `, ${told(model.state(measure.state).name)}` : "")));
  }

  headCell(id, name, about) {
    return make("th", { scope: "col", "data-column": id, class: id === "system" ? null : "num" },
      button(name, () => this.sortBy(id), { class: "sort", title: about }));
  }

  row(system, scales) {
    return make("tr", { "data-system": system.key, class: system.kind },
      make("th", { scope: "row" }, make("div", { class: "system" }, keyOf(system), make("span", { class: "name" }, system.label),
        make("span", { class: "kind" }, [t(`kind.${system.kind}`), system.size_b ? `${system.size_b}B` : ""].filter(Boolean).join(" · "),
          system.finished ? null : make("span", { class: "chip bad" }, t("kind.unfinished"))))),
      this.columns.map((column, at) => cellView(system, column, scales[at])));
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
      if (cell.dataset.column === (column === "system" ? column : column.id)) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
  }

  // What is shown, for the export.
  grid() {
    const named = (column) => [told(column.suite.name), model.taskName(column.task), told(column.measure.name)].join(", ");
    const rows = inOrder(systemsShown(), this.columns).map((system) => [
      { text: `${system.label} (${t(`kind.${system.kind}`)})` },
      ...this.columns.map((column) => {
        const cell = model.cell(system.key, column.task, column.measure);
        if (!cell) return { text: ABSENT };
        return { ...cell, text: number(cell.value, column.measure.decimals), bounds: shown.details ? interval(cell.low, cell.high) : "" };
      }),
    ]);
    return { columns: [t("ui.system"), ...this.columns.map(named)], rows };
  }
}

function aboutColumn({ task, measure }) {
  const items = model.task(task).items;
  return [told(measure.about), measure.state ? told(model.state(measure.state).about) : "", items ? `n ${count(items)}` : ""].filter(Boolean).join("\n");
}
