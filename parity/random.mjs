// Numbers that look random and come back with the same seed.
import { createHash } from 'node:crypto';

export class Random {
  #state;

  /** Each purpose has a sequence of its own, whatever others drew before it. */
  constructor(seed, purpose) {
    const digest = createHash('sha256').update(`${seed}/${purpose}`).digest();
    this.#state = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at));
  }

  /** A 32-bit number (sfc32). */
  #next() {
    const s = this.#state;
    const result = (s[0] + s[1] + s[3]) >>> 0;
    s[3] = (s[3] + 1) >>> 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) >>> 0;
    s[2] = (((s[2] << 21) | (s[2] >>> 11)) + result) >>> 0;
    return result;
  }

  /** 0 to limit - 1. */
  below(limit) {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  /** True once in `times`. */
  once(times) {
    return this.below(times) === 0;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Each element with a chance of one in `times`. */
  some(list, times = 2) {
    return list.filter(() => this.once(times));
  }

  bytes(length) {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
