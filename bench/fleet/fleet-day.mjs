// A day of a fleet, second by second. Certificates are counted, not held.

export const DAY = 86_400;
export const HOUR = 3600;

/** What a fleet is, and what happens to it; `npm run simulate -- --help` says what each is. */
export const DEFAULTS = {
  certificates: 1e9,
  /** Answers of a certificate: SHA-1 and SHA-256. */
  hashes: 2,
  /** Days from one answer to the next, and for which an answer is good. */
  refresh: 3.5,
  validity: 7,
  cores: 4,
  /** Answers that a core signs in a second, P-256. */
  rate: 20_000,
  /** Part of the certificates that is revoked in the course of the day, one by one. */
  revoked: 0.0001,
  /** Part that is revoked at once, and when. */
  mass: 0.01,
  massHour: 10,
  /** Hours without any signer, and when they begin. */
  outage: 1,
  outageHour: 14,
  /** Rows of news that a responder reads in a second, and the seconds behind after which it asks the database. */
  news: 100_000,
  soon: 1,
  /** Answers that a CDN drops in a second when told. */
  purges: 62,
};

/** A queue whose oldest come first: how much is in it, and since when the oldest waits. */
class Queue {
  #parts = [];
  #first = 0;
  length = 0;

  add(count, now) {
    if (count <= 0) return;
    this.#parts.push({ count, since: now });
    this.length += count;
  }

  /** Takes up to so many. Returns how many, and how long the one that waited longest has waited. */
  take(most, now) {
    const waited = this.length === 0 ? 0 : now - this.#parts[this.#first].since;
    let left = most;
    while (left > 0 && this.#first < this.#parts.length) {
      const part = this.#parts[this.#first];
      const taken = Math.min(left, part.count);
      part.count -= taken;
      left -= taken;
      this.length -= taken;
      if (part.count > 0) break;
      this.#first += 1;
    }
    if (this.#first === this.#parts.length) this.length = 0;
    return { taken: most - left, waited };
  }
}

/**
 * Revocations are signed before what is refreshed. What responders know does not wait for signatures: until a responder has read
 * all news, it asks the database about each certificate once it is more than a second behind.
 *
 * @param {Partial<typeof DEFAULTS>} [given]
 */
export function simulateDay(given = {}) {
  const fleet = { ...DEFAULTS, ...given };
  const { certificates, hashes, refresh, validity, cores, rate, mass, massHour, outage, outageHour, news } = fleet;
  const [refreshes, revocations, unread] = [new Queue(), new Queue(), new Queue()];
  const hours = [];
  const day = { due: 0, signed: 0, late: 0, lateRevocation: 0, longestQueue: 0, massSigned: null, lag: 0, behind: 0 };
  const massAt = massHour * HOUR;
  for (let second = 0; second < DAY; second += 1) {
    if (second % HOUR === 0) hours.push({ refreshed: 0, revocations: 0, busy: 0, queue: 0, late: 0 });
    const hour = hours.at(-1);
    const revokedNow = (certificates * fleet.revoked) / DAY + (second === massAt ? certificates * mass : 0);
    const dueNow = (certificates * hashes) / (refresh * DAY);
    refreshes.add(dueNow, second);
    revocations.add(revokedNow * hashes, second);
    unread.add(revokedNow, second);
    day.due += dueNow + revokedNow * hashes;

    const isOut = second >= outageHour * HOUR && second < (outageHour + outage) * HOUR;
    const capacity = isOut ? 0 : cores * rate;
    const urgent = revocations.take(capacity, second);
    const usual = refreshes.take(capacity - urgent.taken, second);
    if (second >= massAt && day.massSigned === null && revocations.length === 0) day.massSigned = second - massAt;
    const lag = unread.take(news, second).waited;
    day.lag = Math.max(day.lag, lag);
    if (lag > fleet.soon) day.behind += 1;

    day.signed += urgent.taken + usual.taken;
    day.late = Math.max(day.late, usual.waited);
    day.lateRevocation = Math.max(day.lateRevocation, urgent.waited);
    const queue = refreshes.length + revocations.length;
    day.longestQueue = Math.max(day.longestQueue, queue);
    hour.refreshed += usual.taken;
    hour.revocations += urgent.taken;
    hour.busy += (urgent.taken + usual.taken) / (cores * rate) / HOUR;
    hour.queue = Math.max(hour.queue, queue);
    hour.late = Math.max(hour.late, usual.waited);
  }
  day.left = refreshes.length + revocations.length;
  /** Answers that have ended before there was another one. */
  day.isExpired = day.late > (validity - refresh) * DAY;
  day.purgeHours = (certificates * mass) / fleet.purges / HOUR;
  return { fleet, hours, day };
}

/**
 * Bytes of a certificate: in PostgreSQL, in segments and in Valkey for one hash (P-256, no certificate in the answer), and, where it is
 * revoked, in the memory of each responder.
 */
export const BYTES = { table: 61, key: 41, segment: 385, valkey: 456, revoked: 151 };
