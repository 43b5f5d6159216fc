// The address: what is shown stands behind "#" as name=value pairs, so that a link opens the same and Back goes back.
// A plain "#section" stays what it is everywhere: a jump.

function address() {
  const hash = location.hash.slice(1);
  return new URLSearchParams(hash.includes("=") ? hash : "");
}

// Returns "#..." of the address with some values changed; null takes a value away.
function linkTo(changes, base = address()) {
  const target = new URLSearchParams(base);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") target.delete(name);
    else target.set(name, String(value));
  }
  return `#${target}`;
}

// Changes the address without a step in the history: for what a reader types or ticks.
function note(changes) {
  const target = linkTo(changes);
  if (target === location.hash) return;
  // a bare "#" would throw away the section that was jumped to
  history.replaceState(null, "", target === "#" ? location.pathname + location.search : target);
}
