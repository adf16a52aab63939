/** The page for those who operate a responder: what it says, and that nothing in a certificate becomes part of it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OCSPRequestBuilder } from 'openssl-ocsp';
import { Responder, serve } from 'openssl-ocsp/responder';
import { createTestCa } from 'openssl-ocsp/testing';
import { testIf } from '../helpers/conditional.js';
import { ask, ca, GOOD, issuerOptions, REVOKED, TestAuthority } from './fixtures.js';

const CHROMIUM = '/usr/bin/chromium';
const withChromium = testIf(existsSync(CHROMIUM));

/** What would change the title, were it markup. */
const HOSTILE = `"'></bdi></pre></textarea></title><script>document.title='owned'</script><img src=x onerror=document.title='owned'>`;
const hostileCa = createTestCa({ subject: `CN=${HOSTILE}` });
const hostileSigner = hostileCa.issueResponder({ subject: `CN=${HOSTILE} signer` });
const hostileRequest = ask(['1001'], { issuer: hostileCa });

async function admin(t: ExecutionContext): Promise<{ url: string; responder: Responder; authority: TestAuthority }> {
  const authority = new TestAuthority();
  const responder = new Responder({
    issuers: [
      issuerOptions({ authority }),
      {
        certificate: hostileCa.certificate,
        authority: new TestAuthority([GOOD, REVOKED]),
        signers: [{ responder: hostileSigner.certificate, privateKey: hostileSigner.privateKey }],
      },
    ],
  });
  const server = await serve(responder, { port: 0, host: '127.0.0.1' }, { admin: { port: 0, host: '127.0.0.1' } });
  t.teardown(async () => {
    await server.close();
    await responder.close();
  });
  return { url: server.adminUrl as string, responder, authority };
}

async function explain(url: string, pasted: string): Promise<string> {
  const response = await fetch(`${url}/explain`, { method: 'POST', body: new URLSearchParams({ pasted }) });
  return response.text();
}

/** The document as a browser has it in the end. */
async function browse(t: ExecutionContext, url: string, more: readonly string[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-chromium-'));
  const options = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${folder}`,
  ];
  const child = spawn(CHROMIUM, [...options, ...more, '--dump-dom', url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let dom = '';
  for await (const chunk of child.stdout) dom += chunk;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return dom;
}

const title = (dom: string): string => /<title>([^<]*)/.exec(dom)?.[1] ?? '';

test('the page, the state, and no script in either', async (t) => {
  const { url, responder, authority } = await admin(t);
  await responder.answer(ask(['1001']));
  await responder.answer(hostileRequest);
  authority.lagging = 60_000;
  for (const path of ['/', '/state']) {
    const response = await fetch(`${url}${path}`);
    t.is(response.status, 200);
    t.regex(response.headers.get('content-security-policy') ?? '', /^default-src 'none';(?!.*script)/);
    const body = await response.text();
    t.notRegex(body, /<script|<img/i);
    if (path !== '/state') continue;
    t.regex(body, /not ready/);
    t.regex(body, /the authority is not up to date/);
    t.regex(body, /60\.0 s/);
    t.regex(body, /CN=Delegate/);
    t.regex(body, /<svg/);
    t.regex(body, /&lt;script/);
  }
  t.is((await fetch(`${url}/style.css`)).headers.get('content-type'), 'text/css; charset=utf-8');
  t.is((await fetch(`${url}/x`)).status, 404);
  t.is((await fetch(url, { method: 'PUT' })).status, 405);
  const long = await fetch(`${url}/explain`, { method: 'POST', body: 'x'.repeat(300_000) }).catch(() => undefined);
  t.true(long === undefined || long.status === 413);
});

test('rates come from one look to the next', async (t) => {
  const { url, responder } = await admin(t);
  await fetch(`${url}/state`);
  for (let i = 0; i < 30; i += 1) await responder.answer(ask(['1001']));
  await new Promise((resolve) => setTimeout(resolve, 600));
  const body = await (await fetch(`${url}/state`)).text();
  const rate = Number(/<b class="">([\d.]+)<\/b>answers per second/.exec(body)?.[1]);
  t.true(rate > 0 && rate <= 50, String(rate));
  t.regex(body, /<polyline points="[\d.]+,[\d.]+"/);
});

test('metrics: no two samples have the same labels, also of CAs of one name and of a certificate that signs in two ways', async (t) => {
  const named = () => createTestCa({ subject: 'CN=Of one name' });
  const twice = (one: ReturnType<typeof named>) => ({
    certificate: one.certificate,
    authority: new TestAuthority(),
    signers: (['sha256', 'sha512'] as const).map((algorithm) => ({
      responder: one.certificate,
      privateKey: one.privateKey,
      algorithm,
    })),
  });
  const responder = new Responder({ issuers: [twice(named()), twice(named())] });
  const server = await serve(responder, { port: 0, host: '127.0.0.1' }, { admin: { port: 0, host: '127.0.0.1' } });
  t.teardown(() => server.close().then(() => responder.close()));
  const body = await (await fetch(`${server.adminUrl}/metrics`)).text();
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const labels = samples.map((line) => line.replace(/ [^ ]*$/, ''));
  t.deepEqual(labels, [...new Set(labels)]);
  t.is(labels.filter((label) => label.startsWith('ocsp_issuer_ready')).length, 2);
  t.is(labels.filter((label) => label.startsWith('ocsp_signer_not_after_seconds')).length, 2);
});

const request = ask(['1001']);
const PASTED: readonly [name: string, pasted: string, expected: RegExp][] = [
  ['base64', request.toString('base64'), /good, signed for it[\s\S]*=&gt; good/],
  ['base64 in lines', request.toString('base64').replace(/(.{20})/g, '$1\r\n'), /=&gt; good/],
  ['hexadecimal digits', request.toString('hex'), /=&gt; good/],
  [
    'PEM',
    `-----BEGIN OCSP REQUEST-----\n${request.toString('base64')}\n-----END OCSP REQUEST-----\n`,
    /PEM of OCSP REQUEST[\s\S]*=&gt; good/,
  ],
  [
    'a URL',
    `http://ocsp.example/a/${encodeURIComponent(request.toString('base64'))}`,
    /the path of a URL[\s\S]*=&gt; good/,
  ],
  ['a revoked one', ask(['1002']).toString('base64'), /revoked, signed for it[\s\S]*=&gt; revoked/],
  ['one never issued', ask(['4711']).toString('base64'), /UNAUTHORIZED/],
  [
    'of another CA',
    ask(['1'], { issuer: createTestCa({ subject: 'CN=Other' }) }).toString('base64'),
    /no CA of this responder has this name and key/,
  ],
  ['nothing', '', /Paste a request/],
  ['nonsense', 'what is this?', /neither PEM nor base64/],
  // (Time that grew with the square of the length would hold up the responder for a minute.)
  ['nonsense as long as a form may be', `${'M'.repeat(199_000)}!`, /neither PEM nor base64/],
  ['another SEQUENCE', 'MAMCAQE=', /Neither a request nor a response/],
  ['an error', 'MAMKAQY=', /UNAUTHORIZED: no one has signed it/],
];
for (const [name, pasted, expected] of PASTED)
  test(`explained: ${name}`, async (t) => {
    const { url } = await admin(t);
    t.regex(await explain(url, pasted), expected);
  });

test('explained: a response, also one that does not verify', async (t) => {
  const { url, responder } = await admin(t);
  const { der } = await responder.answer(request);
  t.regex(await explain(url, der.toString('base64')), /of CN=Responder CA[\s\S]*=&gt; good/);
  der[der.length - 1] = (der.at(-1) as number) ^ 1;
  t.regex(await explain(url, der.toString('base64')), /SIGNATURE|CERT|not usable|=&gt; (?!good)/);
  const foreign = createTestCa({ subject: `CN=${HOSTILE}` });
  const other = new OCSPRequestBuilder()
    .addCertificate(foreign.issue().certificate, foreign.certificate, 'sha1')
    .build();
  const text = await explain(url, other.publicBytes().toString('base64'));
  t.notRegex(text, /<script|<img/);
});

test('what was pasted comes back as text', async (t) => {
  const { url } = await admin(t);
  for (const pasted of [HOSTILE, `-----BEGIN ${HOSTILE}-----\nMAMCAQE=\n-----END ${HOSTILE}-----\n`]) {
    const body = await explain(url, pasted);
    t.notRegex(body, /<script|<img/);
    t.true(body.includes('&lt;/textarea&gt;'));
  }
});

withChromium('in Chromium: the state is drawn, and hostile names stay names', async (t) => {
  const { url, responder } = await admin(t);
  await responder.answer(request);
  await responder.answer(hostileRequest);
  const dom = await browse(t, `${url}/state`);
  t.is(title(dom), 'state');
  t.regex(dom, /<svg[^>]*>\s*<polyline/);
  t.regex(dom, /<bdi>CN=Responder CA<\/bdi>/);
  t.notRegex(dom, /<script|<img/);
  const { der } = await responder.answer(hostileRequest);
  // A page elsewhere that sends the form, as a person would.
  const folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-form-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, 'form.html'),
    `<form method="post" action="${url}/explain"><textarea name="pasted">${der.toString('base64')}</textarea></form><script>document.forms[0].submit()</script>`,
  );
  const explained = await browse(t, `file://${folder}/form.html`, ['--virtual-time-budget=5000']);
  t.is(title(explained), 'OCSP responder: explained');
  t.regex(explained, /&lt;script&gt;/);
  t.regex(explained, /=&gt; good/);
  t.notRegex(explained, /<script|<img/);
  t.is(ca.certificate.subject, 'CN=Responder CA');
});
