// What pictures share. Each is built by a function that returns a title, what it is about, traces of the chart library,
// the same in words and as a table; or null where there is nothing to draw.

function valueCell(system, task, measure) {
  const cell = model.cell(system.key, task, measure);
  return cell
    ? [number(cell.value, measure.decimals), interval(cell.low, cell.high)].filter(Boolean).join(" ")
    : ABSENT;
}

// Returns the measures of the suites that a picture may be drawn in, by the rule that is asked for, guards left out.
function measuresFor(suites) {
  return suites.flatMap((suite) =>
    suite.measures
      .filter(({ rule, guard }) => !guard && (rule === null || rule === shown.rule))
      .map((measure) => ({ suite, measure })),
  );
}

function measureChoice(found, chosen) {
  const several = new Set(found.map(({ suite }) => suite.key)).size > 1;
  const key = ({ suite, measure }) => `${suite.key} ${measure.key}`;
  const named = ({ suite, measure }) =>
    [
      several ? told(suite.name) : "",
      told(measure.name),
      suite.states.length > 1 && measure.state !== suite.states[0] ? told(model.state(measure.state).name) : "",
    ]
      .filter(Boolean)
      .join(", ");
  const picked = found.find((each) => key(each) === chosen) ?? found[0];
  return {
    picked,
    choice: {
      name: "measure",
      label: t("ui.measure"),
      options: found.map((each) => [key(each), named(each)]),
      value: picked && key(picked),
    },
  };
}

function suitesNamed(keys) {
  return model.suites.filter(({ key }) => keys.includes(key));
}

function bestOf(cells, higher) {
  return cells.reduce(
    (best, each) =>
      best === null || (higher ? each.cell.value > best.cell.value : each.cell.value < best.cell.value) ? each : best,
    null,
  );
}
