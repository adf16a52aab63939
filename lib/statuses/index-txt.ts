import { invalidValue, malformed } from '../errors.js';
import { OCSPCertStatus } from '../ocsp/enums.js';
import { encodeOid } from '../x509/der.js';
import { Extension, UnrecognizedExtension } from '../x509/extension.js';
import { InvalidityDate } from '../x509/extensions/crl-entry.js';
import { type OptionNames, readOptions } from '../x509/options.js';
import { ReasonFlags } from '../x509/reason.js';
import { checkDate } from '../x509/time.js';
import { asn1Time, hexSerial, reasonFromText, show } from './fields.js';
import { type ByteInput, lineEnd, type RowFormat, rowSource } from './rows.js';
import type { StatusEntry } from './status-entry.js';
import type { RowOptions, StatusSource } from './status-source.js';

/** What {@link indexTxtSource} takes beside the file. */
export interface IndexTxtOptions extends RowOptions {
  /**
   * What to do with `E` rows, which `openssl ca -updatedb` makes of `V` rows whose certificate has expired. `skip`, the
   * default, is what `openssl ocsp` does and what RFC 9919 allows; `include` answers good.
   */
  readonly expired?: 'skip' | 'include';
  /**
   * Leaves out every row, revoked ones too, whose certificate expired before this time. Default: the clock is not looked
   * at. Who has to answer for expired certificates (code signing, long-term signatures) leaves it so.
   */
  readonly expiredBefore?: Date;
}

const OPTION_NAMES: OptionNames<IndexTxtOptions> = { expired: true, expiredBefore: true, onBadRow: true };

const TAB = 0x09;
const HASH = 0x23;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const LETTER_E = 0x45;
const LETTER_R = 0x52;
const LETTER_V = 0x56;
/** Type, expiry, revocation, serial, file name, subject. */
const COLUMNS = 6;

/**
 * The certificates of an `index.txt`, the database of `openssl ca`.
 *
 * A row has six columns between tabs (a tab after a backslash belongs to the column): `V`, `R` or `E`; expiry; revocation
 * as `time[,reason[,argument]]`; serial number in hexadecimal; file name; subject. Lines that begin with `#` are comments.
 * Of the revocation, `holdInstruction,OID` becomes the reason certificateHold with a hold instruction extension, and
 * `keyTime,time` and `CAkeyTime,time` the compromise reasons with an {@link InvalidityDate}, as `openssl ocsp` answers.
 *
 * @throws TypeError; `ERR_OCSP_INVALID_VALUE` for options that are none.
 */
export function indexTxtSource(input: ByteInput, options: IndexTxtOptions = {}): StatusSource {
  const given = readOptions(options, OPTION_NAMES);
  new IndexTxtFormat(given);
  return rowSource(input, given, () => new IndexTxtFormat(given));
}

class IndexTxtFormat implements RowFormat {
  readonly rowEnd: RowFormat['rowEnd'] = lineEnd;
  readonly #expired: boolean;
  readonly #expiredBefore: number | undefined;
  /** Positions of the tabs of the row at hand. */
  readonly #tabs = new Int32Array(COLUMNS - 1);

  constructor({ expired = 'skip', expiredBefore }: IndexTxtOptions) {
    if (expired !== 'skip' && expired !== 'include') throw invalidValue("expired is neither 'skip' nor 'include'");
    this.#expired = expired === 'include';
    this.#expiredBefore = expiredBefore === undefined ? undefined : checkDate(expiredBefore, 'expiredBefore').getTime();
  }

  parse(bytes: Buffer, start: number, end: number): StatusEntry | undefined {
    const type = bytes[start];
    if (type === HASH) return undefined;
    this.#findColumns(bytes, start, end);
    const [typeEnd, expiryEnd, revocationEnd, serialEnd] = this.#tabs as unknown as [number, number, number, number];
    if (typeEnd !== start + 1 || (type !== LETTER_V && type !== LETTER_R && type !== LETTER_E)) {
      throw malformed(`row type ${show(bytes, start, typeEnd)} is not V, R or E`);
    }
    const revoked = type === LETTER_R;
    if (!revoked && revocationEnd !== expiryEnd + 1) throw malformed('a revocation time, but the row type is not R');
    const serialNumber = hexSerial(bytes, revocationEnd + 1, serialEnd);
    if (this.#expiredBefore !== undefined) {
      if (asn1Time(bytes, typeEnd + 1, expiryEnd).getTime() < this.#expiredBefore) return undefined;
    }
    if (revoked) return revocation(serialNumber, bytes, expiryEnd + 1, revocationEnd);
    if (type === LETTER_E && !this.#expired) return undefined;
    return { serialNumber, status: OCSPCertStatus.GOOD, revocationTime: null, reason: null };
  }

  #findColumns(bytes: Buffer, start: number, end: number): void {
    let count = 0;
    for (let i = start; i < end; i += 1) {
      if (bytes[i] !== TAB || bytes[i - 1] === BACKSLASH) continue;
      if (count < COLUMNS - 1) this.#tabs[count] = i;
      count += 1;
    }
    if (count !== COLUMNS - 1) throw malformed(`${count + 1} columns instead of ${COLUMNS}`);
  }
}

/** Names that RFC 5280's predecessors gave the hold instructions; `openssl ca -crl_hold` takes them beside OIDs. */
const HOLD_INSTRUCTIONS: ReadonlyMap<string, string> = new Map([
  ['holdinstructionnone', '1.2.840.10040.2.1'],
  ['holdinstructioncallissuer', '1.2.840.10040.2.2'],
  ['holdinstructionreject', '1.2.840.10040.2.3'],
]);
const HOLD_INSTRUCTION_CODE = '2.5.29.23';

/** The row of a revoked certificate, from its revocation column. */
function revocation(serialNumber: string, bytes: Buffer, start: number, end: number): StatusEntry {
  if (end === start) throw malformed('row type R without a revocation time');
  const comma = bytes.indexOf(COMMA, start);
  const timeEnd = comma < 0 || comma > end ? end : comma;
  const revocationTime = asn1Time(bytes, start, timeEnd);
  const entry = { serialNumber, status: OCSPCertStatus.REVOKED, revocationTime };
  if (timeEnd === end) return { ...entry, reason: null };
  const text = bytes.toString('latin1', timeEnd + 1, end);
  const separator = text.indexOf(',');
  const name = (separator < 0 ? text : text.slice(0, separator)).toLowerCase();
  const argument = separator < 0 ? undefined : text.slice(separator + 1);
  switch (name) {
    case 'holdinstruction':
      return { ...entry, reason: ReasonFlags.certificateHold, singleExtensions: [holdInstruction(argument)] };
    case 'keytime':
      return { ...entry, reason: ReasonFlags.keyCompromise, singleExtensions: [invalidityDate(argument)] };
    case 'cakeytime':
      return { ...entry, reason: ReasonFlags.cACompromise, singleExtensions: [invalidityDate(argument)] };
    default:
      return { ...entry, reason: reasonFromText(name) };
  }
}

function holdInstruction(argument: string | undefined): Extension {
  if (!argument) throw malformed('holdInstruction without the instruction');
  const oid = HOLD_INSTRUCTIONS.get(argument.toLowerCase()) ?? argument;
  return new Extension(HOLD_INSTRUCTION_CODE, false, new UnrecognizedExtension(HOLD_INSTRUCTION_CODE, encodeOid(oid)));
}

function invalidityDate(argument: string | undefined): Extension {
  if (!argument) throw malformed('a compromise reason without the time of the compromise');
  const bytes = Buffer.from(argument, 'latin1');
  return new Extension(InvalidityDate.oid, false, new InvalidityDate(asn1Time(bytes, 0, bytes.length)));
}
