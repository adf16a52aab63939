import type { X509Certificate } from 'node:crypto';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { hexOf, type StatusAuthority } from '../responder/authority.js';
import { ResponderIssuer } from '../responder/issuer.js';
import type { StatusEntry } from '../statuses/status-entry.js';
import { type Check, carryOut, type Findings } from './checks.js';
import { AUTHORITY_CLAUSES } from './clauses.js';
import { Follower, Patience, SOON, said } from './follower.js';
import { createTestCa } from './test-ca.js';

const { GOOD, REVOKED } = OCSPCertStatus;

/** An authority under test. */
export interface AuthorityUnderTest {
  readonly authority: StatusAuthority;
  /**
   * Does what the CA does: issues the certificates of these entries, or changes their statuses, in the CA's own way and all at once.
   * Entries have `serialNumber`, `status`, and of what is revoked `revocationTime` and `reason`.
   */
  write(entries: readonly StatusEntry[]): void | Promise<void>;
  /** Called when the check has ended; then the authority is closed. */
  end?(): void | Promise<void>;
}

/** Makes an authority without any certificate, for this issuer. Called again and again. */
export type MakeAuthority = (issuer: X509Certificate) => AuthorityUnderTest | Promise<AuthorityUnderTest>;

/**
 * Checks that a {@link StatusAuthority} says what the CA knows, of every certificate, and that its feed, if it has one, leaves nothing
 * out: a responder with a feed sends answers at hand without asking. For any implementation, in any test framework.
 *
 * @throws (rejects) {@link ConformanceError} with all that does not hold.
 */
export async function checkStatusAuthority(make: MakeAuthority): Promise<void> {
  const ca = createTestCa();
  const patience = new Patience();
  const check =
    (tries: Tries): Check<Id>[1] =>
    async (findings) => {
      const made = await make(ca.certificate);
      const { authority } = made;
      const signers = [{ responder: ca.certificate, privateKey: ca.privateKey }];
      const limits = { maxInflight: 1, maxWaiting: 0, timeout: 1000 };
      const issuer = new ResponderIssuer(
        { certificate: ca.certificate, authority, signers },
        0,
        limits,
        () => undefined,
      );
      try {
        await tries(findings, new Desk(made, issuer, patience));
      } finally {
        await made.end?.();
        await authority.close?.();
      }
    };
  const probe = await make(ca.certificate);
  const hasFeed = probe.authority.changes !== undefined;
  await probe.end?.();
  await probe.authority.close?.();
  const checks = hasFeed ? [...CHECKS, ...FEED_CHECKS] : CHECKS;
  await carryOut(
    AUTHORITY_CLAUSES,
    checks.map(([clause, tries]) => [clause, check(tries)]),
  );
}

type Id = keyof typeof AUTHORITY_CLAUSES;
type Tries = (f: Findings, desk: Desk) => Promise<void>;

/** The authority, as the checks use it. */
class Desk {
  readonly authority: StatusAuthority;
  readonly patience: Patience;
  readonly #made: AuthorityUnderTest;
  readonly #issuer: ResponderIssuer;

  constructor(made: AuthorityUnderTest, issuer: ResponderIssuer, patience: Patience) {
    this.authority = made.authority;
    this.patience = patience;
    this.#made = made;
    this.#issuer = issuer;
  }

  async write(...entries: readonly StatusEntry[]): Promise<void> {
    await this.#made.write(entries);
    await this.authority.refresh?.();
  }

  async lookup(serial: bigint): Promise<StatusEntry | undefined> {
    return await this.authority.lookup({ issuer: this.#issuer, serialNumber: hexOf(serial) });
  }

  /** Follows the feed. */
  follow(cursor: string | null): Follower {
    return new Follower(this.authority, cursor, this.patience);
  }
}

const WHEN = new Date(1_700_000_000_000);

function good(serialNumber: bigint): StatusEntry {
  return { serialNumber, status: GOOD };
}

function revoked(serialNumber: bigint, reason: StatusEntry['reason'] = 'keyCompromise'): StatusEntry {
  return { serialNumber, status: REVOKED, revocationTime: WHEN, reason };
}

const CHECKS: readonly (readonly [clause: Id, tries: Tries])[] = [
  [
    'A1',
    async (f, desk) => {
      const reasons = [
        null,
        'keyCompromise',
        'cACompromise',
        'superseded',
        'cessationOfOperation',
        'certificateHold',
      ] as const;
      const all = [good(1n), ...reasons.map((reason, i) => revoked(BigInt(i + 2), reason))];
      await desk.write(...all);
      for (const entry of all) {
        const serial = BigInt(entry.serialNumber);
        const found = await desk.lookup(serial);
        await f.equal(`lookup of ${serial}`, said(found), said(entry));
        await f.equal(`serialNumber of ${serial}`, () => found && hexOf(found.serialNumber), hexOf(serial));
      }
    },
  ],
  [
    'A2',
    async (f, desk) => {
      await f.equal('lookup where nothing was issued', async () => said(await desk.lookup(5n)), undefined);
      await desk.write(good(0x10n), revoked(0x20n));
      for (const serial of [0n, 1n, 0x11n, 0x1000n, (1n << 159n) - 1n])
        await f.equal(
          `lookup of ${hexOf(serial)}, never issued`,
          async () => said(await desk.lookup(serial)),
          undefined,
        );
    },
  ],
  [
    'A3',
    async (f, desk) => {
      const lengths = Array.from({ length: 20 }, (_, bytes) => 1n << BigInt(8 * bytes));
      const all = lengths.flatMap((serial, i) =>
        i % 2 === 0 ? [good(serial), revoked(serial + 1n)] : [revoked(serial)],
      );
      await desk.write(...all);
      for (const entry of all)
        await f.equal(
          `lookup of ${hexOf(entry.serialNumber)}`,
          async () => said(await desk.lookup(BigInt(entry.serialNumber))),
          said(entry),
        );
      await f.equal(
        'lookup of twenty bytes, never issued',
        async () => said(await desk.lookup((1n << 152n) + 7n)),
        undefined,
      );
    },
  ],
  [
    'A4',
    async (f, desk) => {
      await desk.write(good(1n), good(2n));
      await f.equal('lookup before the change', async () => said(await desk.lookup(1n)), said(good(1n)));
      for (const entry of [revoked(1n, 'certificateHold'), good(1n), revoked(1n)]) {
        await desk.write(entry);
        await new Promise((resolve) => setTimeout(resolve, Math.min(desk.authority.lag?.() ?? 0, SOON)));
        await f.equal('lookup after a change', async () => said(await desk.lookup(1n)), said(entry));
      }
      await f.equal('lookup of another', async () => said(await desk.lookup(2n)), said(good(2n)));
    },
  ],
  [
    'A5',
    async (f, desk) => {
      let before = -1;
      for (const entry of [good(1n), revoked(1n, 'certificateHold'), good(1n), revoked(1n)]) {
        await desk.write(entry);
        const version = (await desk.lookup(1n))?.statusVersion;
        if (version === undefined) continue;
        const isSo = Number.isSafeInteger(version) && version > before;
        f.holds('statusVersion after a change', isSo, `a whole number of more than ${before}`, version);
        before = version;
      }
    },
  ],
  [
    'A13',
    async (f, desk) => {
      const lag = desk.authority.lag?.();
      f.holds('lag()', lag === undefined || lag >= 0, 'a number that is not negative', lag);
    },
  ],
];

const FEED_CHECKS: typeof CHECKS = [
  [
    'A6',
    async (f, desk) => {
      await desk.write(good(1n), revoked(2n), good(3n), revoked(4n, 'certificateHold'));
      const follower = desk.follow(null);
      await follower.tells(f, 'changes(null)', [revoked(2n), revoked(4n, 'certificateHold')]);
      follower.stop();
    },
  ],
  [
    'A7',
    async (f, desk) => {
      await desk.write(good(1n), good(2n), good(3n));
      const first = desk.follow(null);
      await first.word();
      first.stop();
      await desk.write(revoked(1n));
      await desk.write(revoked(2n));
      const second = desk.follow(first.cursor);
      await second.tells(f, 'changes(cursor) after two changes', [revoked(1n), revoked(2n)]);
      second.stop();
      await desk.write(revoked(3n));
      const third = desk.follow(second.cursor);
      await third.tells(f, 'changes(cursor) after one more', [revoked(3n)]);
      third.stop();
      const again = desk.follow(first.cursor);
      await again.tells(f, 'changes of an earlier cursor once more', [revoked(1n), revoked(2n), revoked(3n)]);
      again.stop();
    },
  ],
  [
    'A8',
    async (f, desk) => {
      const serials = Array.from({ length: 60 }, (_, i) => BigInt(i + 1));
      await desk.write(...serials.map(good));
      const follower = desk.follow(null);
      await follower.word();
      await Promise.all(serials.map((serial) => desk.write(revoked(serial))));
      const all = serials.map((serial) => revoked(serial));
      await follower.tells(f, 'sixty revocations by writers at once', all);
      follower.stop();
    },
  ],
  [
    'A9',
    async (f, desk) => {
      await desk.write(good(1n), good(2n));
      const follower = desk.follow(null);
      await follower.word();
      await desk.write(revoked(1n, 'certificateHold'));
      await desk.write(good(1n), revoked(2n));
      await follower.until(() => follower.latest.has(hexOf(2n)));
      const held = follower.latest.get(hexOf(1n));
      // What is good need not be told, if it never was told to be otherwise.
      if (held !== undefined) await follower.tells(f, 'a hold that ended', [good(1n)]);
      await follower.tells(f, 'a revocation beside it', [revoked(2n)]);
      follower.stop();
    },
  ],
  [
    'A10',
    async (f, desk) => {
      await desk.write(good(1n));
      const follower = desk.follow(null);
      await follower.word();
      await follower.word();
      const seconds = desk.patience.milliseconds / 1000;
      f.holds('a further word without news', await follower.word(), `within ${seconds} seconds`, 'none');
      follower.stop();
    },
  ],
  [
    'A11',
    async (f, desk) => {
      const follower = desk.follow(null);
      await follower.word();
      const seconds = desk.patience.milliseconds / 1000;
      f.holds('a feed after abort', await follower.end(), `ends within ${seconds} seconds`, 'it goes on');
    },
  ],
  [
    'A12',
    async (f, desk) => {
      await desk.write(good(1n), good(2n));
      const followers = [desk.follow(null), desk.follow(null), desk.follow(null)];
      for (const follower of followers) await follower.word();
      await desk.write(revoked(1n), revoked(2n));
      for (const [i, follower] of followers.entries()) {
        await follower.tells(f, `what feed ${i + 1} of three says`, [revoked(1n), revoked(2n)]);
        follower.stop();
      }
    },
  ],
];
