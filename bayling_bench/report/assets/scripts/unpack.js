// What lies compressed in the page (items, the chart library): base64 of gzip or zlib, unpacked when it is first needed.

function bytesOf(base64) {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

async function unpack(element) {
  if (typeof DecompressionStream === "undefined") throw new Error(t("ui.cannot_unpack"));
  const stream = new Blob([bytesOf(element.textContent.trim())]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream(element.dataset.packed ?? "gzip"))).text();
}
