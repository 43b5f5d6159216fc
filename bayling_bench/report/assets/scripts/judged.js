// What judges said: wins, ties and losses by opponent, scores by category, agreement with published verdicts.

function outcomesShown() {
  return board.figures.judge.outcomes.filter(
    ({ system, opponent }) => !shown.hidden.has(system) && !shown.hidden.has(opponent),
  );
}

function judgeChoice(rows, chosen) {
  const judges = [...new Set(rows.map(({ judge }) => judge))];
  const judge = judges.includes(chosen) ? chosen : judges[0];
  return {
    judge,
    choice: { name: "judge", label: t("ui.judge"), options: judges.map((name) => [name, name]), value: judge },
  };
}

function outcomes({ judge: chosen }) {
  const { judge, choice: judges } = judgeChoice(outcomesShown(), chosen);
  const rows = outcomesShown().filter((row) => row.judge === judge && row.n > 0);
  if (!rows.length) return null;
  const named = (row) => `${model.label(row.system)} – ${model.label(row.opponent)}, ${model.taskName(row.task)}`;
  const kinds = [
    ["win", "c1", "paper"],
    ["tie", "pressed", "ink"],
    ["lose", "c2", "paper"],
  ].map((kind) => [...kind, t(`ui.verdict_${kind[0]}`)]);
  const traces = kinds.map(([kind, tone, over, label]) => ({
    type: "bar",
    orientation: "h",
    name: plainLabel(label),
    hoverinfo: "text",
    x: rows.map((row) => (100 * row[kind]) / row.n),
    y: rows.map((_, at) => at),
    width: 0.66,
    text: rows.map((row) => (row[kind] ? String(row[kind]) : "")),
    textposition: "inside",
    insidetextanchor: "middle",
    textangle: 0,
    textfont: { color: colour(over), size: 12 },
    hovertext: rows.map((row) => plainLabel(`${named(row)}: ${label} ${row[kind]} / ${row.n}`)),
    marker: { color: colour(tone), line: { color: colour("paper"), width: 1 } },
  }));
  const pairs = new Map(); // pooled over tasks
  for (const row of rows) {
    const pair = `${model.label(row.system)} – ${model.label(row.opponent)}`;
    const sum = pairs.get(pair) ?? { win: 0, tie: 0, lose: 0 };
    pairs.set(pair, { win: sum.win + row.win, tie: sum.tie + row.tie, lose: sum.lose + row.lose });
  }
  const says = [...pairs].map(([pair, sum]) => t("ui.outcome", { pair, ...sum }));
  return {
    title: t("ui.picture_outcomes"),
    about: t("ui.about_outcomes", { judge }),
    says: `${says.join(t("ui.list_semicolon"))}${t("ui.full_stop")}`,
    choices: [judges],
    traces,
    height: 62 + rows.length * 34,
    layout: {
      barmode: "stack",
      bargap: 0.3,
      showlegend: true,
      legend: {
        orientation: "h",
        y: 1.02,
        yanchor: "bottom",
        x: 0,
        traceorder: "normal",
        itemclick: false,
        itemdoubleclick: false,
      },
      margin: { l: 8, r: 12, t: 26, b: 36 },
      xaxis: { range: [0, 100], ticksuffix: "%", showgrid: false, zeroline: false },
      yaxis: {
        tickvals: rows.map((_, at) => at),
        ticktext: rows.map((row) =>
          plainLabel(narrow() ? `${model.label(row.opponent)}, ${model.taskName(row.task)}` : named(row)),
        ),
        range: [rows.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false,
      },
    },
    table: {
      columns: [
        t("ui.pairing"),
        t("ui.verdict_win"),
        t("ui.verdict_tie"),
        t("ui.verdict_lose"),
        "n",
        t("ui.failed"),
        t("ui.mean_own"),
        t("ui.mean_other"),
      ],
      rows: rows.map((row) =>
        [named(row), row.win, row.tie, row.lose, row.n, row.failed, ...row.means.map((mean) => number(mean, 2))].map(
          String,
        ),
      ),
    },
  };
}

function narrow() {
  return innerWidth < 640;
}

const CATEGORIES = [
  "generic",
  "knowledge",
  "roleplay",
  "common-sense",
  "fermi",
  "counterfactual",
  "coding",
  "math",
  "writing",
];

function categories({ judge: chosen, task: asked }) {
  const { judge, choice: judges } = judgeChoice(board.figures.judge.categories, chosen);
  const ofJudge = board.figures.judge.categories.filter((row) => row.judge === judge);
  const tasks = [...new Set(ofJudge.map(({ task }) => task ?? ""))];
  const task = tasks.includes(asked) ? asked : tasks.includes("bayling80_zh_multi") ? "bayling80_zh_multi" : tasks[0];
  const rows = [];
  for (const row of ofJudge)
    if ((row.task ?? "") === task && !shown.hidden.has(row.of) && !rows.some(({ of }) => of === row.of)) rows.push(row);
  const axes = [...CATEGORIES, ...Object.keys(rows[0]?.values ?? {})].filter(
    (name, at, all) => all.indexOf(name) === at && rows.some(({ values }) => values[name] !== undefined),
  );
  if (!rows.length || axes.length < 3) return null;
  const paired = (row) => (row.of === row.system ? row.opponent : row.system);
  const named = (row) =>
    paired(row)
      ? t("ui.against", { system: model.label(row.of), opponent: model.label(paired(row)) })
      : model.label(row.of);
  const labels = axes.map((name) => plainLabel(wordFor("category", name)));
  const traces = rows.map((row) => {
    const system = model.system(row.of) ?? { colour: "c9", place: 0 };
    const values = axes.map((name) => row.values[name] ?? null);
    return {
      type: "scatterpolar",
      name: plainLabel(named(row)),
      r: [...values, values[0]],
      theta: [...labels, labels[0]],
      mode: "lines+markers",
      hoverinfo: "text",
      fill: "none",
      text: [...axes, axes[0]].map((name) =>
        plainLabel(
          `${model.label(row.of)}, ${wordFor("category", name)}: ${number(row.values[name], 2)} (n ${row.n[name]})`,
        ),
      ),
      line: { color: colour(system.colour), width: 2, dash: ["solid", "dash", "dot", "dashdot"][system.place % 4] },
      marker: { color: colour(system.colour), size: 7, symbol: shapeOf(system) },
    };
  });
  const least = Math.min(...rows.flatMap(({ values }) => Object.values(values)));
  const says = rows.map((row) => {
    const known = axes.filter((name) => row.values[name] !== undefined).sort((a, b) => row.values[b] - row.values[a]);
    return t("ui.strong_weak", {
      system: model.label(row.of),
      strong: wordFor("category", known[0]),
      strong_value: number(row.values[known[0]], 1),
      weak: wordFor("category", known.at(-1)),
      weak_value: number(row.values[known.at(-1)], 1),
    });
  });
  return {
    title: t("ui.picture_categories"),
    about: t("ui.about_categories", { judge }),
    says: says.join(" "),
    traces,
    height: 440,
    choices: [
      judges,
      {
        name: "task",
        label: t("ui.task"),
        options: tasks.map((each) => [each, each ? model.taskName(each) : t("ui.all")]),
        value: task,
      },
    ],
    layout: {
      margin: { l: 60, r: 60, t: 40, b: 60 },
      showlegend: true,
      legend: { orientation: "h", y: -0.12, x: 0.5, xanchor: "center", itemclick: false, itemdoubleclick: false },
      polar: {
        bgcolor: colour("paper"),
        radialaxis: {
          range: [Math.max(0, Math.floor(least) - 1), 10],
          gridcolor: colour("line"),
          linecolor: colour("line"),
          tickfont: { color: colour("quiet"), size: 11 },
          angle: 90,
          tickangle: 90,
          nticks: 5,
        },
        angularaxis: {
          rotation: 90,
          direction: "clockwise",
          gridcolor: colour("line"),
          linecolor: colour("edge"),
          tickfont: { color: colour("ink"), size: 12.5 },
        },
      },
    },
    table: {
      columns: [t("ui.category"), ...rows.map(named)],
      rows: axes.map((name) => [
        wordFor("category", name),
        ...rows.map(({ values, n }) =>
          values[name] === undefined ? ABSENT : `${number(values[name], 2)} (n ${n[name]})`,
        ),
      ]),
    },
  };
}

function calibrations({ judge: asked }) {
  const found = board.figures.judge.calibrations;
  const picked = found.find(({ judge }) => judge === asked) ?? found[0];
  if (!picked) return null;
  const named = ({ dimension, value }) =>
    value ? `${words(String(dimension))}: ${wordFor("category", value)}` : words(String(dimension));
  const rows = picked.rows.filter(({ agreement }) => agreement !== null && agreement !== undefined);
  const bound = (side) =>
    rows.map(({ agreement, low, high }) =>
      low === null || low === undefined ? 0 : side === "low" ? agreement - low : high - agreement,
    );
  return {
    title: t("ui.picture_calibration"),
    about: t("ui.about_calibration", { judge: picked.judge, against: picked.against }),
    height: 60 + rows.length * 26,
    says: rows.length
      ? t("ui.agreement_is", { value: number(rows[0].agreement, 1), n: rows[0].n, kappa: number(rows[0].kappa, 2) })
      : "",
    choices: [
      { name: "judge", label: t("ui.judge"), options: found.map(({ judge }) => [judge, judge]), value: picked.judge },
    ],
    traces: [
      {
        type: "scatter",
        mode: "markers",
        x: rows.map(({ agreement }) => agreement),
        y: rows.map((_, at) => at),
        hoverinfo: "text",
        hovertext: rows.map((row) =>
          plainLabel(`${named(row)}: ${number(row.agreement, 1)}% ${interval(row.low, row.high)}, n ${row.n}`),
        ),
        marker: { color: colour("accent"), size: 9 },
        error_x: {
          type: "data",
          symmetric: false,
          array: bound("high"),
          arrayminus: bound("low"),
          color: colour("accent"),
          thickness: 1.4,
          width: 0,
        },
      },
    ],
    layout: {
      xaxis: { range: [0, 100], ticksuffix: "%" },
      yaxis: {
        tickvals: rows.map((_, at) => at),
        ticktext: rows.map((row) => plainLabel(named(row))),
        range: [rows.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false,
      },
    },
    table: {
      columns: [t("ui.part"), t("ui.agreement"), "n", "κ", t("ui.spearman")],
      rows: picked.rows.map((row) => [
        named(row),
        `${number(row.agreement, 1)} ${interval(row.low, row.high)}`,
        String(row.n),
        number(row.kappa, 2),
        number(row.spearman_of_scores, 2),
      ]),
    },
  };
}
