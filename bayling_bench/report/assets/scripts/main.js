// Puts the parts together: reads the address and what was remembered, draws, and draws again when something changes.

function followSections() {
  const places = [...document.querySelectorAll("main > section[id]")];
  const links = new Map(
    [...document.querySelectorAll(".top nav a")].map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-15% 0px -80% 0px" },
  );
  for (const place of places) seen.observe(place);
}

function start() {
  const asked = address();
  if (["light", "dark"].includes(asked.get("theme"))) memory.set("theme", asked.get("theme"));
  if (theme() !== "auto") document.documentElement.dataset.theme = theme();
  language = firstLanguage(asked.get("lang"));
  shown.suite = model.suites.some(({ key }) => key === asked.get("suite")) ? asked.get("suite") : "";

  const table = new Leaderboard(byId("board-table"));
  const pictures = new Pictures(byId("pictures-place"));
  const items = new ItemBrowser(byId("items-place"));
  const redraw = () => {
    controls.draw();
    table.draw();
    pictures.draw();
  };
  const controls = new BoardControls(byId("board-controls"), redraw, () => table.grid());

  const speak = (code) => {
    language = code;
    memory.set("language", code);
    if (address().has("lang")) note({ lang: code });
    switches();
    translatePage();
    redraw();
    items.follow();
  };
  const switches = () =>
    replace(
      byId("switches"),
      segmented(t("ui.interface_language"), Object.entries(LANGUAGES), language, speak),
      select(
        t("ui.theme"),
        ["auto", "light", "dark"].map((name) => [name, t(`ui.theme_${name}`)]),
        theme(),
        (name) => {
          setTheme(name);
          switches();
        },
      ),
    );

  const follow = async () => {
    const jump = location.hash !== "" && !location.hash.includes("=");
    if (jump && location.hash !== "#items") return; // to a section: everything stays as it is
    const target = address();
    const suite = target.get("suite") ?? "";
    if (
      !jump &&
      !target.has("task") &&
      suite !== shown.suite &&
      (suite === "" || model.suites.some(({ key }) => key === suite))
    ) {
      shown.suite = suite;
      redraw();
      if (suite) byId("leaderboard").scrollIntoView();
    }
    if (!(await items.follow())) return;
    if (!target.has("item") || !items.focus()) byId("items").scrollIntoView();
  };

  document.documentElement.classList.add("scripted");
  switches();
  translatePage();
  addEventListener("hashchange", follow);
  document.addEventListener("themechange", () => pictures.draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pictures.draw());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select, textarea")) return;
    if (!byId("items-place").contains(document.activeElement)) return; // single keys act only where they are asked for (WCAG 2.1.4)
    byId("items-place")
      .querySelector(`a[data-key="${event.key === "j" || event.key === "k" ? event.key : "none"}"]`)
      ?.click();
  });
  followSections();
  performance.mark("usable"); // read by benchmarks/report_page.py
  return follow();
}

start();
