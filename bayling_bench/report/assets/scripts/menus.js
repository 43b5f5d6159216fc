// Menus are <details class="menu">: they close with Escape and when something outside of them is clicked, and stay
// within the window.

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" ? event.target.closest?.("details.menu[open]") : null;
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", (event) => {
  if (!event.target.isConnected) return; // a click that redrew its menu has taken its own target out of the page
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener(
  "toggle",
  (event) => {
    const panel = event.target.matches?.("details.menu[open]") ? event.target.querySelector(":scope > div") : null;
    if (!panel) return;
    panel.style.left = "0";
    const over = panel.getBoundingClientRect().right + 16 - document.documentElement.clientWidth;
    if (over > 0) panel.style.left = `${-Math.min(over, panel.getBoundingClientRect().left - 16)}px`;
  },
  true,
);
