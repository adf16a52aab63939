/** Lists of certificates as options of a command. */
import { crlSource } from '../statuses/crl.js';
import { csvSource } from '../statuses/csv.js';
import type { SerialFormat } from '../statuses/entry-fields.js';
import { indexTxtSource } from '../statuses/index-txt.js';
import { ndjsonSource } from '../statuses/ndjson.js';
import type { RowOptions, StatusSource } from '../statuses/status-source.js';
import { choiceOption, required, UsageError } from './command.js';
import { nameOf } from './input.js';
import { type ListFile, openListFile } from './list-file.js';
import { ListNames } from './named-list.js';

export const LIST_HELP: string = `  --index FILE            list of certificates: the index.txt of openssl ca; or
  --csv FILE              a table with columns such as serial, status, revocationTime, reason; or
  --ndjson FILE           the same as a JSON object per line; or
  --crl FILE              a CRL of the CA. Responses hold from and until when it does
  --serials FILE          with --crl, all that was issued, a serial number in each line: what the CRL does not list is
                          good
  --serials-of-part       of a CRL that is one part of the CA's list, --serials are those of that part
  --allow-future-crl      a CRL whose thisUpdate is yet to come is refused otherwise
  --allow-expired-crl     a CRL whose nextUpdate has passed is refused otherwise
  --allow-older-crl       a CRL of a lower number or an earlier thisUpdate than one that the store was signed from
                          replaces none of that one's statuses otherwise; nor later ones of a database
  --decimal               serial numbers of --csv, --ndjson and --serials are decimal, not hexadecimal
  --delimiter CHARACTER   between the columns of --csv: a comma (the default), a semicolon, or tab
  --include-expired       E rows of an index.txt, which are left out otherwise, are good`;

export const LIST_OPTIONS = {
  index: { type: 'string' },
  csv: { type: 'string' },
  ndjson: { type: 'string' },
  crl: { type: 'string' },
  serials: { type: 'string' },
  'serials-of-part': { type: 'boolean' },
  'allow-future-crl': { type: 'boolean' },
  'allow-expired-crl': { type: 'boolean' },
  'allow-older-crl': { type: 'boolean' },
  decimal: { type: 'boolean' },
  delimiter: { type: 'string' },
  'include-expired': { type: 'boolean' },
} as const;

/** The certificates to sign for. */
export interface List {
  readonly source: StatusSource;
  /** What the list is made of. */
  readonly files: readonly ListFile[];
  /** What became known after it, such as a revocation put into the store, is newer. undefined for a CRL, which says it itself. */
  readonly modified?: Date;
  /** The file that has a row for each certificate. */
  readonly rows: ListFile | undefined;
}

export interface ListValues {
  readonly index?: string;
  readonly csv?: string;
  readonly ndjson?: string;
  readonly crl?: string;
  readonly serials?: string;
  readonly 'serials-of-part'?: boolean;
  readonly 'allow-future-crl'?: boolean;
  readonly 'allow-expired-crl'?: boolean;
  readonly 'allow-older-crl'?: boolean;
  readonly decimal?: boolean;
  readonly delimiter?: string;
  readonly 'include-expired'?: boolean;
  readonly days?: string;
  readonly hours?: string;
}

const DELIMITERS = [',', ';', 'tab'] as const;

/** Options by what they go with. */
const COMPANIONS: readonly (readonly [option: keyof ListValues, ...others: (keyof ListValues)[]])[] = [
  ['serials', 'crl'],
  ['serials-of-part', 'serials'],
  ['allow-future-crl', 'crl'],
  ['allow-expired-crl', 'crl'],
  ['allow-older-crl', 'crl'],
  ['decimal', 'csv', 'ndjson', 'serials'],
  ['delimiter', 'csv'],
  ['include-expired', 'index'],
];

export function checkListOptions(values: ListValues): void {
  const { index, csv, ndjson, crl } = values;
  if ([index, csv, ndjson, crl].filter((path) => path !== undefined).length !== 1)
    throw new UsageError('one of --index, --csv, --ndjson and --crl is needed');
  for (const [option, ...others] of COMPANIONS) {
    if (values[option] !== undefined && others.every((other) => values[other] === undefined))
      throw new UsageError(`--${option} goes with ${others.map((other) => `--${other}`).join(', ')}`);
  }
  if (crl !== undefined && (values.days ?? values.hours) !== undefined)
    throw new UsageError('a CRL says itself until when it holds: no --days, no --hours');
}

export async function openList(values: ListValues, issuer: Buffer, rowOptions: RowOptions): Promise<List> {
  const { index, csv, ndjson, crl } = values;
  const serialFormat: SerialFormat = values.decimal ? 'decimal' : 'hex';
  const delimiter = choiceOption(values.delimiter, 'delimiter', DELIMITERS) ?? ',';
  const path = required(index ?? csv ?? ndjson ?? crl, 'index');
  const file = await openListFile(path);
  const { bytes, modified } = file;
  const names = new ListNames(nameOf(path));
  const options = names.options(rowOptions);
  const simple = (source: StatusSource): List => ({
    files: [file],
    modified,
    rows: file,
    source: names.source(source),
  });
  if (index !== undefined) {
    const expired = values['include-expired'] ? 'include' : 'skip';
    return simple(indexTxtSource(bytes, { ...options, expired }));
  }
  if (csv !== undefined) {
    const columns = { delimiter: delimiter === 'tab' ? '\t' : delimiter, serials: serialFormat } as const;
    return simple(csvSource(bytes, { ...options, ...columns }));
  }
  if (ndjson !== undefined) return simple(ndjsonSource(bytes, { ...options, serials: serialFormat }));
  const { serials } = values;
  const issued = serials === undefined ? undefined : await openListFile(serials);
  const source = crlSource(bytes, {
    ...options,
    issuer,
    // What was known when the CRL was made must not pass for known now.
    useCrlTimes: true,
    ...(issued && serials !== undefined && { serials: names.beginning(nameOf(serials), issued.bytes) }),
    serialFormat,
    serialsOfPart: values['serials-of-part'] ?? false,
    allowFuture: values['allow-future-crl'] ?? false,
    allowExpired: values['allow-expired-crl'] ?? false,
  });
  return { files: issued ? [file, issued] : [file], rows: issued, source: names.source(source) };
}
