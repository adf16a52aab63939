/** Texts that are remembered: a power of two. */
const PLACES = 1 << 16;

/** Tells what comes again from what comes once, in constant memory: of texts that fall on one place it knows the last, and it may mix up two. */
export class Seen {
  /** Hashes of the texts, each in the place that it names. */
  readonly #hashes = new Int32Array(PLACES);

  /** Whether the text has come before, as far as that is still known. From now on it has. */
  again(text: string): boolean {
    const hash = hashOf(text);
    const place = hash & (PLACES - 1);
    if (this.#hashes[place] === hash) return true;
    this.#hashes[place] = hash;
    return false;
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
