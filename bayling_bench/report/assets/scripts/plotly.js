// The chart library lies compressed in the page and is unpacked when the first picture comes into view. Its script is
// let in by its hash in the Content-Security-Policy. It writes one empty <style> and fills it through the CSSOM, which
// the policy allows by the hash of nothing; it must be given no markup in labels, for that it would turn into style
// attributes.

let library = null;

function chartLibrary() {
  library ??= (async () => {
    const packed = byId("plotly");
    if (packed === null) throw new Error(t("ui.no_pictures"));
    await painted(); // what was asked for last is to be seen before this takes a second
    const source = JSON.parse(unpackLzma(packed.textContent));
    // a style sheet of maps, which it would put into the page unless an element of that id is there: we draw no maps
    for (const [, id] of source.matchAll(/getElementById\("([0-9a-f]{64})"\)/g))
      document.head.append(make("meta", { id }));
    const script = make("script");
    script.textContent = source;
    document.head.append(script);
    return window.Plotly;
  })();
  return library;
}

// Names go into labels as text: the library reads a few tags and entities in them.
function plainLabel(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function chartLayout(changes) {
  const [ink, quiet, line, paper] = ["ink", "quiet", "line", "paper"].map(colour);
  const axis = {
    gridcolor: line,
    linecolor: line,
    zerolinecolor: line,
    tickcolor: line,
    tickfont: { color: quiet, size: 12 },
    title: { font: { color: quiet, size: 12 } },
    fixedrange: true,
    automargin: true,
  };
  const { xaxis = {}, yaxis = {}, ...rest } = changes;
  const joined = (given) => ({ ...axis, ...given, title: { ...axis.title, ...given.title } });
  return {
    paper_bgcolor: paper,
    plot_bgcolor: paper,
    font: { family: getComputedStyle(document.body).fontFamily, color: ink, size: 13 },
    margin: { l: 8, r: 12, t: 8, b: 36 },
    showlegend: false,
    dragmode: false,
    hovermode: "closest",
    hoverlabel: { font: { family: getComputedStyle(document.body).fontFamily } },
    ...rest,
    xaxis: joined(xaxis),
    yaxis: joined(yaxis),
  };
}

async function drawChart(place, traces, layout) {
  const Plotly = await chartLibrary();
  if (!place.isConnected) return;
  await Plotly.react(place, traces, chartLayout(layout), {
    displayModeBar: false,
    responsive: true,
    scrollZoom: false,
    doubleClick: false,
    showTips: false,
  });
  place.dataset.drawn = "true";
}
