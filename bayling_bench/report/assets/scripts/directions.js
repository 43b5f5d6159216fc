// Translation by direction: a dot with its interval for each system, direction under direction.

function directions({ measure: chosen }) {
  const { picked, choice: measures } = measureChoice(measuresFor(suitesNamed(board.figures.directions.suites)), chosen);
  if (!picked) return null;
  const { suite, measure } = picked;
  const tasks = suite.tasks.filter(
    (task) =>
      model.has(task, measure) && (shown.language === "" || model.task(task).languages.includes(shown.language)),
  );
  const systems = systemsShown().filter((system) => tasks.some((task) => model.cell(system.key, task, measure)));
  if (!tasks.length || !systems.length) return null;
  const band = 0.76;
  const traces = systems.map((system, place) => {
    const held = tasks
      .map((task, row) => ({ row, task, cell: model.cell(system.key, task, measure) }))
      .filter(({ cell }) => cell);
    const bound = (side) =>
      held.map(({ cell }) => (cell.low === null ? 0 : side === "low" ? cell.value - cell.low : cell.high - cell.value));
    return {
      type: "scatter",
      mode: "markers",
      name: plainLabel(system.label),
      hoverinfo: "text",
      x: held.map(({ cell }) => cell.value),
      y: held.map(({ row }) => row + (systems.length > 1 ? (place / (systems.length - 1) - 0.5) * band : 0)),
      text: held.map(({ task, cell }) =>
        plainLabel(
          `${system.label}, ${model.taskName(task)}: ${number(cell.value, measure.decimals)} ${interval(cell.low, cell.high)}`,
        ),
      ),
      marker: { color: colour(system.colour), size: 8, symbol: shapeOf(system) },
      error_x: {
        type: "data",
        symmetric: false,
        array: bound("high"),
        arrayminus: bound("low"),
        color: colour(system.colour),
        thickness: 1.4,
        width: 0,
      },
    };
  });
  const leaders = tasks.map((task) => {
    const best = bestOf(
      systems.map((system) => ({ system, cell: model.cell(system.key, task, measure) })).filter(({ cell }) => cell),
      measure.higher,
    );
    return best
      ? t("ui.leads_in", {
          task: model.taskName(task),
          system: best.system.label,
          value: number(best.cell.value, measure.decimals),
        })
      : "";
  });
  return {
    title: t("ui.picture_directions"),
    about: t("ui.about_directions"),
    says: `${told(measure.name)}: ${leaders.filter(Boolean).join(t("ui.list_comma"))}${t("ui.full_stop")}`,
    choices: [measures],
    wide: true,
    traces,
    height: 60 + tasks.length * Math.max(34, systems.length * 9),
    layout: {
      xaxis: { title: { text: plainLabel(told(measure.name)) }, zeroline: false },
      yaxis: {
        tickvals: tasks.map((_, row) => row),
        ticktext: tasks.map((task) => plainLabel(model.taskName(task))),
        range: [tasks.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false,
        tickfont: { color: colour("ink"), size: 13 },
      },
      shapes: tasks
        .slice(1)
        .map((_, row) => ({
          type: "line",
          xref: "paper",
          x0: 0,
          x1: 1,
          y0: row + 0.5,
          y1: row + 0.5,
          line: { color: colour("line"), width: 1 },
        })),
    },
    table: {
      columns: [t("ui.direction"), ...systems.map(({ label }) => label)],
      rows: tasks.map((task) => [model.taskName(task), ...systems.map((system) => valueCell(system, task, measure))]),
    },
  };
}
