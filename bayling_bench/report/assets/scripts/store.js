// The items of a task as they lie in the page (report/items.py tells how), unpacked when the task is first opened: what
// was asked, once, and each system's answers.

const store = (() => {
  const opened = new Map(); // task -> promise of {items, parts}
  const shelves = new Map(); // key of documents that several tasks share -> the documents

  // Strings, and an object where there is more to say of an answer than its text.
  function entryOf(packed) {
    return typeof packed === "string" ? { turns: [{ response: packed }] } : packed;
  }

  function documents(key) {
    if (!shelves.has(key)) {
      const element = [...document.querySelectorAll("script[data-docs]")].find(({ dataset }) => dataset.docs === key);
      shelves.set(key, JSON.parse(unpackLzma(element.textContent)));
    }
    return shelves.get(key);
  }

  function itemOf([index, doc, references, users], place, chunk) {
    const known = doc === 0 ? documents(chunk.docs)[place] : doc;
    return {
      index,
      doc: known,
      references,
      users: users === 0 ? [`${chunk.users.before}${known.source}${chunk.users.after}`] : users,
    };
  }

  // Appends a chunk's column to a part's; what the exam rules read of an answer is no score.
  function addColumns(part, columns, before, length) {
    for (const [key, values] of Object.entries(columns)) {
      const [name, rule] = key.split("|");
      const target = name === "read" ? part.read : part.scores;
      const held = name === "read" ? rule : key;
      if (!target.has(held)) target.set(held, new Array(before).fill(null));
      target.get(held).push(...values);
    }
    for (const values of [...part.scores.values(), ...part.read.values()])
      while (values.length < before + length) values.push(null);
  }

  async function open(task) {
    const found = {
      items: [],
      parts: board.items[task].parts.map(() => ({ entries: [], prompts: [], scores: new Map(), read: new Map() })),
    };
    for (const pack of board.items[task].packs) {
      const chunk = JSON.parse(unpackLzma(document.querySelector(`script[data-pack="${pack}"]`).textContent))[task];
      const before = found.items.length;
      found.items.push(...chunk.items.map((item, at) => itemOf(item, before + at, chunk)));
      found.parts.forEach((part, place) => {
        part.entries.push(...chunk.items.map((item) => entryOf(item[4][place])));
        part.prompts.push(...chunk.items.map(() => chunk.prompts[place]));
        addColumns(part, chunk.columns[place], before, chunk.items.length);
      });
      await painted(); // a long task comes in several pieces: the page stays alive between them
    }
    return found;
  }

  // A system that answered a task twice (asked in Chinese, say) has two parts; a part's name tells them apart.
  function named(task) {
    const about = Object.hasOwn(board.items ?? {}, task) ? board.items[task].parts : [];
    return about.map((part, place) => {
      const state = part.states[0] ?? "";
      const first = about.findIndex(({ system }) => system === part.system) === place;
      const label = model.label(part.system);
      return {
        ...part,
        place,
        key: first ? part.system : `${part.system}|${state}`,
        label: first ? label : `${label} (${told(model.state(state).name)})`,
      };
    });
  }

  return {
    has: (task) => Object.hasOwn(board.items ?? {}, task) && board.items[task].packed > 0,
    about: (task) => board.items[task],
    tasks: () => Object.keys(board.items ?? {}).filter((task) => store.has(task)),
    parts: named,
    open(task) {
      if (!opened.has(task)) opened.set(task, open(task));
      return opened.get(task);
    },
  };
})();
