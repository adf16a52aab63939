/** A number and what it counts: `1 response`, `2 responses`. */
export function counted(count: number, noun: string): string {
  return `${count} ${plural(count, noun)}`;
}

/** The noun alone, by its number; `verb` follows it: `certificate is`, `certificates are`. */
export function plural(count: number, noun: string, verb?: 'be'): string {
  const words = count === 1 ? noun : `${noun}s`;
  if (verb === undefined) return words;
  return `${words} ${count === 1 ? 'is' : 'are'}`;
}
