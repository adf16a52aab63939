/** Several servers on one port, each with a socket of its own: from Node.js 22.12 on. */
import test from 'ava';
import { serve } from 'openssl-ocsp/responder';
import { ask, makeResponder, statusIn } from './fixtures.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const canReuse = process.platform === 'linux' && (major > 22 || (major === 22 && minor >= 12));
const question = ask(['1001']);

/** As a client with a connection of its own. */
async function statusAt(url: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', body: question, headers: { Connection: 'close' } });
  return statusIn(Buffer.from(await response.arrayBuffer()), question);
}

const answered = ({ byType }: { byType: Readonly<Record<string, number>> }): number => byType['good'] ?? 0;

test(`reusePort: ${canReuse ? 'each of two servers has its share, and one goes on alone' : 'an error where there is none'}`, async (t) => {
  const [first, second] = [makeResponder(t), makeResponder(t)];
  await using one = await serve(first, { port: 0, host: '127.0.0.1' }, { reusePort: true });
  const address = { port: Number(new URL(one.url).port), host: '127.0.0.1' };
  if (!canReuse) {
    await t.throwsAsync(serve(second, address, { reusePort: true }), { code: 'EADDRINUSE' });
    t.is(await statusAt(one.url), 'good');
    return;
  }
  await using other = await serve(second, address, { reusePort: true });
  t.is(other.url, one.url);
  for (let i = 0; i < 40; i += 1) t.is(await statusAt(one.url), 'good');
  const shares = [first, second].map((responder) => answered(responder.health().answers));
  t.is((shares[0] ?? 0) + (shares[1] ?? 0), 40);
  t.true(
    shares.every((share) => share > 0),
    String(shares),
  );
  await one.close();
  for (let i = 0; i < 10; i += 1) t.is(await statusAt(other.url), 'good');
  t.is(answered(second.health().answers), (shares[1] ?? 0) + 10);
});

test('one port, two servers, without reusePort: an error', async (t) => {
  const [first, second] = [makeResponder(t), makeResponder(t)];
  await using one = await serve(first, { port: 0, host: '127.0.0.1' });
  const address = { port: Number(new URL(one.url).port), host: '127.0.0.1' };
  await t.throwsAsync(serve(second, address), { code: 'EADDRINUSE' });
});
