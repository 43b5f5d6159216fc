// What differs between two texts: by words where words are set apart by spaces, by characters in Chinese, Japanese,
// Thai. The shortest edit script by E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1
// (1986).

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const MOST_EDITS = 1000; // beyond it two texts have little in common, and the memory of the search grows with its square

// Returns words, single characters of scripts without spaces (with their marks), spaces and punctuation, each a token.
function tokens(text) {
  const words = new Intl.Segmenter(undefined, { granularity: "word" });
  const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const found = [];
  for (const { segment } of words.segment(text)) {
    if (segment.length > 1 && UNSPACED.test(segment))
      for (const part of characters.segment(segment)) found.push(part.segment);
    else found.push(segment);
  }
  return found;
}

// Returns [[kind, text], ...] with kind "same", "gone" (only in the first) or "new" (only in the second); null when the
// texts are too far apart to be compared.
function differences(first, second) {
  const [a, b] = [tokens(first), tokens(second)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const middle = editScript(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  if (middle === null) return null;
  const same = (part) => part.map((token) => ["same", token]);
  return joined([...same(a.slice(0, head)), ...middle, ...same(tail ? a.slice(-tail) : [])]);
}

function editScript(a, b) {
  const most = Math.min(a.length + b.length, MOST_EDITS);
  const furthest = new Map([[1, 0]]); // diagonal -> how far along it
  const trace = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down =
        diagonal === -edits || (diagonal !== edits && furthest.get(diagonal - 1) < furthest.get(diagonal + 1));
      let x = down ? furthest.get(diagonal + 1) : furthest.get(diagonal - 1) + 1;
      let y = x - diagonal;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      furthest.set(diagonal, x);
      if (x >= a.length && y >= b.length) return walkBack(trace, a, b);
    }
  }
  return null;
}

function walkBack(trace, a, b) {
  const script = [];
  let [x, y] = [a.length, b.length];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const furthest = trace[edits];
    const diagonal = x - y;
    const down = diagonal === -edits || (diagonal !== edits && furthest.get(diagonal - 1) < furthest.get(diagonal + 1));
    const before = down ? diagonal + 1 : diagonal - 1;
    const fromX = furthest.get(before);
    const fromY = fromX - before;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      script.push(["same", a[x]]);
    }
    if (edits > 0 && down) {
      y -= 1;
      script.push(["new", b[y]]);
    } else if (edits > 0) {
      x -= 1;
      script.push(["gone", a[x]]);
    }
  }
  return script.reverse();
}

// Joins tokens of a kind, what is gone before what is new. A short stretch of the same between two longer changes
// belongs to them: "red house" to "blue home" is one change of two words, and letters that chance to agree are no news.
function joined(script) {
  const blocks = []; // changes {gone, new} and strings of the same, in turn
  for (const [kind, token] of script) {
    const last = blocks.at(-1);
    if (kind === "same") typeof last === "string" ? blocks.splice(-1, 1, last + token) : blocks.push(token);
    else if (typeof last === "object") last[kind] += token;
    else blocks.push({ gone: "", new: "", [kind]: token });
  }
  const size = (change) => Math.max(change.gone.length, change.new.length);
  const merged = [];
  for (const block of blocks) {
    const [change, same] = [merged.at(-2), merged.at(-1)];
    const bridged =
      typeof block === "object" &&
      typeof same === "string" &&
      typeof change === "object" &&
      same.length <= 4 &&
      same.length * 1.5 <= Math.min(size(change), size(block));
    if (bridged) merged.splice(-2, 2, { gone: change.gone + same + block.gone, new: change.new + same + block.new });
    else merged.push(block);
  }
  return merged.flatMap((block) =>
    typeof block === "string"
      ? [["same", block]]
      : ["gone", "new"].filter((kind) => block[kind]).map((kind) => [kind, block[kind]]),
  );
}

// Returns nodes of one of the two texts with what the other lacks marked: side is "gone" or "new".
function marked(parts, side) {
  return parts
    .filter(([kind]) => kind === "same" || kind === side)
    .map(([kind, text]) =>
      kind === "same" ? document.createTextNode(text) : make(kind === "new" ? "ins" : "del", {}, text),
    );
}
