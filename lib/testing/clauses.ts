/** What is asked of implementations, as `docs/conformance.md` has it. */

/** Clauses by their numbers. */
export type Clauses = Readonly<Record<string, string>>;

export const SOURCE_CLAUSES = {
  Q1: 'An iteration gives every entry, in a stable order, and so does the next iteration.',
  Q2: 'Batches have the size that was asked for; the last one has what is left, and is not empty.',
  Q3: 'As many entries are skipped as was asked for.',
  Q4: 'An iteration may be left, and others may go on beside it.',
} as const;

export const STORE_CLAUSES = {
  S1: 'A response is had by every form of its serial number, and by no other number.',
  S2: 'Serial numbers have up to 20 bytes and more; none is cut, padded or compared as text.',
  S3: 'What a caller does to the bytes that it gave or got changes nothing.',
  S4: 'Of two responses of one kind the one that compareVersions prefers is served, in whichever order they come; what is not newer is left out, and counted as kept.',
  S5: 'That holds within a batch, within a run, and for calls that come at once.',
  S6: 'A certificate may have a response for each CertID hash; the choice says which one is given, without it that for SHA-1 where there is one.',
  S7: 'A status counts for the certificate: a response that a newer one of the same certificate contradicts is not served, by whatever hash.',
  S8: 'lookup gives the response for exactly the CertID that is asked by; another issuer is ERR_OCSP_ISSUER_MISMATCH.',
  S9: 'A batch or a run of another issuer is refused with ERR_OCSP_ISSUER_MISMATCH.',
  S10: 'A record that breaks the rules for records is refused with the code that they name, and nothing of its batch is kept.',
  S11: 'Nothing of a run is served before its commit, and all of it after; then every call of the run is refused with ERR_OCSP_INVALID_VALUE, but close and discard.',
  S12: 'A run that was closed goes on from its last checkpoint under the same id; what came after the checkpoint is gone.',
  S13: 'While a run is unfinished, one of another id is refused with ERR_OCSP_INVALID_VALUE, or takes its place with otherRun: discard; a discarded run leaves nothing.',
  S14: 'A status that was put during a run outlives its commit.',
  S15: 'The commit tells for how many certificates the run is served, and for how many another response; each counts once.',
  S16: 'A run knows the edition of each list that was committed last.',
  S17: 'A sweep takes nothing that has not expired, nothing without nextUpdate, and brings nothing older back.',
  S18: 'When a run is begun again while it is open, either of the two may be refused, at any call, with ERR_OCSP_STORE_LOCKED or ERR_OCSP_INVALID_VALUE; not both, and a commit that goes through serves all of its run.',
} as const;

export const LEDGER_CLAUSES = {
  L1: 'Each range is leased to one worker, no more ranges than were asked for, with the attempt counted from 1 and the time at which the lease ends.',
  L2: 'Workers that ask at once never get the same range.',
  L3: 'A range whose lease ran out goes to another worker, who is told of the last checkpoint; the attempt is one more.',
  L4: 'Only the holder of the last lease may change a range, and only until it is done: ERR_OCSP_INVALID_VALUE for others.',
  L5: 'A checkpoint extends the lease.',
  L6: 'A range that failed is handed out again, with its last checkpoint.',
  L7: 'A range that always fails, or whose workers always fall silent, is given up after some attempts, and holds up no other.',
  L8: 'A range that is done is not handed out again.',
} as const;

export const AUTHORITY_CLAUSES = {
  A1: 'lookup gives the status of a certificate as the CA has it: status, revocationTime to the second, reason.',
  A2: 'lookup gives undefined for a serial number that was never issued: it neither fails nor says good.',
  A3: 'Serial numbers have up to 20 bytes; none is cut, padded or compared as text.',
  A4: 'What the CA has changed, lookup says once the change is done, or after lag at the latest.',
  A5: 'statusVersion, where there is one, is a whole number, and grows with each change of a certificate.',
  A6: 'changes(null) gives everything that is not good.',
  A7: 'changes(cursor) gives what has changed since that cursor, also what changed while no one listened.',
  A8: 'A feed that goes on gives every change, also of writers that are at work at once.',
  A9: 'In the feed the newest status of a certificate has the highest statusVersion, also when it is good again.',
  A10: 'A feed says something every few seconds, also when there is no news.',
  A11: 'A feed ends soon after its signal is aborted.',
  A12: 'Feeds do not take news from each other.',
  A13: 'lag, where there is one, is a number of milliseconds that is not negative.',
} as const;
