// The mark of a system: a colour and a shape, the same in tables and pictures, so that nobody has to tell colours
// apart.

const SHAPES = [
  ["circle", "M6 1.4a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 1 0 0-9.2Z"],
  ["square", "M1.9 1.9h8.2v8.2H1.9Z"],
  ["diamond", "M6 .6 11.4 6 6 11.4.6 6Z"],
  ["triangle-up", "M6 1.2 11.2 10.4H.8Z"],
  ["cross", "M4.3 1h3.4v3.3H11v3.4H7.7V11H4.3V7.7H1V4.3h3.3Z"],
  ["triangle-down", "M6 10.8 11.2 1.6H.8Z"],
  ["pentagon", "M6 .9 11.2 4.7 9.2 10.8H2.8L.8 4.7Z"],
  ["star", "M6 .6 7.4 4.3 11.3 4.5 8.3 7 9.3 10.8 6 8.6 2.7 10.8 3.7 7 .7 4.5 4.6 4.3Z"],
  ["hexagon", "M6 .8 10.6 3.4V8.6L6 11.2 1.4 8.6V3.4Z"],
  ["x", "M2.9.9 6 4 9.1.9 11.1 2.9 8 6 11.1 9.1 9.1 11.1 6 8 2.9 11.1.9 9.1 4 6 .9 2.9Z"],
  ["hourglass", "M1.6 1h8.8L1.6 11h8.8Z"],
  ["bowtie", "M1 1.6v8.8L11 1.6v8.8Z"],
]; // name in the chart library, and the same drawn in a square of 12

// Colours come round every twelve systems; shapes then start one further on, so that no two systems look alike.
function markOf({ place }) {
  return SHAPES[(place + Math.floor(place / SHAPES.length)) % SHAPES.length];
}

function shapeOf(system) {
  return markOf(system)[0];
}

function svgPart(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function keyOf(system) {
  const path = svgPart("path", { d: markOf(system)[1] });
  path.style.fill = `var(--${system.colour})`;
  return svgPart("svg", { class: "key", viewBox: "0 0 12 12", "aria-hidden": "true" }, path);
}
