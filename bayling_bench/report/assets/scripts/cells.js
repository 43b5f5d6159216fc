// One number of the leaderboard: the value, its bar with the interval, ranks, and what to beware of.

// Returns a bar from zero to the value with its interval over it; `most` is the end of the column's scale.
function barOf(cell, most) {
  const share = (value) => `${Math.max(0, Math.min(100, (100 * value) / most)).toFixed(2)}%`;
  const svg = svgPart("svg", { class: "bar", height: "5", "aria-hidden": "true" });
  svg.append(
    svgPart("rect", { class: "rest", y: "1", width: "100%", height: "3", rx: "1.5" }),
    svgPart("rect", { y: "1", width: share(cell.value), height: "3", rx: "1.5" }),
  );
  if (cell.low !== null)
    svg.append(svgPart("line", { x1: share(cell.low), x2: share(cell.high), y1: "2.5", y2: "2.5" }));
  return svg;
}

function warningsOf(cell, measure) {
  const found = Object.entries(cell.guards)
    .filter(([guard, share]) => share >= 1 && guard !== measure.metric)
    .map(([guard, share]) => `${number(share, 1)}% ${t(`flag.${guard}`)}`);
  if (cell.unscored) found.push(t("ui.unscored", { n: count(cell.unscored) }));
  return found;
}

function targetOf(column, system) {
  if (column.mean)
    return linkTo({ suite: column.suite.key, task: null, item: null, a: null, b: null, show: null, q: null });
  return linkTo({ task: column.task, a: system.key, item: null, b: null, show: null, q: null });
}

function cellView(system, column, scale) {
  const cell = model.cell(system.key, column.task, column.measure);
  if (!cell) return absentView(system, column);
  const rank = ranks(cell.rank_low, cell.rank_high);
  return make(
    "td",
    { class: `cell num ${cell.source}${cell.best ? " best" : ""}`, title: aboutCell(cell, column) },
    make("a", { class: "value", href: targetOf(column, system) }, number(cell.value, column.measure.decimals)),
    make("span", { class: "rank" }, rank ? [unseen(` ${t("ui.rank_is")} `), make("span", {}, rank)] : ""),
    cell.best ? unseen(` ${t(cell.value === scale.best ? "ui.best" : "ui.tied")}`) : null,
    barOf(cell, scale.most),
    make(
      "span",
      { class: "fine" },
      make("span", {}, interval(cell.low, cell.high)),
      make("span", {}, cell.n ? `n ${count(cell.n)}` : ""),
    ),
    warningsOf(cell, column.measure).map((text) => make("span", { class: "warning" }, text)),
  );
}

// An empty cell says why it is empty, where that is known; of a run to be seen, for it may be finished.
function absentView(system, column) {
  const why = model.absent(system.key, column.task, column.measure);
  return make(
    "td",
    { class: "cell num absent", title: why ? [why.why, why.command].filter(Boolean).join("\n") : null },
    make("span", { class: "value" }, ABSENT),
    make("span", { class: "rank" }),
    why && system.kind === "run" ? make("span", { class: "note" }, shortened(why.why, 80)) : null,
  );
}

function aboutCell(cell, column) {
  const averaged = column.mean && cell.published === null && cell.source === "published";
  const about = [t(averaged ? "kind.averaged_about" : `kind.${cell.source}_about`)];
  if (cell.published !== null && cell.source !== "published")
    about.push(`${t("audit.published")} ${number(cell.published, column.measure.decimals)}`);
  return [...about, cell.why, model.signature(cell)].filter(Boolean).join("\n");
}

function scaleOf(column) {
  const found = model.systems
    .map((system) => [system, model.cell(system.key, column.task, column.measure)])
    .filter(([, cell]) => cell);
  const values = found.filter(([system]) => system.finished).map(([, cell]) => cell.value);
  const most = column.measure.percent ? 100 : Math.max(...found.map(([, cell]) => cell.high ?? cell.value), 1e-9);
  return { best: (column.measure.higher ? Math.max : Math.min)(...values), most };
}
