/** Times of certificates, as OpenSSL prints them. */
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { parsePrintedTime } from '#dist/x509/time.js';

const TIMES: readonly (readonly [text: string, iso: string | null])[] = [
  ['Jun  1 00:00:00 2024 GMT', '2024-06-01T00:00:00.000Z'],
  // An encoding with an offset, such as 240601000000+0000, is printed as UTC without saying so.
  ['Jun  1 00:00:00 2024', '2024-06-01T00:00:00.000Z'],
  ['Feb 29 23:59:59 2000 GMT', '2000-02-29T23:59:59.000Z'],
  ['Dec 31 23:59:59 9999 GMT', '9999-12-31T23:59:59.000Z'],
  ['Jan 12 01:02:03.456 2024 GMT', '2024-01-12T01:02:03.000Z'],
  ['Jan  1 00:00:00 49 GMT', '0049-01-01T00:00:00.000Z'],
  ['Jan  1 00:00:00 1950 GMT', '1950-01-01T00:00:00.000Z'],
  ['Bad time value', null],
  ['2024-06-01T00:00:00Z', null],
  ['Foo  1 00:00:00 2024 GMT', null],
  ['', null],
];

test('whatever the time zone of the process', (t) => {
  for (const [text, iso] of TIMES) t.is(parsePrintedTime(text), iso === null ? Number.NaN : Date.parse(iso), text);
  const script = `import { parsePrintedTime } from '#dist/x509/time.js';
    process.stdout.write(String(parsePrintedTime('Jun  1 00:00:00 2024')));`;
  for (const TZ of ['America/Los_Angeles', 'UTC', 'Asia/Tokyo']) {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TZ },
      encoding: 'utf8',
    });
    t.is(child.stdout, String(Date.UTC(2024, 5, 1)), child.stderr);
  }
});
