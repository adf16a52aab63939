// The library on other builds of OpenSSL: the same bytes read, written and judged in the same way. The other builds are the
// addon with an OpenSSL of its own, if it was built (npm run build:cmake), and the versions of Node.js that --node names.
import { OCSPCertStatus } from 'openssl-ocsp';
import { cmakeAddon } from '../../scripts/lib/addon.mjs';
import { installNode } from '../../scripts/lib/node-versions.mjs';
import { addonPath, inRoot, prebuildTarget } from '../../scripts/lib/paths.mjs';
import { run as runProgram } from '../../scripts/lib/run.mjs';
import { VERIFICATIONS } from '../manifest.mjs';
import { authorities, captures } from '../material.mjs';
import { buildRequest, buildResponse, someRequest, someResponse } from '../messages.mjs';
import { mutate } from '../mutate.mjs';
import { freeze, perform } from '../tasks.mjs';
import { someVerification } from '../verifications.mjs';

export const about = 'the same under other builds of OpenSSL';

export function run({ compare, random, cases, scratch, nodes }) {
  const others = builds(nodes);
  if (others.length === 0) return 'there is no other build: npm run build:cmake makes one, --node names one';
  const tasks = someTasks(random, cases);
  const file = scratch.write('tasks.json', JSON.stringify(tasks));
  // Through JSON, as the others' results come.
  const ours = JSON.parse(JSON.stringify(JSON.parse(JSON.stringify(tasks)).map(perform)));
  for (const { name, execPath, binding } of others) {
    const env = { OPENSSL_OCSP_BINDING: binding, NODE_OPTIONS: '' };
    const { stdout } = runProgram(execPath, [inRoot('parity', 'tasks.mjs'), file], { capture: true, env });
    const { openssl, results } = JSON.parse(stdout);
    tasks.forEach(([task, given], i) => {
      compare(`${task} under ${name}, ${openssl}`, ours[i], results[i], { given, openssl });
    });
    const expected = VERIFICATIONS.map(({ verified }) => verified);
    const verdicts = results.slice(0, expected.length).map(({ verified }) => verified);
    compare(`OpenSSL's own tests under ${name}, ${openssl}`, verdicts, expected, { openssl });
  }
}

function builds(nodes) {
  const cmake = cmakeAddon();
  const versions = prebuildTarget() === 'linux-x64' ? nodes : [];
  return [
    ...(cmake ? [{ name: 'build:cmake', execPath: process.execPath, binding: cmake }] : []),
    ...versions.map((version) => ({
      name: `Node.js ${version}`,
      execPath: installNode(version),
      binding: addonPath(),
    })),
  ];
}

/** OpenSSL's own tests come first. */
function someTasks(random, cases) {
  const list = authorities(random);
  const deterministic = list.filter(({ ca, delegate }) => [ca, delegate].every(({ type }) => /^(rsa|ed)/.test(type)));
  const times = (make) => Array.from({ length: cases }, make);
  const made = times(() => buildRequest(someRequest(random, list)).publicBytes());
  const answers = [withLateReasons(someResponse(random, list)), ...times(() => someResponse(random, list))].map(
    (given) => buildResponse(given).publicBytes(),
  );
  const originals = [...captures().map(([, bytes]) => bytes), ...made, ...answers];
  const mutants = Array.from({ length: cases * 5 }, () => mutate(random.pick(originals), random));
  const read = [...originals, ...mutants].flatMap((message) => [
    ['read', { kind: 'request', message }],
    ['read', { kind: 'response', message }],
  ]);
  return freeze([
    ...VERIFICATIONS.map(verification),
    ...times(() => ['verify', generatedVerification(random, list)]),
    ...times(() => ['buildRequest', someRequest(random, deterministic)]),
    ...times(() => ['buildResponse', { ...someResponse(random, deterministic), pss: false }]),
    ...read,
    ...made.map((message) => ['print', { kind: 'request', message }]),
    ...answers.map((message) => ['print', { kind: 'response', message }]),
  ]);
}

/** Reasons that OpenSSL has names for from 3.2 on. */
function withLateReasons(given) {
  const [entry] = given.entries;
  const revoked = { ...entry, status: OCSPCertStatus.REVOKED, revocationTime: entry.thisUpdate };
  return { ...given, entries: ['privilegeWithdrawn', 'aACompromise'].map((reason) => ({ ...revoked, reason })) };
}

function verification({ response, certificates, trusted, at, flags }) {
  const options = { at, partialChain: true, noChecks: flags !== 0 };
  return ['verify', { kind: 'response', message: response, certificates, trusted, options }];
}

function generatedVerification(random, list) {
  const { kind, bytes, certificates, trusted, options } = someVerification(random, list, 0);
  const ders = (people) => people?.map(({ der }) => der);
  return { kind, message: bytes, certificates: ders(certificates), trusted: ders(trusted), options };
}
