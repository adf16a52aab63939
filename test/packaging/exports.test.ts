// The exported names of every sub-path, frozen in exported-names.txt: a reviewer reads in a diff what the package gains and
// loses. Where the change is meant: OCSP_UPDATE_NAMES=1 npm test -- packaging/exports
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadDerOcspRequest, loadDerOcspResponse } from 'openssl-ocsp';
import { TestResponseKit } from 'openssl-ocsp/testing';
import ts from 'typescript';
import { vector } from '../helpers/vectors.js';

const root = new URL('../../../', import.meta.url);
const report = new URL('test/packaging/exported-names.txt', root);

/** A line each: sub-path, `value` or `type`, name. */
async function exportedNames(): Promise<string> {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    exports: Record<string, { types: string } | string>;
  };
  const entries = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [[path, fileURLToPath(new URL(target.types, root))] as const],
  );
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: ['node'] },
  );
  const checker = program.getTypeChecker();
  const lines: string[] = [];
  for (const [path, file] of entries) {
    const declared = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
    const values = Object.keys((await import(`openssl-ocsp${path.slice(1)}`)) as object);
    const names = new Set([...values, ...declared.map(({ name }) => name)]);
    for (const name of [...names].sort()) lines.push(`${path} ${values.includes(name) ? 'value' : 'type'} ${name}\n`);
  }
  return lines.join('');
}

test('the exported names are those of the report', async (t) => {
  const names = await exportedNames();
  if (process.env['OCSP_UPDATE_NAMES']) writeFileSync(report, names);
  t.is(names, readFileSync(report, 'utf8'));
});

test('compilers that do not read "exports" find the same declarations', (t) => {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    exports: Record<string, { types: string } | string>;
    typesVersions: { '*': Record<string, string[]> };
  };
  const declared = Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === 'string' || path === '.' ? [] : [[path.slice(2), [target.types]]],
  );
  t.deepEqual(manifest.typesVersions, { '*': Object.fromEntries(declared) as Record<string, string[]> });
});

test('fetch and Response of the DOM take the bytes of messages as they are', (t) => {
  const file = fileURLToPath(new URL('test/packaging/bodies.ts', root));
  const text = `
    import type { OCSPRequest, OCSPResponse, Verdict } from 'openssl-ocsp';
    import type { SegmentStore } from 'openssl-ocsp/bulk';
    import type { Answer } from 'openssl-ocsp/responder';
    export const ask = (request: OCSPRequest) => fetch('http://x/', { method: 'POST', body: request.publicBytes() });
    export const answer = (one: OCSPResponse, { der }: Verdict, answer: Answer, store: SegmentStore) =>
      [one.publicBytes(), der, answer.der, store.get('1'), store.lookup(one)].map((body) => new Response(body));
    export const shared = (bytes: Uint8Array<SharedArrayBuffer>) => new Response(bytes);`;
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'],
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, rest[0]) : getSourceFile(name, ...rest);
  const errors = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)).map(({ messageText, start = 0 }) => {
    return `${text.slice(0, start).split('\n').length}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  // (The last line is refused, so the others are looked at.)
  t.is(errors.length, 1, errors.join('\n'));
  t.regex(errors[0]!, /^8: /);
});

test('what OpenSSL says of a signature is not taken for a boolean, nor can it be asked by the name of one that is', (t) => {
  const response = loadDerOcspResponse(new TestResponseKit().respond());
  // Truthy whatever it says: the compiler refuses it where a boolean is wanted.
  // @ts-expect-error
  const verified: boolean = response.basicVerify();
  t.not(verified, true as boolean);
  t.false(response.basicVerify().verified);
  for (const message of [response, loadDerOcspRequest(vector('reference/seed/der_ocsp_req.der'))])
    t.false('verify' in message || 'verifyAsync' in message);
});
