// Light, dark, or as the system says.

function setTheme(theme) {
  memory.set("theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event("themechange"));
}

function theme() {
  return ["light", "dark"].includes(memory.get("theme")) ? memory.get("theme") : "auto";
}

// Returns the colour that a custom property stands for in the theme that is shown.
function colour(name) {
  const probe = make("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
