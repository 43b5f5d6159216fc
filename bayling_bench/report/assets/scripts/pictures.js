// The pictures: each with its own choices, a text that says what is to be seen, and its numbers as a table. They show
// the systems that the leaderboard shows, and are drawn when they come into view.

const PICTURES = [
  { key: "directions", build: directions },
  { key: "exams", build: exams },
  { key: "outcomes", build: outcomes },
  { key: "categories", build: categories },
  { key: "sizes", build: sizes },
  { key: "calibration", build: calibrations },
];

class Pictures {
  constructor(place) {
    this.place = place;
    this.chosen = {}; // picture -> what its reader chose
    this.seen = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries)
          if (isIntersecting) {
            this.seen.unobserve(target);
            this.render(target);
          }
      },
      { rootMargin: "200px" },
    );
    this.draw();
  }

  draw() {
    this.pending = new Map();
    this.seen.disconnect();
    const figures = PICTURES.map(({ key, build }) => this.figure(key, build(this.chosen[key] ?? {}))).filter(Boolean);
    const opened = [...this.place.querySelectorAll("details[open]")].map((details) => details.dataset.picture);
    replace(
      this.place,
      figures.length ? [this.legend(), ...figures] : make("p", { class: "quiet" }, t("ui.no_data_for_pictures")),
    );
    for (const details of this.place.querySelectorAll("details[data-picture]"))
      details.open = opened.includes(details.dataset.picture);
    for (const chart of this.pending.keys()) this.seen.observe(chart);
  }

  // Redraws one picture after its reader chose something in it.
  choose(key, change) {
    this.chosen[key] = { ...this.chosen[key], ...change };
    const old = this.place.querySelector(`figure[data-picture="${key}"]`);
    const opened = old.querySelector("details")?.open;
    const figure = this.figure(key, PICTURES.find((picture) => picture.key === key).build(this.chosen[key]));
    const focused = old.contains(document.activeElement) ? pathTo(document.activeElement, old) : null;
    old.replaceWith(figure);
    if (focused) figure.querySelector(focused)?.focus({ preventScroll: true });
    if (opened) figure.querySelector("details").open = true;
    const chart = figure.querySelector(".chart");
    if (chart) this.render(chart);
  }

  legend() {
    return make(
      "ul",
      { class: "keys", "aria-label": t("ui.systems") },
      systemsShown().map((system) => make("li", {}, keyOf(system), system.label)),
    );
  }

  figure(key, picture) {
    if (picture === null) return null;
    const id = `picture-${key}`;
    const chart = picture.traces
      ? make("div", { class: "chart", role: "img", "aria-label": `${picture.title}. ${picture.says}` })
      : null;
    if (chart) {
      chart.style.height = `${picture.height}px`;
      this.pending.set(chart, picture);
    }
    const controls = (picture.choices ?? [])
      .filter(({ options }) => options.length > 1)
      .map(({ name, label, options, value }) =>
        choice(label, options, value, (chosen) => this.choose(key, { [name]: chosen })),
      );
    const table = dataTable(picture.title, picture.table);
    return make(
      "figure",
      { "data-picture": key, class: picture.wide ? "wide" : null, "aria-labelledby": id },
      make("h3", { id }, picture.title),
      make("figcaption", { class: "quiet" }, picture.about),
      controls.length ? make("div", { class: "controls" }, controls) : null,
      picture.heat ? heatTable(picture.title, picture.heat) : chart,
      make("p", { class: "says quiet" }, picture.says),
      picture.heat
        ? null
        : make("details", { class: "fold", "data-picture": key }, make("summary", {}, t("ui.as_table")), table),
    );
  }

  async render(chart) {
    const picture = this.pending.get(chart);
    if (picture === undefined) return;
    try {
      await drawChart(chart, picture.traces, picture.layout);
    } catch (error) {
      chart.replaceChildren(error.message);
    }
  }
}

function dataTable(caption, { columns, rows }) {
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      { class: "data" },
      make("caption", { class: "unseen" }, caption),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          columns.map((name, at) => make("th", { scope: "col", class: at ? "num" : null }, name)),
        ),
      ),
      make(
        "tbody",
        {},
        rows.map(([head, ...cells]) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, head),
            cells.map((cell) => make("td", { class: "num" }, cell)),
          ),
        ),
      ),
    ),
  );
}

// A table whose cells are shaded by value, in ten steps from the lowest of the picture to the highest.
function heatTable(caption, { columns, rows, low, high }) {
  const step = (value) => (value === null ? "" : ` h${Math.round((9 * (value - low)) / Math.max(high - low, 1e-9))}`);
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      { class: "heat" },
      make("caption", { class: "unseen" }, caption),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          make("td", {}),
          columns.map((name) => make("th", { scope: "col", class: "num" }, name)),
        ),
      ),
      make(
        "tbody",
        {},
        rows.map(({ head, cells }) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, head),
            cells.map(({ value, text, href }) =>
              make("td", { class: `num${step(value)}` }, href && value !== null ? make("a", { href }, text) : text),
            ),
          ),
        ),
      ),
    ),
  );
}
