// The interface in English and Chinese. Static text carries data-t="key" (or data-t-label for aria-label); what scripts
// make asks t(). A name that is the same in both languages stays as it is.

const LANGUAGES = { en: "English", zh: "中文" };
const memory = remembered();
let language = "en";

// localStorage throws where a browser gives files none.
function remembered() {
  try {
    localStorage.setItem("bayling-bench", localStorage.getItem("bayling-bench") ?? "{}");
    const kept = JSON.parse(localStorage.getItem("bayling-bench")) ?? {};
    return {
      get: (key) => kept[key],
      set: (key, value) => {
        kept[key] = value;
        localStorage.setItem("bayling-bench", JSON.stringify(kept));
      },
    };
  } catch {
    const kept = {};
    return {
      get: (key) => kept[key],
      set: (key, value) => {
        kept[key] = value;
      },
    };
  }
}

// Returns the string of a key with {names} filled in.
function t(key, values = {}) {
  const text = board.strings[language]?.[key] ?? board.strings.en[key] ?? key;
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

// Returns the text of {en, zh} in the language of the interface; other values as they are.
function told(text) {
  if (text === null || text === undefined) return "";
  return typeof text === "object" ? (text[language] ?? text.en ?? "") : String(text);
}

function firstLanguage(asked) {
  if (Object.hasOwn(LANGUAGES, asked)) return asked;
  if (Object.hasOwn(LANGUAGES, memory.get("language"))) return memory.get("language");
  return navigator.languages?.[0]?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of document.querySelectorAll("[data-zh]")) {
    element.dataset.en ??= element.textContent;
    element.textContent = element.dataset[language];
  }
}
