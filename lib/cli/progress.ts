/** A progress bar on a terminal, a plain line now and then elsewhere; on standard error, so that output stays clean. */
const BAR = 24;
const EVERY_MILLISECONDS = 10_000;

export class Progress {
  readonly #total: number | undefined;
  readonly #begin: number = Date.now();
  #lastLine: number = Date.now();

  /** @param total - how many there will be, where that is known */
  constructor(total: number | undefined) {
    this.#total = total;
  }

  /** @param done - how many are done, of which `before` were done by an earlier run */
  update(done: number, before: number): void {
    const seconds = Math.max(0.001, (Date.now() - this.#begin) / 1000);
    const rate = (done - before) / seconds;
    const parts = [`${done.toLocaleString('en')} signed`, `${Math.round(rate).toLocaleString('en')}/s`];
    if (this.#total !== undefined && rate > 0) parts.push(`${duration((this.#total - done) / rate)} to go`);
    const text = parts.join(', ');
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K${this.#bar(done)}${text}`);
    } else if (Date.now() - this.#lastLine >= EVERY_MILLISECONDS) {
      this.#lastLine = Date.now();
      process.stderr.write(`${text}\n`);
    }
  }

  /** Leaves the line of the bar. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #bar(done: number): string {
    if (this.#total === undefined || this.#total === 0) return '';
    const filled = Math.min(BAR, Math.round((done / this.#total) * BAR));
    return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] `;
  }
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${(whole / 3600).toFixed(1)} h`;
}
