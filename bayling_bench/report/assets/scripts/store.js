// The items of a task as they lie in the page: what all systems share, and a part for each system, unpacked when asked for.

const store = (() => {
  const opened = new Map(); // task -> promise of its items
  const parts = new Map(); // task|place -> promise of a system's answers

  function scripts(task, part) {
    return [...document.querySelectorAll("script[data-task]")].filter((element) => element.dataset.task === task && element.dataset.part === String(part));
  }

  async function chunks(task, part) {
    return Promise.all(scripts(task, part).map(async (element) => JSON.parse(await unpack(element))));
  }

  // A system that answered a task twice (asked in Chinese, say) has two parts; a part's name tells them apart.
  function named(task) {
    const about = Object.hasOwn(board.items ?? {}, task) ? board.items[task].parts : [];
    return about.map((part, place) => {
      const several = about.filter(({ system }) => system === part.system).length > 1;
      const state = told(model.state(part.states[0] ?? "").name);
      return { ...part, place, key: several ? `${part.system}|${part.states[0] ?? ""}` : part.system, label: several ? `${model.label(part.system)} (${state})` : model.label(part.system) };
    });
  }

  function part(task, place) {
    const key = JSON.stringify([task, place]);
    if (!parts.has(key)) {
      parts.set(key, chunks(task, place).then((found) => ({
        entries: found.flatMap(({ items }) => items),
        scores: joinedScores(found),
        prompts: found.flatMap(({ items, prompt }) => items.map(() => prompt ?? null)),
      })));
    }
    return parts.get(key);
  }

  function joinedScores(found) {
    const scores = new Map();
    let before = 0;
    for (const { scores: given, items } of found) {
      for (const [key, values] of Object.entries(given)) {
        if (!scores.has(key)) scores.set(key, new Array(before).fill(null));
        scores.get(key).push(...values);
      }
      before += items.length;
      for (const values of scores.values()) while (values.length < before) values.push(null);
    }
    return scores;
  }

  return {
    has: (task) => Object.hasOwn(board.items ?? {}, task) && board.items[task].packed > 0,
    about: (task) => board.items[task],
    tasks: () => Object.keys(board.items ?? {}).filter((task) => store.has(task)),
    parts: named,
    part,
    items(task) {
      if (!opened.has(task)) opened.set(task, chunks(task, "shared").then((found) => found.flat()));
      return opened.get(task);
    },
  };
})();
