// Which columns and rows the leaderboard shows, and in what order: by what the reader chose.

const shown = {
  suite: "",
  rule: "paper",
  language: "",
  open: new Set(),
  hidden: new Set(),
  measure: {},
  sort: null,
  details: true,
};

// Returns whether any run has a number by a metric, in whatever state.
function ofRuns(suite, metric) {
  const measures = suite.measures.filter((measure) => measure.metric === metric);
  return model.systems.some(
    ({ key, kind }) =>
      kind === "run" && suite.tasks.some((task) => measures.some((measure) => model.cell(key, task, measure))),
  );
}

// Returns the measure in which a suite is shown: the one chosen, else the first headline by the rule that is asked for,
// rather one that runs have numbers by: those of a board may be led by COMET, which needs weights that many lack.
function measureOf(suite) {
  const chosen = suite.measures.find(({ key }) => key === shown.measure[suite.key]);
  if (chosen && (chosen.rule === null || chosen.rule === shown.rule)) return chosen;
  const fitting = suite.headlined.filter(({ rule }) => rule === null || rule === shown.rule);
  return fitting.find(({ metric }) => ofRuns(suite, metric)) ?? fitting[0] ?? suite.measures[0];
}

// Returns that measure, and the same metric in other states of the data as far as runs have numbers in them alone: of
// other data, so in columns of their own.
function measuresOf(suite) {
  const main = measureOf(suite);
  if (main === undefined) return [];
  const runs = model.systems.filter(({ kind }) => kind === "run");
  const alone = (measure) =>
    runs.some(({ key }) => suite.tasks.some((task) => model.cell(key, task, measure) && !model.cell(key, task, main)));
  return [
    main,
    ...suite.measures.filter((measure) => measure.metric === main.metric && measure !== main && alone(measure)),
  ];
}

function columnsOf(suite, measure) {
  const opened = shown.suite === suite.key || shown.open.has(suite.key);
  const spoken = (task) => shown.language === "" || model.task(task).languages.includes(shown.language);
  const means = suite.means.filter((task) => model.has(task, measure) && shown.language === "");
  const tasks = suite.tasks.filter((task) => model.has(task, measure) && spoken(task));
  const chosen = opened || means.length === 0 ? [...means, ...tasks] : means.slice(0, 1);
  return chosen.map((task) => ({
    id: `${task}|${measure.key}`,
    suite,
    task,
    measure,
    mean: suite.means.includes(task),
  }));
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

// The order of rows: absent values and unfinished runs last, whichever way is up

function sortedBy(columns) {
  const column = columns.find(({ id }) => id === shown.sort?.column);
  if (column) return { column, up: shown.sort.up };
  if (shown.sort?.column === "system") return { column: "system", up: shown.sort.up };
  const fullest = columns
    .map((each) => [each, model.systems.filter((system) => model.cell(system.key, each.task, each.measure)).length])
    .reduce((most, each) => (each[1] > most[1] ? each : most), [undefined, 0])[0];
  return fullest ? { column: fullest, up: !fullest.measure.higher } : { column: "system", up: true };
}

function inOrder(systems, columns) {
  const { column, up } = sortedBy(columns);
  const valueOf = (system) => {
    if (column === "system") return system.label;
    return system.finished ? (model.cell(system.key, column.task, column.measure)?.value ?? null) : null;
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
  return systems
    .map((system) => [system, valueOf(system)])
    .sort(
      ([one, a], [two, b]) =>
        (a === null) - (b === null) || (a === null ? 0 : (up ? 1 : -1) * compare(a, b)) || one.place - two.place,
    )
    .map(([system]) => system);
}
