// Elements are made here. Text of models and names of runs only ever reach text nodes and attributes, never a parser of
// HTML, and no attribute that a browser would act upon is made from them.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function button(label, act, attributes = {}) {
  return make("button", { type: "button", onclick: act, ...attributes }, label);
}

function select(label, options, value, act) {
  const choice = make(
    "select",
    { "aria-label": label, onchange: () => act(choice.value) },
    options.map(([key, name]) => make("option", { value: key, selected: key === value }, name)),
  );
  return choice;
}

// A group of buttons of which one is pressed: [[key, label], ...].
function segmented(label, options, value, act) {
  return make(
    "span",
    { class: "segmented", role: "group", "aria-label": label },
    options.map(([key, name]) =>
      button(name, () => act(key), { "aria-pressed": String(key === value), "data-key": key }),
    ),
  );
}

function byId(id) {
  return document.getElementById(id);
}

function unseen(text) {
  return make("span", { class: "unseen" }, text);
}

// Puts new children into a place without taking the focus from a reader who steers by keyboard.
function replace(place, ...children) {
  const focused = place.contains(document.activeElement) ? pathTo(document.activeElement, place) : null;
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  if (focused) place.querySelector(focused)?.focus({ preventScroll: true });
}

function pathTo(element, place) {
  const parts = [];
  for (let at = element; at !== place; at = at.parentElement) {
    parts.unshift(`:nth-child(${[...at.parentElement.children].indexOf(at) + 1})`);
  }
  return `:scope > ${parts.join(" > ")}`;
}

// Waits until the browser has painted what was done so far.
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}
