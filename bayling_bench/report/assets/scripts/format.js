// How numbers are written, everywhere in the page.

const ABSENT = "—";
const TIE = 1e-9; // 85.835 is a little less in binary, and shall still read 85.84 as in the summary

// Returns a value with its metric's decimals; they line up in a column because all have as many.
function number(value, decimals = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return ABSENT;
  const text = (Math.abs(value) + TIE).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

// Returns "[19.4, 20.9]", with two digits where the interval is narrower than a point; "" where there is none.
function interval(low, high) {
  if (low === null || low === undefined || high === null || high === undefined) return "";
  const digits = high - low >= 1 ? 1 : 2;
  return `[${number(low, digits)}, ${number(high, digits)}]`;
}

function count(value) {
  return value.toLocaleString("en");
}

// Returns "1" or "1–3".
function ranks(low, high) {
  if (low === null || low === undefined) return "";
  return low === high ? String(low) : `${low}–${high}`;
}

function words(key) {
  return key.replaceAll("_", " ");
}

// Returns a text without what is behind its n-th character, never cut within a character.
function shortened(text, limit) {
  if (text.length <= limit) return text;
  return `${/[\ud800-\udbff]/.test(text[limit - 1]) ? text.slice(0, limit - 1) : text.slice(0, limit)}…`;
}
