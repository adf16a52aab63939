/**
 * What a server holds for a certificate: its answers, one after the other. Numbers are big-endian.
 *
 * | at | size | |
 * |---|---|---|
 * | 0 | 4 | length of the frame |
 * | 4 | 6 | statusVersion |
 * | 10 | 1 | severity: 0 GOOD, 1 UNKNOWN, 2 REVOKED |
 * | 11 | 6 | producedAt, seconds |
 * | 17 | 6 | nextUpdate, seconds; all ones when there is none |
 * | 23 | 1 | length of the label |
 * | 24 | | label: hash of the CertID (1), its issuerNameHash, signature algorithm as text |
 * | | | OCSPResponse |
 *
 * What comes from a server is anything, until it was read and verified.
 */
import { OCSPCertStatus } from '../ocsp/enums.js';
import { type StoredResponse, severityOf } from '../store/response-store.js';
import { CERT_ID_HASHES } from '../x509/algorithms.js';

const HEADER = 24;
const NO_TIME = 2 ** 48 - 1;
/** No value is longer: a few answers. */
export const LONGEST_VALUE: number = 1 << 18;

const STATUSES = [OCSPCertStatus.GOOD, OCSPCertStatus.UNKNOWN, OCSPCertStatus.REVOKED] as const;

/** An answer as it is sent to a server. */
export function encodeFrame(answer: Omit<StoredResponse, 'serial'>): Buffer {
  const { hashAlgorithm, issuerNameHash, signatureAlgorithm, der } = answer;
  const hash = CERT_ID_HASHES.findIndex((row) => row.hash === hashAlgorithm);
  const name = issuerNameHash ?? Buffer.alloc(0);
  const label = Buffer.concat([Buffer.of(hash), name, Buffer.from(signatureAlgorithm ?? '', 'latin1')]);
  const frame = Buffer.alloc(HEADER + label.length + der.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUIntBE(answer.statusVersion, 4, 6);
  frame[10] = severityOf(answer.certStatus);
  frame.writeUIntBE(answer.producedAt, 11, 6);
  frame.writeUIntBE(answer.nextUpdate ?? NO_TIME, 17, 6);
  frame[23] = label.length;
  frame.set(label, HEADER);
  frame.set(der, HEADER + label.length);
  return frame;
}

/** The answers of a value; what cannot be read, and all behind it, counts for nothing. */
export function decodeFrames(value: Buffer, serial: string): StoredResponse[] {
  const answers: StoredResponse[] = [];
  for (let at = 0; at + HEADER <= value.length; ) {
    const length = value.readUInt32BE(at);
    const labelEnd = at + HEADER + (value[at + 23] as number);
    const certStatus = STATUSES[value[at + 10] as number];
    const row = CERT_ID_HASHES[value[at + HEADER] ?? -1];
    if (length > value.length - at || labelEnd >= at + length || certStatus === undefined || row === undefined) break;
    const nameEnd = at + HEADER + 1 + row.digestLength;
    if (nameEnd > labelEnd) break;
    const nextUpdate = value.readUIntBE(at + 17, 6);
    answers.push({
      serial,
      statusVersion: value.readUIntBE(at + 4, 6),
      producedAt: value.readUIntBE(at + 11, 6),
      certStatus,
      nextUpdate: nextUpdate === NO_TIME ? null : nextUpdate,
      hashAlgorithm: row.hash,
      issuerNameHash: Buffer.from(value.subarray(at + HEADER + 1, nameEnd)),
      signatureAlgorithm: value.toString('latin1', nameEnd, labelEnd) || null,
      der: Buffer.from(value.subarray(labelEnd, at + length)),
    });
    at += length;
  }
  return answers;
}

/** Seconds before nextUpdate at which an answer goes: five minutes, or a tenth of a short life. */
const MARGIN = 300;

/** Milliseconds for which a server keeps an answer; -1 for ever. By its own clock from now on: clocks may differ. */
export function lifeOf({ producedAt, nextUpdate }: StoredResponse, now: number): number {
  if (nextUpdate === null) return -1;
  const margin = Math.min(MARGIN, Math.max(0, nextUpdate - producedAt) / 10);
  return Math.max(1, Math.floor((nextUpdate - margin) * 1000 - now));
}

/** Reads frames. */
const HEADS = `
local function u6(s, at)
  local high, low = struct.unpack('>I2I4', s, at)
  return high * 4294967296 + low
end
local function head(s, at)
  local length = struct.unpack('>I4', s, at)
  local label = string.byte(s, at + 23)
  if length < 25 + label or at + length - 1 > #s then error('not a frame') end
  return { bytes = string.sub(s, at, at + length - 1), version = u6(s, at + 4), severity = string.byte(s, at + 10),
    producedAt = u6(s, at + 11), label = string.sub(s, at + 24, at + 23 + label) }
end
local function heads(s)
  local all, at = {}, 1
  while at <= #s do
    local one = head(s, at)
    all[#all + 1] = one
    at = at + #one.bytes
  end
  return all
end
`;

/**
 * `mergeAnswer` at the server, so that nothing comes in between. KEYS: the certificate. ARGV: frame, life, frame, life, ... Returns for
 * each frame whether it is served now. A value that is none counts for nothing. The key lives as long as the answer of it that lives
 * longest: what was replaced must not come back.
 */
export const MERGE_SCRIPT: string = `${HEADS}local function knows(a, b)
  if a.version ~= b.version then return a.version - b.version end
  return a.severity - b.severity
end
local function outdoes(a, b)
  local order = knows(a, b)
  if order == 0 then return a.producedAt > b.producedAt end
  return order > 0
end
local value = redis.call('GET', KEYS[1]) or ''
local life = -2
if value ~= '' then life = redis.call('PTTL', KEYS[1]) end
local isRead, answers = pcall(heads, value)
if not isRead then answers, life = {}, -2 end
local written = {}
local isChanged = false
for i = 1, #ARGV, 2 do
  local mine = head(ARGV[i], 1)
  local left = {}
  local isNewer = true
  for _, other in ipairs(answers) do
    if other.label == mine.label and not outdoes(mine, other) then isNewer = false end
    if other.severity ~= mine.severity and knows(mine, other) <= 0 then isNewer = false end
    if other.label ~= mine.label and other.severity == mine.severity then left[#left + 1] = other end
  end
  written[#written + 1] = isNewer and 1 or 0
  if isNewer then
    isChanged = true
    left[#left + 1] = mine
    answers = left
    local own = tonumber(ARGV[i + 1])
    if own == -1 or life == -1 then life = -1 else life = math.max(life, own) end
  end
end
if isChanged then
  local parts = {}
  for i, answer in ipairs(answers) do parts[i] = answer.bytes end
  if life == -1 then redis.call('SET', KEYS[1], table.concat(parts))
  else redis.call('SET', KEYS[1], table.concat(parts), 'PX', life) end
end
return written
`;

/**
 * `CachedAnswer.mayReplace` at the server, so that nothing comes in between: the one answer of a key. KEYS: the key. ARGV: frame, whose
 * statusVersion is its thisUpdate; life. A value that is none counts for nothing. The key lives as long as the answer of it that lives longest.
 */
export const KEEP_SCRIPT: string = `${HEADS}local function mayReplace(a, b)
  if a.severity == 1 and b.severity == 2 then return false end
  if a.severity == 2 and b.severity == 1 then return true end
  if a.version ~= b.version then return a.version > b.version end
  if a.producedAt ~= b.producedAt then return a.producedAt > b.producedAt end
  return a.severity == 2 or b.severity ~= 2
end
local isRead, answers = pcall(heads, redis.call('GET', KEYS[1]) or '')
local kept = isRead and answers[1]
if kept and not mayReplace(head(ARGV[1], 1), kept) then return end
local life = kept and redis.call('PTTL', KEYS[1]) or 0
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.max(life, tonumber(ARGV[2])))
`;
