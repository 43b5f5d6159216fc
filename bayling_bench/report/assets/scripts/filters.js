// What stands above the leaderboard and steers it, and the pictures with it: suite, measure, rule, language, systems.

class BoardControls {
  constructor(place, redraw, grid) {
    Object.assign(this, { place, redraw, grid });
    this.draw();
  }

  draw() {
    const isOpen = (name) => this.place.querySelector(`.${name}`)?.open ?? false; // a menu stays open for the next choice
    replace(
      this.place,
      this.suites(),
      this.measures(),
      this.rules(),
      this.languages(),
      this.systems(isOpen("systems")),
      this.detail(),
      exportMenu(this.grid, isOpen("export")),
    );
  }

  set(change) {
    Object.assign(shown, change);
    this.redraw();
  }

  suites() {
    if (model.suites.length < 2) return null;
    const options = [["", t("ui.all_suites")], ...model.suites.map((suite) => [suite.key, told(suite.name)])];
    return choice(t("ui.suite"), options, shown.suite, (suite) => {
      shown.suite = suite;
      note({ suite: suite || null });
      this.redraw();
    });
  }

  measures() {
    const suite = model.suites.find(({ key }) => key === shown.suite);
    if (!suite) return null;
    const fitting = suite.measures.filter(({ rule }) => rule === null || rule === shown.rule);
    const named = (measure) =>
      [told(measure.name), measure.state ? told(model.state(measure.state).name) : ""].filter(Boolean).join(", ");
    if (fitting.length < 2) return null;
    return choice(
      t("ui.measure"),
      fitting.map((measure) => [measure.key, named(measure)]),
      measureOf(suite).key,
      (key) => {
        shown.measure[suite.key] = key;
        this.redraw();
      },
    );
  }

  rules() {
    const rules = new Set(
      model.suites
        .filter(({ key }) => shown.suite === "" || key === shown.suite)
        .flatMap((suite) => suite.measures.map(({ rule }) => rule)),
    );
    if (!rules.has("paper") || !rules.has("strict")) return null;
    return make(
      "span",
      { class: "labelled" },
      t("ui.exam_rule"),
      segmented(
        t("ui.exam_rule"),
        [
          ["paper", t("ui.rule_paper")],
          ["strict", t("ui.rule_strict")],
        ],
        shown.rule,
        (rule) => this.set({ rule }),
      ),
    );
  }

  languages() {
    const there = new Set(Object.values(board.tasks).flatMap(({ languages }) => languages));
    if (there.size < 2) return null;
    const options = [...there].map((code) => [code, t(`language.${code}`)]).sort(([, a], [, b]) => a.localeCompare(b));
    return choice(t("ui.language"), [["", t("ui.all_languages")], ...options], shown.language, (language) =>
      this.set({ language }),
    );
  }

  systems(open) {
    if (model.systems.length < 2) return null;
    const hide = (hidden) => {
      shown.hidden = new Set(hidden);
      this.redraw();
    };
    const of = (test) => model.systems.filter((system) => !test(system)).map(({ key }) => key);
    const kinds = [...new Set(model.systems.map(({ kind }) => kind))];
    const box = (system) =>
      make(
        "label",
        {},
        make("input", {
          type: "checkbox",
          checked: !shown.hidden.has(system.key),
          "data-system": system.key,
          onchange: () => {
            if (!shown.hidden.delete(system.key)) shown.hidden.add(system.key);
            this.redraw();
          },
        }),
        keyOf(system),
        system.label,
        make("span", { class: "kind" }, ` ${t(`kind.${system.kind}`)}`),
      );
    return make(
      "details",
      { class: "menu systems", open },
      make("summary", {}, t("ui.systems_shown", { n: systemsShown().length, all: model.systems.length })),
      make(
        "div",
        {},
        make(
          "div",
          { class: "row" },
          button(t("ui.all"), () => hide([])),
          kinds.length > 1
            ? kinds.map((kind) =>
                button(t("ui.only_kind", { kind: t(`kind.${kind}`) }), () =>
                  hide(of((system) => system.kind === kind)),
                ),
              )
            : null,
        ),
        model.systems.map(box),
      ),
    );
  }

  detail() {
    return make(
      "label",
      { class: "labelled" },
      make("input", {
        type: "checkbox",
        checked: shown.details,
        onchange: () => this.set({ details: !shown.details }),
      }),
      t("ui.details"),
    );
  }
}

function choice(label, options, value, act) {
  return make("label", { class: "labelled" }, make("span", {}, label), select(label, options, value, act));
}
