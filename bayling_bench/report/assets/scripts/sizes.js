// Score against size or cost.

function sizes({ measure: chosen, against: asked }) {
  const ways = [
    ["size_b", board.figures.size.systems],
    ["cost", board.figures.size.cost],
  ].filter(([, keys]) => keys.length > 1);
  const against = ways.some(([way]) => way === asked) ? asked : ways[0]?.[0];
  if (!against) return null;
  const leading = model.suites.flatMap((suite) => {
    const first = [...suite.means, ...suite.tasks][0];
    return measuresFor([suite])
      .filter(({ measure }) => model.has(first, measure))
      .map((each) => ({ ...each, task: first }));
  });
  const { picked, choice: measures } = measureChoice(leading, chosen);
  if (!picked) return null;
  const { measure, task } = picked;
  const held = systemsShown()
    .filter((system) => system[against] !== null && model.cell(system.key, task, measure))
    .map((system) => ({ system, cell: model.cell(system.key, task, measure) }));
  const choices = [
    measures,
    {
      name: "against",
      label: t("ui.against_what"),
      options: ways.map(([way]) => [way, t(`ui.${way}`)]),
      value: against,
    },
  ];
  const title = t("ui.picture_sizes");
  const about = t("ui.about_sizes");
  const head = {
    title,
    about,
    choices,
    table: {
      columns: [t("ui.system"), t(`ui.${against}`), told(measure.name)],
      rows: held.map(({ system, cell }) => [
        system.label,
        String(system[against]),
        [number(cell.value, measure.decimals), interval(cell.low, cell.high)].filter(Boolean).join(" "),
      ]),
    },
  };
  const best = bestOf(held, measure.higher);
  const says = best
    ? t("ui.best_for_size", {
        system: best.system.label,
        measure: told(measure.name),
        value: number(best.cell.value, measure.decimals),
        n: held.length,
      })
    : t("ui.no_sizes");
  const bound = (side) =>
    held.map(({ cell }) => (cell.low === null ? 0 : side === "low" ? cell.value - cell.low : cell.high - cell.value));
  return {
    ...head,
    says,
    height: 400,
    traces: [
      {
        type: "scatter",
        mode: "markers+text",
        x: held.map(({ system }) => system[against]),
        y: held.map(({ cell }) => cell.value),
        text: held.map(({ system }) => plainLabel(system.label)),
        textposition: places(held.map(({ system, cell }) => [Math.log(system[against]), cell.value])),
        textfont: { color: colour("ink"), size: 12 },
        cliponaxis: false,
        hoverinfo: "text",
        hovertext: held.map(({ system, cell }) =>
          plainLabel(`${system.label}: ${number(cell.value, measure.decimals)} ${interval(cell.low, cell.high)}`),
        ),
        marker: {
          color: held.map(({ system }) => colour(system.colour)),
          size: 11,
          symbol: held.map(({ system }) => shapeOf(system)),
        },
        error_y: {
          type: "data",
          symmetric: false,
          array: bound("high"),
          arrayminus: bound("low"),
          color: colour("edge"),
          thickness: 1.2,
          width: 0,
        },
      },
    ],
    layout: {
      margin: { l: 8, r: 40, t: 26, b: 40 },
      xaxis: {
        type: "log",
        title: { text: plainLabel(t(`ui.${against}`)) },
        tickvals: [0.1, 0.3, 1, 3, 7, 13, 30, 70, 200],
        zeroline: false,
      },
      yaxis: { title: { text: plainLabel(told(measure.name)) }, zeroline: false },
    },
  };
}

// Returns where the label of each point stands: above it, below it where another label is above there already.
function places(points) {
  const span = (at) =>
    Math.max(...points.map((point) => point[at])) - Math.min(...points.map((point) => point[at])) || 1;
  const [wide, high] = [span(0), span(1)];
  const near = (a, b) => Math.abs(a[0] - b[0]) / wide < 0.22 && Math.abs(a[1] - b[1]) / high < 0.06;
  const found = [];
  points.forEach((point, at) => {
    const taken = points.slice(0, at).filter((other, place) => near(point, other) && found[place] === "top center");
    found.push(taken.length ? "bottom center" : "top center");
  });
  return found;
}
