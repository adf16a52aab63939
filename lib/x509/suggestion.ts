/** "Did you mean": the name that is nearest to one that does not exist. */

/** The nearest of the names; undefined when none is near enough to be meant. */
export function closest(word: string, names: readonly string[]): string | undefined {
  const most = Math.floor(word.length / 3) + 1;
  const [best] = names
    .map((name) => ({ name, distance: name.startsWith(word) && word.length > 1 ? 1 : distance(word, name) }))
    .filter(({ distance: far, name }) => far <= most && far < name.length)
    .sort((one, other) => one.distance - other.distance);
  return best?.name;
}

/** Whether a word is that name but for case, separators and a slip or, in a long name, two. */
export function isNearly(word: string, name: string): boolean {
  const [given, known] = [plain(word), plain(name)];
  return distance(given, known) <= (known.length < 8 ? 1 : 2);
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[\s_-]/g, '');
}

/** Letters to put in, leave out or change, neighbours that change places counting once (optimal string alignment). */
function distance(from: string, to: string): number {
  // A word of a stranger may be long; no name is.
  if (Math.abs(from.length - to.length) > to.length) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const [two, one] = [rows[i - 2], rows[i - 1] as number[]];
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min((one[j] as number) + 1, (row[j - 1] as number) + 1, (one[j - 1] as number) + (same ? 0 : 1));
      if (two !== undefined && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        cost = Math.min(cost, (two[j - 2] as number) + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return (rows[from.length] as number[])[to.length] as number;
}
