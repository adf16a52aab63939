// docs/openssl-parity.md against <openssl/ocsp.h>, the library, and this harness: that the tables are complete and true.
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as library from 'openssl-ocsp';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { files } from '../../scripts/lib/stamps.mjs';
import { EXCEPTIONS } from '../exceptions.mjs';
import { header } from '../oracle.mjs';

export const about = 'the tables of docs/openssl-parity.md';

const exported = new Map(Object.entries(library));
const NAME = /^((d2i|i2d)_)?OCSP_\w+$/;

export function run({ compare }) {
  const sections = readSections(readFileSync(inRoot('docs', 'openssl-parity.md'), 'utf8'));
  const functions = sections.Functions.map(([names, here, compared]) => ({
    names: codes(names).flatMap(expand),
    here: codes(here),
    groups: compared === '-' ? [] : compared.split(', '),
  }));
  const listed = new Set(functions.flatMap(({ names }) => names));
  for (const name of declared()) compare(`${name} is in the table`, listed.has(name), true);
  const macros = new Set(header({ macros: true }).match(/\bOCSP_\w+(?=\()/g));
  const known = new Set([...declared(), ...macros]);
  for (const name of listed) compare(`${name} is a function of OpenSSL`, known.has(name), true);

  for (const { names, here } of functions)
    for (const code of here) if (isReference(code)) compare(`${code}, beside ${names[0]}, exists`, exists(code), true);

  comparisons(compare, functions);
  for (const name of flags())
    compare(`the flag ${name} is in the table`, codes(sections.Flags.join()).includes(name), true);
  const documented = sections.Exceptions.map(([id]) => codes(id)[0]);
  compare('the exceptions', [...new Set(documented)].sort(), [...new Set(EXCEPTIONS.map(({ id }) => id))].sort());
}

/** A group that compares a function has the oracle call it; and what the oracle calls is compared by a group. */
function comparisons(compare, functions) {
  const groups = readdirSync(new URL('.', import.meta.url)).map((file) => basename(file, '.mjs'));
  const sources = files(inRoot('parity', 'oracle')).map((file) => readFileSync(file, 'utf8').replace(/\/\/.*/g, ''));
  const called = new Set(sources.join('\n').match(/\b(?:(?:d2i|i2d)_)?OCSP_\w+\b/g));
  for (const { names, groups: given } of functions) {
    for (const group of given) compare(`${group}, beside ${names[0]}, is a group`, groups.includes(group), true);
    for (const name of names) compare(`${name} is compared`, called.has(name), given.length > 0);
  }
}

/** The rows of tables, by the heading of second level that they stand under. */
function readSections(markdown) {
  const sections = {};
  let rows = [];
  for (const line of markdown.split('\n')) {
    const heading = /^## (.*)/.exec(line);
    if (heading !== null) sections[heading[1]] = rows = [];
    if (/^\| (?!OpenSSL|id \|)/.test(line)) rows.push(line.slice(2, -2).split(' | '));
  }
  return sections;
}

const codes = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);

/** `a_{b,c}` is `a_b` and `a_c`. */
function expand(pattern) {
  const [whole, before, list, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(pattern) ?? [];
  if (whole === undefined) return NAME.test(pattern) ? [pattern] : [];
  return list.split(',').flatMap((part) => expand(`${before}${part}${after}`));
}

/** `name()`, `Class`, `Class.member`; other pieces of code are options and the like. */
const isReference = (code) => /^([A-Z]\w+(\.\w+)?|\w+\(\))$/.test(code) && code !== 'URL';

function exists(code) {
  const [name, member] = code.replace('()', '').split('.');
  const value = exported.get(name);
  if (value === undefined) return false;
  return member === undefined || member in value || member in (value.prototype ?? {});
}

let names;
/** The functions that <openssl/ocsp.h> declares. */
function declared() {
  names ??= [...new Set(header().match(/\b(?:(?:d2i|i2d)_)?OCSP_\w+(?= ?\()/g))];
  return names;
}

/** OCSP_* flags of signing and verifying: macros whose values are bits. */
function flags() {
  const macros = header({ macros: true }).matchAll(/^#define (OCSP_[A-Z_]+) 0x\d+$/gm);
  return [...macros].map(([, name]) => name);
}
