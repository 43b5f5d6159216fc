// Unpacks what the Python side packed: base85 of an LZMA stream ("lzma alone", a header of 13 bytes). Browsers decompress
// deflate natively, but its window of 32 KB makes the items of a board half as large again. Written after the LZMA
// specification (I. Pavlov, 2013, in the public domain); tests/report/test_packed.py holds it to Python's lzma.

const BASE85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;.=,?@^_`{|}~";

function unbase85(text) {
  const values = new Uint8Array(128);
  for (let at = 0; at < 85; at += 1) values[BASE85.charCodeAt(at)] = at;
  const groups = Math.ceil(text.length / 5);
  const bytes = new Uint8Array(groups * 4);
  for (let group = 0, from = 0, to = 0; group < groups; group += 1) {
    let value = 0;
    for (let last = from + 5; from < last; from += 1) {
      value = value * 85 + (from < text.length ? values[text.charCodeAt(from)] : 84); // the last group may be short
    }
    bytes[to++] = value >>> 24;
    bytes[to++] = value >>> 16;
    bytes[to++] = value >>> 8;
    bytes[to++] = value;
  }
  return bytes.subarray(0, Math.floor((text.length * 4) / 5));
}

function unlzma(packed) {
  let code = 0, range = 0xffffffff, from = 13; // the range decoder's state and place in `packed`

  function bit(model, at) {
    if (range >>> 24 === 0) {
      range = (range << 8) >>> 0;
      code = ((code << 8) | packed[from++]) >>> 0;
    }
    const chance = model[at];
    const bound = (range >>> 11) * chance;
    if (code < bound) {
      range = bound;
      model[at] = chance + ((2048 - chance) >>> 5);
      return 0;
    }
    range -= bound;
    code -= bound;
    model[at] = chance - (chance >>> 5);
    return 1;
  }

  function equallyLikely(bits) {
    let value = 0;
    for (; bits > 0; bits -= 1) {
      if (range >>> 24 === 0) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | packed[from++]) >>> 0;
      }
      range >>>= 1;
      const one = code >= range ? 1 : 0;
      if (one) code -= range;
      value = value * 2 + one;
    }
    return value;
  }

  function tree(model, offset, bits) {
    let node = 1;
    for (let left = bits; left > 0; left -= 1) node = (node << 1) | bit(model, offset + node);
    return node - (1 << bits);
  }

  function treeFromBelow(model, offset, bits) {
    let node = 1, value = 0;
    for (let place = 0; place < bits; place += 1) {
      const one = bit(model, offset + node);
      node = (node << 1) | one;
      value |= one << place;
    }
    return value;
  }

  let state = 0, rep0 = 0, rep1 = 0, rep2 = 0, rep3 = 0; // kind of the last symbols, and the last four distances
  const chances = (count) => new Uint16Array(count).fill(1024);
  const header = new DataView(packed.buffer, packed.byteOffset, 13);
  const properties = packed[0];
  const lc = properties % 9, lp = Math.floor(properties / 9) % 5, pb = Math.floor(properties / 45);
  const size = header.getUint32(5, true) + header.getUint32(9, true) * 2 ** 32;
  const out = new Uint8Array(size);
  const literals = chances(0x300 << (lc + lp));
  const isMatch = chances(12 << 4), isRepeat = chances(12), isRepeat0 = chances(12), isRepeat1 = chances(12);
  const isRepeat2 = chances(12), isLongRepeat = chances(12 << 4);
  const slots = chances(4 * 64), distances = chances(128), low = chances(16);
  const lengths = [0, 1].map(() => ({ choice: chances(2), low: chances(16 * 8), mid: chances(16 * 8), high: chances(256) }));

  function length(coder, place) {
    if (bit(coder.choice, 0) === 0) return 2 + tree(coder.low, place * 8, 3);
    if (bit(coder.choice, 1) === 0) return 10 + tree(coder.mid, place * 8, 3);
    return 18 + tree(coder.high, 0, 8);
  }

  function distance(long) {
    const slot = tree(slots, Math.min(long - 2, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + treeFromBelow(distances, base - slot, bits);
    return base + equallyLikely(bits - 4) * 16 + treeFromBelow(low, 0, 4);
  }

  function literal(at, state, back) {
    const before = at > 0 ? out[at - 1] : 0;
    const offset = 0x300 * (((at & ((1 << lp) - 1)) << lc) + (before >>> (8 - lc)));
    let symbol = 1;
    if (state >= 7) {
      let match = out[at - back - 1];
      do {
        const expected = (match >>> 7) & 1;
        match <<= 1;
        const one = bit(literals, offset + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | one;
        if (expected !== one) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | bit(literals, offset + symbol);
    return symbol & 0xff;
  }

  function swap() { // one of the three distances before the last becomes the last
    if (bit(isRepeat1, state) === 0) [rep0, rep1] = [rep1, rep0];
    else if (bit(isRepeat2, state) === 0) [rep0, rep1, rep2] = [rep2, rep0, rep1];
    else [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
    return true;
  }

  from += 1; // the range coder's first byte is always 0
  for (let at = 0; at < 4; at += 1) code = ((code << 8) | packed[from++]) >>> 0;
  for (let at = 0; at < size; ) {
    const place = at & ((1 << pb) - 1);
    if (bit(isMatch, (state << 4) + place) === 0) {
      out[at] = literal(at, state, rep0);
      at += 1;
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    let long = 1;
    if (bit(isRepeat, state) === 0) {
      [rep3, rep2, rep1] = [rep2, rep1, rep0];
      long = length(lengths[0], place);
      rep0 = distance(long);
      state = state < 7 ? 7 : 10;
    } else if (bit(isRepeat0, state) === 0 ? bit(isLongRepeat, (state << 4) + place) === 1 : swap()) {
      long = length(lengths[1], place);
      state = state < 7 ? 8 : 11;
    } else {
      state = state < 7 ? 9 : 11;
    }
    if (rep0 >= at || at + long > size) throw new RangeError("the packed items are damaged");
    for (const end = at + long; at < end; at += 1) out[at] = out[at - rep0 - 1];
  }
  return out;
}

function unpackLzma(text) {
  const bytes = unlzma(unbase85(text.trim()));
  const pairs = bytes[0] === 0xff && bytes[1] === 0xfe; // the byte order mark of UTF-16
  return new TextDecoder(pairs ? "utf-16le" : "utf-8").decode(bytes);
}
