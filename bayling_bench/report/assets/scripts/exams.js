// Exams: subsets as a heat map, which is a table itself.

function exams({ measure: chosen }) {
  const { picked, choice: measures } = measureChoice(measuresFor(suitesNamed(board.figures.exams.suites)), chosen);
  if (!picked) return null;
  const { suite, measure } = picked;
  const tasks = [...suite.tasks, ...suite.means].filter((task) => model.has(task, measure));
  const systems = systemsShown().filter((system) => tasks.some((task) => model.cell(system.key, task, measure)));
  const values = systems
    .flatMap((system) => tasks.map((task) => model.cell(system.key, task, measure)?.value))
    .filter((value) => value !== undefined);
  if (!values.length) return null;
  const spread = tasks
    .filter((task) => !suite.means.includes(task))
    .map((task) => ({
      task,
      mean: systems
        .map((system) => model.cell(system.key, task, measure)?.value)
        .filter((value) => value !== undefined),
    }))
    .map(({ task, mean }) => ({ task, mean: mean.reduce((sum, value) => sum + value, 0) / mean.length }))
    .filter(({ mean }) => !Number.isNaN(mean))
    .sort((a, b) => b.mean - a.mean);
  return {
    title: t("ui.picture_exams"),
    about: t("ui.about_exams"),
    choices: [measures],
    wide: true,
    says:
      spread.length < 2
        ? ""
        : t("ui.easiest_hardest", {
            measure: told(measure.name),
            easy: model.taskName(spread[0].task),
            easy_mean: number(spread[0].mean, 1),
            hard: model.taskName(spread.at(-1).task),
            hard_mean: number(spread.at(-1).mean, 1),
          }),
    heat: {
      columns: tasks.map((task) => model.taskName(task)),
      low: Math.min(...values),
      high: Math.max(...values),
      rows: systems.map((system) => ({
        head: system.label,
        cells: tasks.map((task) => {
          const cell = model.cell(system.key, task, measure);
          return {
            value: cell?.value ?? null,
            text: cell ? number(cell.value, 1) : ABSENT,
            href: model.task(task).mean
              ? null
              : linkTo({ task, a: system.key, item: null, b: null, show: null, q: null }),
          };
        }),
      })),
    },
    table: { columns: [], rows: [] },
  };
}
