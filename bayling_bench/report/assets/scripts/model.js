// What the page knows: the JSON of the "board" element (its keys are told in report/payload.py), made easy to look up.

const board = JSON.parse(document.getElementById("board").textContent);

const model = (() => {
  const blank = {
    low: null,
    high: null,
    n: null,
    unscored: 0,
    rank_low: null,
    rank_high: null,
    cluster: null,
    published: null,
    best: false,
    why: "",
    verdict: "",
  };
  const cells = new Map();
  const held = new Set(); // task|metric|state of which there is any number
  for (const cell of board.cells) {
    cells.set(JSON.stringify([cell.system, cell.task, cell.metric, cell.state]), { ...blank, guards: {}, ...cell });
    held.add(JSON.stringify([cell.task, cell.metric, cell.state]));
  }
  const absent = new Map(board.absent.map((row) => [JSON.stringify([row.system, row.task, row.metric, row.state]), row]));
  const systems = board.systems.map((system, place) => ({ ...system, colour: `c${(place % 12) + 1}`, place }));
  const byKey = new Map(systems.map((system) => [system.key, system]));

  // Items may have scores that the leaderboard has no column of.
  function metric(key) {
    if (Object.hasOwn(board.metrics, key)) return board.metrics[key];
    const name = {
      en: board.strings.en[`metric.${key}`] ?? words(key),
      zh: board.strings.zh[`metric.${key}`] ?? words(key),
    };
    return {
      name,
      about: "",
      unit: "points",
      decimals: 2,
      higher_is_better: true,
      rule: null,
      guard: false,
      right: false,
    };
  }

  // A metric in one state of the data, as a suite may be shown in it.
  function measure(suite, key, state) {
    const { name, about, unit, decimals, higher_is_better: higher, rule, guard } = metric(key);
    return {
      key: `${key}|${state}`,
      metric: key,
      state,
      name,
      about,
      percent: unit === "percent",
      decimals,
      higher,
      rule,
      guard,
      apart: suite.states.indexOf(state) > 0,
    };
  }

  const suites = board.suites.map((suite) => {
    const of = (keys) =>
      suite.states.flatMap((state) =>
        keys
          .filter((key) =>
            [...suite.means, ...suite.tasks].some((task) => held.has(JSON.stringify([task, key, state]))),
          )
          .map((key) => measure(suite, key, state)),
      );
    const rest = suite.metrics.filter((key) => !suite.headlines.includes(key));
    return { ...suite, headlined: of(suite.headlines), measures: [...of(suite.headlines), ...of(rest)] };
  });

  return {
    systems,
    suites,
    metric,
    system: (key) => byKey.get(key),
    task: (key) =>
      Object.hasOwn(board.tasks, key)
        ? board.tasks[key]
        : { suite: "", name: key, languages: [], direction: null, items: null, versions: [], mean: null },
    cell: (system, task, { metric: key, state }) => cells.get(JSON.stringify([system, task, key, state])),
    absent: (system, task, { metric: key, state }) =>
      absent.get(JSON.stringify([system, task, key, state])) ?? absent.get(JSON.stringify([system, task, null, null])),
    has: (task, { metric: key, state }) => held.has(JSON.stringify([task, key, state])),
    signature: (cell) => (cell.signature === undefined ? "" : board.signatures[cell.signature]),
    state: (key) => (Object.hasOwn(board.states, key) ? board.states[key] : { name: key, about: "" }),
    suiteName(key) {
      const suite = suites.find((each) => each.key === key);
      return suite ? told(suite.name) : wordFor("suite", key);
    },
    suiteOf: (task) => board.items?.[task]?.suite ?? model.task(task).suite,
    taskName: (key) => (Object.hasOwn(board.tasks, key) ? told(board.tasks[key].name) : wordFor("task", key)),
    label: (key) => byKey.get(key)?.label ?? key,
  };
})();
