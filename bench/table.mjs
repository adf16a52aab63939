// Results as text.

export function formatRatio(ratio) {
  if (ratio >= 100) return ratio.toFixed(0);
  return ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2);
}

export function formatRate(opsPerSecond) {
  if (opsPerSecond >= 1e6) return `${(opsPerSecond / 1e6).toFixed(2)} M/s`;
  if (opsPerSecond >= 1e3) return `${(opsPerSecond / 1e3).toFixed(1)} k/s`;
  return `${opsPerSecond.toFixed(1)} /s`;
}

const formatTime = (microseconds) => microseconds.toFixed(microseconds < 1000 ? 2 : 0);

/** Lines of one table: the contenders, in the order of the group. */
export function table({ title, rows }) {
  const width = Math.max(34, title.length, ...rows.map(({ name }) => name.length)) + 2;
  const line = (name, cells) => `${name.padEnd(width)}${cells.map((cell) => cell.padStart(12)).join('')}`;
  return [
    line(title, ['rate', 'us', 'CPU us', 'ratio', 'CPU ratio', 'heap']),
    ...rows.map((row) =>
      line(`  ${row.name}`, [
        formatRate(row.opsPerSecond),
        formatTime(row.microseconds),
        formatTime(row.cpuMicroseconds),
        formatRatio(row.ratio),
        formatRatio(row.cpuRatio),
        `${Math.max(0, Math.round(row.heapBytes))} B`,
      ]),
    ),
  ].join('\n');
}
