/** A progress bar on a terminal, a plain line now and then elsewhere; on standard error, so that output stays clean. */
const BAR = 24;
/** Where the terminal does not tell. */
const USUAL_COLUMNS = 80;
const TERMINAL_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;
/** The rate is that of the last while, so that it follows a change. */
const WINDOW_MILLISECONDS = 5000;

/** What the rate is compared with, where that is known. */
export interface ProgressLimits {
  /** How many there will be, or nearly so. */
  readonly total?: number | undefined;
  /** What the key could do, in signatures per second. */
  readonly rawSigningRate?: number | undefined;
}

export class Progress {
  readonly #limits: ProgressLimits;
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #recent: { at: number; done: number }[];
  readonly #begin: number;
  #lastLine: number;

  /** @param stream, now - for tests */
  constructor(limits: ProgressLimits, stream: NodeJS.WriteStream = process.stderr, now: () => number = Date.now) {
    this.#limits = limits;
    this.#stream = stream;
    this.#now = now;
    this.#begin = now();
    this.#lastLine = stream.isTTY ? Number.NEGATIVE_INFINITY : this.#begin;
    this.#recent = [];
  }

  /** @param done - how many are done, of which `before` were done by an earlier run */
  update(done: number, before: number = 0): void {
    const now = this.#now();
    const recent = this.#recent;
    if (recent.length === 0) recent.push({ at: this.#begin, done: before });
    recent.push({ at: now, done });
    while (recent.length > 2 && now - (recent[1] as { at: number }).at >= WINDOW_MILLISECONDS) recent.shift();
    if (now - this.#lastLine < (this.#stream.isTTY ? TERMINAL_MILLISECONDS : PLAIN_MILLISECONDS)) return;
    this.#lastLine = now;
    const parts = this.#parts(done);
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${this.#line(done, parts)}` : `${parts.join(', ')}\n`);
  }

  /** Leaves the line of the bar. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #parts(done: number): string[] {
    const { total, rawSigningRate } = this.#limits;
    const parts = [`${done.toLocaleString('en')} signed`];
    const [first] = this.#recent;
    const last = this.#recent.at(-1);
    if (first !== undefined && last !== undefined && last.at > first.at) {
      const rate = ((last.done - first.done) / (last.at - first.at)) * 1000;
      parts.push(`${Math.round(rate).toLocaleString('en')}/s`);
      // What was measured is an estimate: a run that is faster has reached all there is.
      if (rawSigningRate !== undefined)
        parts.push(`${Math.min(100, Math.round((rate / rawSigningRate) * 100))} % of bare signing`);
      if (total !== undefined && rate > 0) parts.push(`${duration((total - done) / rate)} to go`);
    }
    return parts;
  }

  /** As much as the terminal has room for in one line: a line that is wrapped could not be overwritten. */
  #line(done: number, parts: readonly string[]): string {
    // The last column stays empty: some terminals go to the next line with it.
    const room = (this.#stream.columns || USUAL_COLUMNS) - 1;
    const whole = `${this.#bar(done)}${parts.join(', ')}`;
    if (whole.length <= room) return whole;
    const lines = parts.map((_, dropped) => parts.slice(0, parts.length - dropped).join(', '));
    return lines.find(({ length }) => length <= room) ?? (parts[0] ?? '').slice(0, Math.max(0, room));
  }

  #bar(done: number): string {
    const { total } = this.#limits;
    if (total === undefined || total === 0) return '';
    const filled = Math.min(BAR, Math.round((done / total) * BAR));
    return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] `;
  }
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${(whole / 3600).toFixed(1)} h`;
}
