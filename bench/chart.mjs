// Bars of the ratio to the limit, one row per contender, as SVG.
const ROW = 26;
const LABEL = 330;
const BAR = 420;
const escapeXml = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/** @param {{ title: string, rows: { name: string, limit: boolean, ratio: number, opsPerSecond: number }[] }[]} tables */
export function chart(tables) {
  const parts = [];
  let y = 20;
  for (const { title, rows } of tables) {
    // Peers that are a thousand times slower must not hide, and a library that beats plain OpenSSL by ten must fit.
    const widest = Math.max(1, ...rows.map(({ ratio }) => ratio));
    parts.push(`<text x="20" y="${y + 16}" class="title">${escapeXml(title)}</text>`);
    y += ROW + 6;
    for (const { name, limit, ratio, opsPerSecond } of rows) {
      const width = Math.max(1, (ratio / widest) * BAR);
      const kind = limit ? 'limit' : name.startsWith('openssl-ocsp') ? 'own' : 'other';
      parts.push(
        `<text x="${LABEL - 8}" y="${y + 16}" class="name">${escapeXml(name)}</text>`,
        `<rect x="${LABEL}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}" class="${kind}"/>`,
        `<text x="${(LABEL + width + 8).toFixed(1)}" y="${y + 16}">${formatRatio(ratio)} · ${formatRate(opsPerSecond)}</text>`,
      );
      y += ROW;
    }
    y += 18;
  }
  const style =
    'text{font:13px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:15px}.name{text-anchor:end}' +
    '.limit{fill:#9a9a9a}.own{fill:#2f6fb3}.other{fill:#d8a24a}';
  const width = LABEL + BAR + 160;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`;
}

export function formatRatio(ratio) {
  return ratio >= 100 ? ratio.toFixed(0) : ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2);
}

export function formatRate(opsPerSecond) {
  if (opsPerSecond >= 1e6) return `${(opsPerSecond / 1e6).toFixed(2)} M/s`;
  if (opsPerSecond >= 1e3) return `${(opsPerSecond / 1e3).toFixed(1)} k/s`;
  return `${opsPerSecond.toFixed(1)} /s`;
}
