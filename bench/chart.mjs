// Bars of the ratio to the limit as SVG: one chart per group, its tables in two columns.
import { formatRate, formatRatio } from './table.mjs';

const MARGIN = 24;
const ROW = 24;
const TITLE = 30;
const GAP = 22;
const LABEL = 250;
const BAR = 250;
const VALUE = 130;
const COLUMN = LABEL + BAR + VALUE;
const HEADER = 74;

const STYLE = [
  'text{font:13px "DejaVu Sans","Segoe UI",Helvetica,Arial,sans-serif;fill:#222}',
  '.head{font-size:18px;font-weight:600}.note{font-size:12px;fill:#666}',
  '.title{font-size:14px;font-weight:600}.name{text-anchor:end}.value{fill:#444;font-size:12px;paint-order:stroke;stroke:#fff;stroke-width:4px}',
  '.limit{fill:#8a8f98}.own{fill:#2563a8}.other{fill:#d9a441}.one{stroke:#8a8f98;stroke-dasharray:3 3}',
].join('');

const escapeXml = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const text = (x, y, className, content) =>
  `<text x="${x.toFixed(1)}" y="${y}" class="${className}">${escapeXml(content)}</text>`;

/**
 * @param {{ heading: string, note: string, tables: { title: string, rows: object[] }[] }} group rows as `measure` gives them
 */
export function chart({ heading, note, tables }) {
  const columns = Math.min(2, tables.length);
  const bottoms = Array.from({ length: columns }, () => HEADER);
  const parts = [text(MARGIN, 34, 'head', heading), text(MARGIN, 56, 'note', note)];
  tables.forEach((table, i) => {
    const column = i % columns;
    // A row of tables begins at one height.
    if (column === 0) bottoms.fill(Math.max(...bottoms));
    const x = MARGIN + column * (COLUMN + GAP);
    parts.push(...bars(table, x, bottoms[column]));
    bottoms[column] += TITLE + table.rows.length * ROW + GAP;
  });
  const width = 2 * MARGIN + columns * COLUMN + (columns - 1) * GAP;
  const height = Math.max(...bottoms);
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const background = '<rect width="100%" height="100%" fill="#fff"/>';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><style>${STYLE}</style>${background}${parts.join('\n')}</svg>\n`;
}

function bars({ title, rows }, x, top) {
  // What beats the limit by far has to fit, too.
  const widest = Math.max(1, ...rows.map(({ ratio }) => ratio));
  const start = x + LABEL;
  const one = (start + BAR / widest).toFixed(1);
  const bottom = top + TITLE + rows.length * ROW - 2;
  const parts = [
    text(x, top + 18, 'title', title),
    `<line x1="${one}" x2="${one}" y1="${top + TITLE - 4}" y2="${bottom}" class="one"/>`,
  ];
  rows.forEach(({ name, kind, ratio, opsPerSecond }, i) => {
    const y = top + TITLE + i * ROW;
    const length = Math.max(1, (ratio / widest) * BAR);
    parts.push(
      text(start - 8, y + 14, 'name', name),
      `<rect x="${start}" y="${y + 1}" width="${length.toFixed(1)}" height="${ROW - 7}" rx="2" class="${kind}"/>`,
      text(start + length + 8, y + 14, 'value', `${formatRatio(ratio)} · ${formatRate(opsPerSecond)}`),
    );
  });
  return parts;
}
