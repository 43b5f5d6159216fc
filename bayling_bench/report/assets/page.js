// The item browser: unpacks a task's items when its section is opened, then searches, filters and pages through them.
// Text of models is only ever handed to text nodes and attributes, never to a parser of HTML.
"use strict";
(() => {
  const PAGE = 20; // items shown at once
  const FOLD = 2000; // characters of one text shown before "show all"
  const meta = JSON.parse(document.getElementById("meta").textContent);
  const panels = new Map(); // <details> of a task -> promise of its panel

  const FILTERS = {
    all: () => true,
    wrong: (entry) => Object.entries(entry.scores).some(([key, score]) => isRight(key) && score !== null && score < 1),
    unparsed: (entry) => entry.flags.includes("unparsed"),
    flagged: (entry) => entry.flags.length > 0,
    unscored: (entry) => entry.unscored !== null,
  };

  function isRight(key) {
    return Object.hasOwn(meta.metrics, key) && meta.metrics[key].right;
  }

  // ---- elements

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function button(label, act) {
    const element = make("button", { type: "button" }, label);
    element.addEventListener("click", act);
    return element;
  }

  function text(value, lang) {
    const box = make("div", { class: "text", dir: "auto", lang });
    if (value.length <= FOLD) {
      box.append(value);
      return box;
    }
    const cut = /[\ud800-\udbff]/.test(value[FOLD - 1]) ? FOLD - 1 : FOLD; // not within a surrogate pair
    box.append(value.slice(0, cut), "… ");
    const more = button(`show all (${value.length.toLocaleString("en")} characters)`, () => box.replaceChildren(value));
    box.append(more);
    return box;
  }

  function field(label, ...content) {
    return make("div", { class: "field" }, make("h5", {}, label), ...content);
  }

  function words(key) {
    return key.replaceAll("_", " ");
  }

  // ---- one item

  function value(content, lang) {
    if (typeof content === "string") return text(content, lang);
    if (Array.isArray(content) && content.every((part) => typeof part === "string")) {
      if (content.length === 1) return text(content[0], lang);
      return make("ul", {}, ...content.map((part) => make("li", {}, text(part, lang))));
    }
    return text(JSON.stringify(content, null, 1), undefined);
  }

  // What a document holds for the harness rather than for readers; turns stand with their answers.
  const INTERNAL = ["kind", "letters", "source_language", "target_language", "turns"];

  function documentFields(doc, references, lang) {
    const same = JSON.stringify(references);
    return Object.entries(doc)
      .filter(([key]) => !INTERNAL.includes(key))
      .filter(([, content]) => content !== null && content !== "" && content.length !== 0)
      .filter(([, content]) => JSON.stringify(content) !== same && JSON.stringify([content]) !== same)
      .map(([key, content]) => field(words(key), value(content, lang)));
  }

  function scoreChip(key, score) {
    const name = Object.hasOwn(meta.metrics, key) ? meta.metrics[key].name : key;
    if (isRight(key) && (score === 0 || score === 1)) {
      return make("span", { class: score ? "chip good" : "chip bad" }, `${name}: ${score ? "right" : "wrong"}`);
    }
    const shown = typeof score === "number" && !Number.isInteger(score) ? score.toFixed(2) : String(score ?? "—");
    return make("span", { class: "chip" }, `${name} ${shown}`);
  }

  function turn(record, number, many, lang) {
    const prompt = make("details", {}, make("summary", {}, "prompt as sent"), text(record.prompt ?? "", undefined));
    const end = record.finish_reason === "length" ? make("span", { class: "chip bad" }, "cut off at the token limit") : null;
    return make("div", { class: "turn" },
      many ? field(`user ${number}`, text(record.user ?? "", lang)) : null,
      field(many ? `answer ${number}` : "answer", record.response ? text(record.response, lang) : make("em", {}, "empty"), end),
      record.logprobs ? field("log-likelihood", ranking(record.logprobs)) : null,
      prompt);
  }

  function ranking(logprobs) {
    const numbers = Object.entries(logprobs).map(([letter, logprob]) => `${letter} ${Number(logprob).toFixed(2)}`);
    return text(numbers.join(" · "), undefined);
  }

  function entryView(entry, name, languages) {
    const target = languages.at(-1);
    const unscored = entry.unscored && `unscored: ${words(entry.unscored.reason)}`;
    return make("div", { class: "entry" },
      name ? make("h4", {}, name) : null,
      make("div", { class: "chips" },
        ...Object.entries(entry.scores).map(([key, score]) => scoreChip(key, score)),
        ...entry.flags.map((flag) => make("span", { class: "chip flag" }, words(flag))),
        unscored ? make("span", { class: "chip bad" }, unscored) : null),
      entry.unscored?.detail ? field("why", text(entry.unscored.detail, undefined)) : null,
      ...(entry.doc ? documentFields(entry.doc, entry.references ?? [], languages[0]) : []),
      entry.references ? field("references of this run", value(entry.references, target)) : null,
      entry.turns.length === 0 ? make("em", {}, "no answer") : null,
      ...entry.turns.map((record, index) => turn(record, index + 1, entry.turns.length > 1, target)));
  }

  function itemView(item, task) {
    const languages = meta.languages[task];
    const hash = `#task=${encodeURIComponent(task)}&item=${item.index}`;
    const several = meta.runs.length > 1;
    const references = item.references.length ? field(item.references.length > 1 ? "references" : "reference", value(item.references, languages.at(-1))) : null;
    return make("article", { class: "item", tabindex: "-1", "data-index": item.index, "aria-label": `Item ${item.index}` },
      make("h4", {}, make("a", { href: hash }, `Item ${item.index}`)),
      ...documentFields(item.doc, item.references, languages[0]),
      references,
      make("div", { class: several ? "entries several" : "entries" },
        ...item.runs.map((entry, run) => entry && entryView(entry, several ? meta.runs[run] : "", languages))));
  }

  // ---- unpacking and searching

  async function unpack(script) {
    const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  async function itemsOf(task) {
    const items = [];
    for (const script of document.querySelectorAll("script[data-task]")) {
      if (script.dataset.task === task) items.push(...(await unpack(script)));
    }
    return items;
  }

  function plain(query) {
    return query.normalize("NFKC").toLowerCase();
  }

  function* strings(content) {
    if (typeof content === "string") yield content;
    else if (content !== null && typeof content === "object") {
      for (const part of Object.values(content)) yield* strings(part);
    }
  }

  function haystack(item) {
    // Prompts stay out: they repeat the question and the same instruction in every item.
    const entries = item.runs.filter((entry) => entry !== null).map((entry) => [
      entry.turns.map((record) => [record.user, record.response]), entry.flags, entry.unscored, entry.doc, entry.references,
    ]);
    item.haystack ??= plain([...strings([item.item, item.doc, item.references, entries])].join("\n"));
    return item.haystack;
  }

  function passes(item, filter, run) {
    return item.runs.some((entry, index) => entry !== null && (run === "" || Number(run) === index) && FILTERS[filter](entry));
  }

  // ---- the panel of one task

  class Panel {
    constructor(task, items, place) {
      Object.assign(this, { task, items, place, filter: "all", run: "", query: "", page: 0 });
      this.status = make("p", { role: "status", class: "quiet" });
      this.list = make("div", { class: "items" });
      this.pagers = [this.pager("top"), this.pager("bottom")];
      this.filters = make("span", { role: "group", "aria-label": "Show", class: "filters" });
      place.replaceChildren(this.controls(), this.pagers[0], this.list, this.pagers[1]);
      this.countFilters();
      this.show();
    }

    controls() {
      this.search = make("input", { type: "search", placeholder: "question, answer or reference", "aria-label": `Search the items of ${this.task}` });
      let timer = 0;
      this.search.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.set({ query: plain(this.search.value.trim()) }), 120);
      });
      return make("div", { role: "search", class: "controls" }, this.search, this.filters, this.runChoice(), this.status);
    }

    runChoice() {
      if (meta.runs.length < 2) return null;
      const select = make("select", { "aria-label": "In which run" }, make("option", { value: "" }, "in any run"),
        ...meta.runs.map((name, index) => make("option", { value: String(index) }, `in ${name}`)));
      select.addEventListener("change", () => { this.set({ run: select.value }); this.countFilters(); });
      return select;
    }

    countFilters() {
      const buttons = Object.keys(FILTERS).map((filter) => {
        const number = this.items.filter((item) => passes(item, filter, this.run)).length;
        const element = button(`${filter} ${number.toLocaleString("en")}`, () => this.set({ filter }));
        element.dataset.filter = filter;
        element.disabled = number === 0 && filter !== "all";
        return element;
      });
      this.filters.replaceChildren(...buttons);
      this.press();
    }

    press() {
      for (const element of this.filters.children) element.setAttribute("aria-pressed", String(element.dataset.filter === this.filter));
    }

    pager(where) {
      const step = (by) => () => { this.set({ page: this.page + by }); if (where === "bottom") this.place.scrollIntoView(); };
      return make("nav", { class: "pager", "aria-label": `Pages of items, ${where}` },
        button("← previous", step(-1)), make("span", { class: "quiet" }), button("next →", step(1)));
    }

    set(change) {
      Object.assign(this, "page" in change ? {} : { page: 0 }, change);
      this.show();
    }

    show() {
      const found = this.items.filter((item) => passes(item, this.filter, this.run) && haystack(item).includes(this.query));
      const first = this.page * PAGE;
      const last = Math.min(first + PAGE, found.length);
      this.status.textContent = `${found.length.toLocaleString("en")} of ${this.items.length.toLocaleString("en")} items`;
      this.list.replaceChildren(...found.slice(first, last).map((item) => itemView(item, this.task)));
      for (const pager of this.pagers) {
        pager.hidden = found.length <= PAGE;
        pager.children[0].disabled = first === 0;
        pager.children[1].textContent = `${(first + 1).toLocaleString("en")}–${last.toLocaleString("en")}`;
        pager.children[2].disabled = last >= found.length;
      }
      this.press();
    }

    goTo(index) {
      const position = this.items.findIndex((item) => item.index === index);
      if (position < 0) {
        this.status.textContent = `Item ${index} is not in this file.`;
        return this.place.scrollIntoView();
      }
      this.search.value = "";
      this.set({ filter: "all", run: "", query: "", page: Math.floor(position / PAGE) });
      const article = this.list.children[position % PAGE];
      article.focus({ preventScroll: true });
      article.scrollIntoView();
    }
  }

  function panelOf(details) {
    if (!panels.has(details)) panels.set(details, openPanel(details));
    return panels.get(details);
  }

  async function openPanel(details) {
    const place = details.querySelector(".browser");
    if (place === null) return null; // no items of this task were packed
    if (typeof DecompressionStream === "undefined") {
      place.textContent = "This browser cannot unpack the items: it lacks DecompressionStream (browsers since 2023 have it).";
      return null;
    }
    place.textContent = "Unpacking…";
    return new Panel(details.dataset.task, await itemsOf(details.dataset.task), place);
  }

  async function follow() {
    const target = new URLSearchParams(location.hash.slice(1));
    const details = [...document.querySelectorAll("details.task")].find((task) => task.dataset.task === target.get("task"));
    if (details === undefined) return;
    details.open = true;
    const panel = await panelOf(details);
    if (panel !== null && target.has("item")) panel.goTo(Number(target.get("item")));
    else details.scrollIntoView();
  }

  for (const details of document.querySelectorAll("details.task")) {
    details.addEventListener("toggle", () => { if (details.open) panelOf(details); });
  }
  addEventListener("hashchange", follow);
  follow();
})();
