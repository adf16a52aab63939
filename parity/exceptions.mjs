// Differences from OpenSSL that are meant. Each has to occur (with versions that `occurs` accepts), so that none outlives
// its cause; docs/openssl-parity.md lists the same ids.

/**
 * `group`, and `covers(difference)`: what it excuses there. A difference has `what`, `ours`, `theirs` and the facts that its
 * group gave. `occurs({ library, oracle, cli })` takes versions as [major, minor, patch].
 */
export const EXCEPTIONS = [];
