/** docs/errors.md knows every code, and each with a cause and a cure. */
import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { loadDerOcspResponse, OCSPError } from 'openssl-ocsp';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
/** Everything in docs/, also in folders below. */
const DOCUMENTS = readdirSync(new URL('../../../docs/', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const document = read('docs/errors.md');

/** Cells behind the code in the rows of a section. */
function rows(heading: string): Map<string, string[]> {
  const [, section = ''] = document.split(`\n## ${heading}\n`);
  const [text = ''] = section.split('\n## ');
  return new Map(
    [...text.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, code, cells]) => [
      code as string,
      (cells as string).split(' | ').map((cell) => cell.trim()),
    ]),
  );
}

function check(t: ExecutionContext, heading: string, codes: readonly string[]): void {
  const known = rows(heading);
  t.true(codes.length > 10);
  const missing = codes.filter((code) => !known.has(code));
  t.deepEqual(missing, [], `docs/errors.md, ${heading}: each needs a row with its cause and its cure`);
  const gone = [...known.keys()].filter((code) => !codes.includes(code));
  t.deepEqual(gone, [], 'there is no such code any more');
  for (const [code, cells] of known) {
    t.is(cells.length, 2, code);
    for (const cell of cells) t.true(cell.length > 5, code);
  }
}

test('error codes', (t) => {
  const [, union = ''] = /export type OCSPErrorCode =(.*?);/s.exec(read('lib/errors.ts')) ?? [];
  check(
    t,
    'Error codes',
    [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code as string),
  );
});

test('refusals', (t) => {
  const [, object = ''] = /const REFUSALS = \{(.*?)\} as const/s.exec(read('lib/ocsp/verification/refusals.ts')) ?? [];
  check(
    t,
    'Refusals',
    [...object.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, code]) => code as string),
  );
});

test('its example', (t) => {
  const error = t.throws(() => loadDerOcspResponse(Buffer.from('<html>')), { instanceOf: OCSPError });
  t.is(error?.code, 'ERR_OCSP_MALFORMED');
  t.true(document.includes(`error.code; // '${error?.code}'`));
});

test('every link in the documents leads somewhere', (t) => {
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-');
  const anchors = new Map<string, Set<string>>();
  const headings = (file: string): Set<string> => {
    const found =
      anchors.get(file) ?? new Set([...read(file).matchAll(/^#+ (.*)$/gm)].map(([, text]) => anchor(text as string)));
    anchors.set(file, found);
    return found;
  };
  const files = ['README.md', 'CHANGELOG.md', 'examples/README.md', ...DOCUMENTS];
  let links = 0;
  for (const file of files) {
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const { pathname, hash } = new URL(target, `file:///${file}`);
      const path = decodeURIComponent(pathname.slice(1));
      if (path === 'LICENSE' || !path.endsWith('.md')) {
        t.notThrows(() => read(path), `${file}: ${target}`);
        continue;
      }
      t.true(files.includes(path), `${file}: ${target}`);
      if (hash !== '') t.true(headings(path).has(hash.slice(1)), `${file}: ${target}`);
      links += 1;
    }
  }
  t.true(links > 20);
});
