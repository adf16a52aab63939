/** A progress bar on a terminal, a plain line now and then elsewhere; on standard error, so that output stays clean. */
const BAR = 24;
const TERMINAL_MILLISECONDS = 100;
const PLAIN_MILLISECONDS = 10_000;
/** The rate is that of the last while, so that it follows a change. */
const WINDOW_MILLISECONDS = 5000;

/** What the rate is compared with, where that is known. */
export interface ProgressLimits {
  /** How many there will be, or nearly so. */
  readonly total?: number | undefined;
  /** What the key could do, in signatures per second. */
  readonly bareRate?: number | undefined;
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
    const text = this.#text(done);
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${this.#bar(done)}${text}` : `${text}\n`);
  }

  /** Leaves the line of the bar. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #text(done: number): string {
    const { total, bareRate } = this.#limits;
    const parts = [`${done.toLocaleString('en')} signed`];
    const [first] = this.#recent;
    const last = this.#recent.at(-1);
    if (first !== undefined && last !== undefined && last.at > first.at) {
      const rate = ((last.done - first.done) / (last.at - first.at)) * 1000;
      parts.push(`${Math.round(rate).toLocaleString('en')}/s`);
      if (bareRate !== undefined) parts.push(`${Math.round((rate / bareRate) * 100)} % of bare signing`);
      if (total !== undefined && rate > 0) parts.push(`${duration((total - done) / rate)} to go`);
    }
    return parts.join(', ');
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
