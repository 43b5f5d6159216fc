// What each picture shows, from cells and judgings: a title, what it is about, traces of the chart library, the same in
// words and as a table. A build returns null where there is nothing to draw.

function valueCell(system, task, measure) {
  const cell = model.cell(system.key, task, measure);
  return cell ? [number(cell.value, measure.decimals), interval(cell.low, cell.high)].filter(Boolean).join(" ") : ABSENT;
}

// Returns the measures of the suites that a picture may be drawn in, by the rule that is asked for, guards left out.
function measuresFor(suites) {
  return suites.flatMap((suite) => suite.measures.filter(({ rule, guard }) => !guard && (rule === null || rule === shown.rule)).map((measure) => ({ suite, measure })));
}

function measureChoice(found, chosen) {
  const several = new Set(found.map(({ suite }) => suite.key)).size > 1;
  const key = ({ suite, measure }) => `${suite.key} ${measure.key}`;
  const named = ({ suite, measure }) => [several ? told(suite.name) : "", told(measure.name), suite.states.length > 1 && measure.state !== suite.states[0] ? told(model.state(measure.state).name) : ""].filter(Boolean).join(", ");
  const picked = found.find((each) => key(each) === chosen) ?? found[0];
  return { picked, choice: { name: "measure", label: t("ui.measure"), options: found.map((each) => [key(each), named(each)]), value: picked && key(picked) } };
}

function suitesNamed(keys) {
  return model.suites.filter(({ key }) => keys.includes(key));
}

function bestOf(cells, higher) {
  return cells.reduce((best, each) => (best === null || (higher ? each.cell.value > best.cell.value : each.cell.value < best.cell.value) ? each : best), null);
}

// ---- translation by direction: a dot with its interval for each system, direction under direction

function directions({ measure: chosen }) {
  const { picked, choice: measures } = measureChoice(measuresFor(suitesNamed(board.figures.directions.suites)), chosen);
  if (!picked) return null;
  const { suite, measure } = picked;
  const tasks = suite.tasks.filter((task) => model.has(task, measure) && (shown.language === "" || model.task(task).languages.includes(shown.language)));
  const systems = systemsShown().filter((system) => tasks.some((task) => model.cell(system.key, task, measure)));
  if (!tasks.length || !systems.length) return null;
  const band = 0.76;
  const traces = systems.map((system, place) => {
    const held = tasks.map((task, row) => ({ row, task, cell: model.cell(system.key, task, measure) })).filter(({ cell }) => cell);
    const bound = (side) => held.map(({ cell }) => (cell.low === null ? 0 : side === "low" ? cell.value - cell.low : cell.high - cell.value));
    return {
      type: "scatter", mode: "markers", name: plainLabel(system.label), hoverinfo: "text",
      x: held.map(({ cell }) => cell.value), y: held.map(({ row }) => row + (systems.length > 1 ? (place / (systems.length - 1) - 0.5) * band : 0)),
      text: held.map(({ task, cell }) => plainLabel(`${system.label}, ${model.taskName(task)}: ${number(cell.value, measure.decimals)} ${interval(cell.low, cell.high)}`)),
      marker: { color: colour(system.colour), size: 8, symbol: shapeOf(system) },
      error_x: { type: "data", symmetric: false, array: bound("high"), arrayminus: bound("low"), color: colour(system.colour), thickness: 1.4, width: 0 },
    };
  });
  const leaders = tasks.map((task) => {
    const best = bestOf(systems.map((system) => ({ system, cell: model.cell(system.key, task, measure) })).filter(({ cell }) => cell), measure.higher);
    return best ? t("ui.leads_in", { task: model.taskName(task), system: best.system.label, value: number(best.cell.value, measure.decimals) }) : "";
  });
  return {
    title: t("ui.picture_directions"), about: t("ui.about_directions"), says: `${told(measure.name)}: ${leaders.filter(Boolean).join(t("ui.list_comma"))}${t("ui.full_stop")}`,
    choices: [measures], wide: true, traces, height: 60 + tasks.length * Math.max(34, systems.length * 9),
    layout: {
      xaxis: { title: { text: plainLabel(told(measure.name)) }, zeroline: false },
      yaxis: { tickvals: tasks.map((_, row) => row), ticktext: tasks.map((task) => plainLabel(model.taskName(task))), range: [tasks.length - 0.5, -0.5], showgrid: false, zeroline: false, tickfont: { color: colour("ink"), size: 13 } },
      shapes: tasks.slice(1).map((_, row) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: row + 0.5, y1: row + 0.5, line: { color: colour("line"), width: 1 } })),
    },
    table: { columns: [t("ui.direction"), ...systems.map(({ label }) => label)], rows: tasks.map((task) => [model.taskName(task), ...systems.map((system) => valueCell(system, task, measure))]) },
  };
}

// ---- exams: subsets as a heat map, which is a table itself

function exams({ measure: chosen }) {
  const { picked, choice: measures } = measureChoice(measuresFor(suitesNamed(board.figures.exams.suites)), chosen);
  if (!picked) return null;
  const { suite, measure } = picked;
  const tasks = [...suite.tasks, ...suite.means].filter((task) => model.has(task, measure));
  const systems = systemsShown().filter((system) => tasks.some((task) => model.cell(system.key, task, measure)));
  const values = systems.flatMap((system) => tasks.map((task) => model.cell(system.key, task, measure)?.value)).filter((value) => value !== undefined);
  if (!values.length) return null;
  const spread = tasks.filter((task) => !suite.means.includes(task)).map((task) => ({ task, mean: systems.map((system) => model.cell(system.key, task, measure)?.value).filter((value) => value !== undefined) }))
    .map(({ task, mean }) => ({ task, mean: mean.reduce((sum, value) => sum + value, 0) / mean.length })).filter(({ mean }) => !Number.isNaN(mean)).sort((a, b) => b.mean - a.mean);
  return {
    title: t("ui.picture_exams"), about: t("ui.about_exams"), choices: [measures], wide: true,
    says: spread.length < 2 ? "" : t("ui.easiest_hardest", { measure: told(measure.name), easy: model.taskName(spread[0].task), easy_mean: number(spread[0].mean, 1), hard: model.taskName(spread.at(-1).task), hard_mean: number(spread.at(-1).mean, 1) }),
    heat: {
      columns: tasks.map((task) => model.taskName(task)), low: Math.min(...values), high: Math.max(...values),
      rows: systems.map((system) => ({ head: system.label, cells: tasks.map((task) => {
        const cell = model.cell(system.key, task, measure);
        return { value: cell?.value ?? null, text: cell ? number(cell.value, 1) : ABSENT, href: model.task(task).mean ? null : linkTo({ task, a: system.key, item: null, b: null, show: null, q: null }) };
      }) })),
    },
    table: { columns: [], rows: [] },
  };
}

// ---- judge: wins, ties and losses by opponent

function outcomesShown() {
  return board.figures.judge.outcomes.filter(({ system, opponent }) => !shown.hidden.has(system) && !shown.hidden.has(opponent));
}

function judgeChoice(rows, chosen) {
  const judges = [...new Set(rows.map(({ judge }) => judge))];
  const judge = judges.includes(chosen) ? chosen : judges[0];
  return { judge, choice: { name: "judge", label: t("ui.judge"), options: judges.map((name) => [name, name]), value: judge } };
}

function outcomes({ judge: chosen }) {
  const { judge, choice: judges } = judgeChoice(outcomesShown(), chosen);
  const rows = outcomesShown().filter((row) => row.judge === judge && row.n > 0);
  if (!rows.length) return null;
  const named = (row) => `${model.label(row.system)} – ${model.label(row.opponent)}, ${model.taskName(row.task)}`;
  const kinds = [["win", "c1", "paper"], ["tie", "pressed", "ink"], ["lose", "c2", "paper"]].map((kind) => [...kind, t(`ui.verdict_${kind[0]}`)]);
  const traces = kinds.map(([kind, tone, over, label]) => ({
    type: "bar", orientation: "h", name: plainLabel(label), hoverinfo: "text", x: rows.map((row) => (100 * row[kind]) / row.n), y: rows.map((_, at) => at), width: 0.66,
    text: rows.map((row) => (row[kind] ? String(row[kind]) : "")), textposition: "inside", insidetextanchor: "middle", textangle: 0, textfont: { color: colour(over), size: 12 },
    hovertext: rows.map((row) => plainLabel(`${named(row)}: ${label} ${row[kind]} / ${row.n}`)), marker: { color: colour(tone), line: { color: colour("paper"), width: 1 } },
  }));
  const pairs = new Map(); // pooled over tasks
  for (const row of rows) {
    const pair = `${model.label(row.system)} – ${model.label(row.opponent)}`;
    const sum = pairs.get(pair) ?? { win: 0, tie: 0, lose: 0 };
    pairs.set(pair, { win: sum.win + row.win, tie: sum.tie + row.tie, lose: sum.lose + row.lose });
  }
  const says = [...pairs].map(([pair, sum]) => t("ui.outcome", { pair, ...sum }));
  return {
    title: t("ui.picture_outcomes"), about: t("ui.about_outcomes", { judge }), says: `${says.join(t("ui.list_semicolon"))}${t("ui.full_stop")}`, choices: [judges], traces, height: 62 + rows.length * 34,
    layout: {
      barmode: "stack", bargap: 0.3, showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, traceorder: "normal", itemclick: false, itemdoubleclick: false }, margin: { l: 8, r: 12, t: 26, b: 36 },
      xaxis: { range: [0, 100], ticksuffix: "%", showgrid: false, zeroline: false },
      yaxis: { tickvals: rows.map((_, at) => at), ticktext: rows.map((row) => plainLabel(narrow() ? `${model.label(row.opponent)}, ${model.taskName(row.task)}` : named(row))), range: [rows.length - 0.5, -0.5], showgrid: false, zeroline: false },
    },
    table: { columns: [t("ui.pairing"), t("ui.verdict_win"), t("ui.verdict_tie"), t("ui.verdict_lose"), "n", t("ui.failed"), t("ui.mean_own"), t("ui.mean_other")],
      rows: rows.map((row) => [named(row), row.win, row.tie, row.lose, row.n, row.failed, ...row.means.map((mean) => number(mean, 2))].map(String)) },
  };
}

function narrow() {
  return innerWidth < 640;
}

// ---- judge: nine categories as a radar

const CATEGORIES = ["generic", "knowledge", "roleplay", "common-sense", "fermi", "counterfactual", "coding", "math", "writing"];

function categories({ judge: chosen, task: asked }) {
  const { judge, choice: judges } = judgeChoice(board.figures.judge.categories, chosen);
  const ofJudge = board.figures.judge.categories.filter((row) => row.judge === judge);
  const tasks = [...new Set(ofJudge.map(({ task }) => task ?? ""))];
  const task = tasks.includes(asked) ? asked : tasks.includes("bayling80_zh_multi") ? "bayling80_zh_multi" : tasks[0];
  const rows = [];
  for (const row of ofJudge) if ((row.task ?? "") === task && !shown.hidden.has(row.of) && !rows.some(({ of }) => of === row.of)) rows.push(row);
  const axes = [...CATEGORIES, ...Object.keys(rows[0]?.values ?? {})].filter((name, at, all) => all.indexOf(name) === at && rows.some(({ values }) => values[name] !== undefined));
  if (!rows.length || axes.length < 3) return null;
  const paired = (row) => (row.of === row.system ? row.opponent : row.system);
  const named = (row) => (paired(row) ? t("ui.against", { system: model.label(row.of), opponent: model.label(paired(row)) }) : model.label(row.of));
  const labels = axes.map((name) => plainLabel(wordFor("category", name)));
  const traces = rows.map((row) => {
    const system = model.system(row.of) ?? { colour: "c9", place: 0 };
    const values = axes.map((name) => row.values[name] ?? null);
    return {
      type: "scatterpolar", name: plainLabel(named(row)), r: [...values, values[0]], theta: [...labels, labels[0]], mode: "lines+markers", hoverinfo: "text", fill: "none",
      text: [...axes, axes[0]].map((name) => plainLabel(`${model.label(row.of)}, ${wordFor("category", name)}: ${number(row.values[name], 2)} (n ${row.n[name]})`)),
      line: { color: colour(system.colour), width: 2, dash: ["solid", "dash", "dot", "dashdot"][system.place % 4] }, marker: { color: colour(system.colour), size: 7, symbol: shapeOf(system) },
    };
  });
  const least = Math.min(...rows.flatMap(({ values }) => Object.values(values)));
  const says = rows.map((row) => {
    const known = axes.filter((name) => row.values[name] !== undefined).sort((a, b) => row.values[b] - row.values[a]);
    return t("ui.strong_weak", { system: model.label(row.of), strong: wordFor("category", known[0]), strong_value: number(row.values[known[0]], 1), weak: wordFor("category", known.at(-1)), weak_value: number(row.values[known.at(-1)], 1) });
  });
  return {
    title: t("ui.picture_categories"), about: t("ui.about_categories", { judge }), says: says.join(" "), traces, height: 440,
    choices: [judges, { name: "task", label: t("ui.task"), options: tasks.map((each) => [each, each ? model.taskName(each) : t("ui.all")]), value: task }],
    layout: {
      margin: { l: 60, r: 60, t: 40, b: 60 }, showlegend: true, legend: { orientation: "h", y: -0.12, x: 0.5, xanchor: "center", itemclick: false, itemdoubleclick: false },
      polar: { bgcolor: colour("paper"), radialaxis: { range: [Math.max(0, Math.floor(least) - 1), 10], gridcolor: colour("line"), linecolor: colour("line"), tickfont: { color: colour("quiet"), size: 11 }, angle: 90, tickangle: 90, nticks: 5 },
        angularaxis: { rotation: 90, direction: "clockwise", gridcolor: colour("line"), linecolor: colour("edge"), tickfont: { color: colour("ink"), size: 12.5 } } },
    },
    table: { columns: [t("ui.category"), ...rows.map(named)], rows: axes.map((name) => [wordFor("category", name), ...rows.map(({ values, n }) => (values[name] === undefined ? ABSENT : `${number(values[name], 2)} (n ${n[name]})`))]) },
  };
}

// ---- score against size or cost

function sizes({ measure: chosen, against: asked }) {
  const ways = [["size_b", board.figures.size.systems], ["cost", board.figures.size.cost]].filter(([, keys]) => keys.length > 1);
  const against = ways.some(([way]) => way === asked) ? asked : ways[0]?.[0];
  if (!against) return null;
  const leading = model.suites.flatMap((suite) => {
    const first = [...suite.means, ...suite.tasks][0];
    return measuresFor([suite]).filter(({ measure }) => model.has(first, measure)).map((each) => ({ ...each, task: first }));
  });
  const { picked, choice: measures } = measureChoice(leading, chosen);
  if (!picked) return null;
  const { measure, task } = picked;
  const held = systemsShown().filter((system) => system[against] !== null && model.cell(system.key, task, measure)).map((system) => ({ system, cell: model.cell(system.key, task, measure) }));
  const choices = [measures, { name: "against", label: t("ui.against_what"), options: ways.map(([way]) => [way, t(`ui.${way}`)]), value: against }];
  const title = t("ui.picture_sizes");
  const about = t("ui.about_sizes");
  const head = { title, about, choices, table: { columns: [t("ui.system"), t(`ui.${against}`), told(measure.name)], rows: held.map(({ system, cell }) => [system.label, String(system[against]), [number(cell.value, measure.decimals), interval(cell.low, cell.high)].filter(Boolean).join(" ")]) } };
  const best = bestOf(held, measure.higher);
  const says = best ? t("ui.best_for_size", { system: best.system.label, measure: told(measure.name), value: number(best.cell.value, measure.decimals), n: held.length }) : t("ui.no_sizes");
  const bound = (side) => held.map(({ cell }) => (cell.low === null ? 0 : side === "low" ? cell.value - cell.low : cell.high - cell.value));
  return {
    ...head, says, height: 400,
    traces: [{
      type: "scatter", mode: "markers+text", x: held.map(({ system }) => system[against]), y: held.map(({ cell }) => cell.value), text: held.map(({ system }) => plainLabel(system.label)), textposition: places(held.map(({ system, cell }) => [Math.log(system[against]), cell.value])), textfont: { color: colour("ink"), size: 12 }, cliponaxis: false,
      hoverinfo: "text", hovertext: held.map(({ system, cell }) => plainLabel(`${system.label}: ${number(cell.value, measure.decimals)} ${interval(cell.low, cell.high)}`)),
      marker: { color: held.map(({ system }) => colour(system.colour)), size: 11, symbol: held.map(({ system }) => shapeOf(system)) },
      error_y: { type: "data", symmetric: false, array: bound("high"), arrayminus: bound("low"), color: colour("edge"), thickness: 1.2, width: 0 },
    }],
    layout: { margin: { l: 8, r: 40, t: 26, b: 40 }, xaxis: { type: "log", title: { text: plainLabel(t(`ui.${against}`)) }, tickvals: [0.1, 0.3, 1, 3, 7, 13, 30, 70, 200], zeroline: false }, yaxis: { title: { text: plainLabel(told(measure.name)) }, zeroline: false } },
  };
}

// Returns where the label of each point stands: above it, below it where another label is above there already.
function places(points) {
  const span = (at) => Math.max(...points.map((point) => point[at])) - Math.min(...points.map((point) => point[at])) || 1;
  const [wide, high] = [span(0), span(1)];
  const near = (a, b) => Math.abs(a[0] - b[0]) / wide < 0.22 && Math.abs(a[1] - b[1]) / high < 0.06;
  const found = [];
  points.forEach((point, at) => {
    const taken = points.slice(0, at).filter((other, place) => near(point, other) && found[place] === "top center");
    found.push(taken.length ? "bottom center" : "top center");
  });
  return found;
}

// ---- a judge's agreement with the published verdicts

function calibrations({ judge: asked }) {
  const found = board.figures.judge.calibrations;
  const picked = found.find(({ judge }) => judge === asked) ?? found[0];
  if (!picked) return null;
  const named = ({ dimension, value }) => (value ? `${words(String(dimension))}: ${wordFor("category", value)}` : words(String(dimension)));
  const rows = picked.rows.filter(({ agreement }) => agreement !== null && agreement !== undefined);
  const bound = (side) => rows.map(({ agreement, low, high }) => (low === null || low === undefined ? 0 : side === "low" ? agreement - low : high - agreement));
  return {
    title: t("ui.picture_calibration"), about: t("ui.about_calibration", { judge: picked.judge, against: picked.against }), height: 60 + rows.length * 26,
    says: rows.length ? t("ui.agreement_is", { value: number(rows[0].agreement, 1), n: rows[0].n, kappa: number(rows[0].kappa, 2) }) : "",
    choices: [{ name: "judge", label: t("ui.judge"), options: found.map(({ judge }) => [judge, judge]), value: picked.judge }],
    traces: [{ type: "scatter", mode: "markers", x: rows.map(({ agreement }) => agreement), y: rows.map((_, at) => at), hoverinfo: "text", hovertext: rows.map((row) => plainLabel(`${named(row)}: ${number(row.agreement, 1)}% ${interval(row.low, row.high)}, n ${row.n}`)),
      marker: { color: colour("accent"), size: 9 }, error_x: { type: "data", symmetric: false, array: bound("high"), arrayminus: bound("low"), color: colour("accent"), thickness: 1.4, width: 0 } }],
    layout: { xaxis: { range: [0, 100], ticksuffix: "%" }, yaxis: { tickvals: rows.map((_, at) => at), ticktext: rows.map((row) => plainLabel(named(row))), range: [rows.length - 0.5, -0.5], showgrid: false, zeroline: false } },
    table: { columns: [t("ui.part"), t("ui.agreement"), "n", "κ", t("ui.spearman")], rows: picked.rows.map((row) => [named(row), `${number(row.agreement, 1)} ${interval(row.low, row.high)}`, String(row.n), number(row.kappa, 2), number(row.spearman_of_scores, 2)]) },
  };
}

const PICTURES = [
  { key: "directions", build: directions }, { key: "exams", build: exams }, { key: "outcomes", build: outcomes }, { key: "categories", build: categories },
  { key: "sizes", build: sizes }, { key: "calibration", build: calibrations },
];
