// The table as it is shown, as CSV, LaTeX or Markdown. A grid is {columns: [...], rows: [[cell, ...], ...]} with cells
// {text, value, low, high, n, best}; the first column names the system.

const FORMATS = {
  csv: { name: "CSV", file: "leaderboard.csv", type: "text/csv", write: asCsv },
  latex: { name: "LaTeX", file: "leaderboard.tex", type: "text/x-tex", write: asLatex },
  markdown: { name: "Markdown", file: "leaderboard.md", type: "text/markdown", write: asMarkdown },
};

// Full precision, a column for each bound; a text that a spreadsheet would run as a formula gets an apostrophe before
// it.
function asCsv({ columns, rows }) {
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const wide = columns.map((_, at) => rows.some((row) => row[at]?.value !== undefined));
  const head = columns.flatMap((name, at) =>
    wide[at] ? ["", " low", " high", " n"].map((end) => name + end) : [name],
  );
  const line = (row) =>
    row.flatMap((cell, at) => {
      if (!wide[at]) return [cell?.text ?? ""];
      return [cell?.value, cell?.low, cell?.high, cell?.n].map((number) => number ?? "");
    });
  return `${[head, ...rows.map(line)].map((cells) => cells.map((cell) => quoted(String(cell))).join(",")).join("\n")}\n`;
}

function asMarkdown({ columns, rows }) {
  const escaped = (text) => text.replaceAll(/[\\`*_<>|[\]&]/g, "\\$&").replaceAll(/\s+/g, " ");
  const shown = (cell) => {
    const text = escaped(cell?.text ?? "");
    const bounds = cell?.bounds ? ` ${cell.bounds}` : "";
    return (cell?.best ? `**${text}**` : text) + bounds;
  };
  const lines = [
    columns.map(escaped),
    columns.map((_, at) => (at ? "---:" : "---")),
    ...rows.map((row) => row.map(shown)),
  ];
  return `${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
}

// A table for booktabs; bounds as a small line of their own would need a package, so they stand behind the value.
function asLatex({ columns, rows }) {
  const marks = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
  const escaped = (text) =>
    text
      .replaceAll(/[\\~^&%$#_{}]/g, (mark) => marks[mark] ?? `\\${mark}`)
      .replaceAll("—", "--")
      .replaceAll("−", "$-$")
      .replaceAll("→", "$\\rightarrow$")
      .replaceAll("<", "\\textless{}")
      .replaceAll(">", "\\textgreater{}")
      .replaceAll(/\s+/g, " ");
  const shown = (cell) => {
    const text = escaped(cell?.text ?? "");
    const bounds = cell?.bounds ? ` {\\scriptsize ${escaped(cell.bounds)}}` : "";
    return (cell?.best ? `\\textbf{${text}}` : text) + bounds;
  };
  const body = rows.map((row) => `${row.map(shown).join(" & ")} \\\\`);
  return [
    `\\begin{tabular}{l${"r".repeat(columns.length - 1)}}`,
    "\\toprule",
    `${columns.map(escaped).join(" & ")} \\\\`,
    "\\midrule",
    ...body,
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

// The menu: a format, what it gives, copy and download.
function exportMenu(grid, open) {
  let format = "markdown";
  const text = make("textarea", { readonly: true, rows: 8, "aria-label": t("ui.export_preview"), spellcheck: "false" });
  const said = make("span", { role: "status", class: "quiet" });
  const formats = make("div", { class: "row" });
  const show = () => {
    text.value = FORMATS[format].write(grid());
    said.textContent = "";
    replace(
      formats,
      segmented(
        t("ui.export_format"),
        Object.entries(FORMATS).map(([key, { name }]) => [key, name]),
        format,
        (key) => {
          format = key;
          show();
        },
      ),
    );
  };
  const save = () => {
    download(text.value, FORMATS[format]);
    said.textContent = t("ui.export_saved", { file: FORMATS[format].file });
  };
  const copy = async () => {
    said.textContent = (await copied(text)) ? t("ui.export_copied") : t("ui.export_not_copied");
  };
  return make(
    "details",
    { class: "menu export", open, ontoggle: (event) => event.currentTarget.open && show() },
    make("summary", {}, t("ui.export")),
    make(
      "div",
      {},
      formats,
      text,
      make("div", { class: "row" }, button(t("ui.copy"), copy), button(t("ui.download"), save), said),
    ),
  );
}

function download(text, { file, type }) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  make("a", { href: address, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

async function copied(area) {
  try {
    await navigator.clipboard.writeText(area.value);
    return true;
  } catch {
    // no permission, or a browser to which files are no secure place: the old way
    area.focus();
    area.select();
    return document.execCommand("copy");
  }
}
