/** Two hosts that share answers: at one is the server, and the network to the other one fails. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDerOcspResponse, OCSPCertStatus } from 'openssl-ocsp';
import { putStatus, ResponseSigner } from 'openssl-ocsp/bulk';
import type { Responder } from 'openssl-ocsp/responder';
import { ValkeyStore } from 'openssl-ocsp/valkey';
import { testIf } from '../helpers/conditional.js';
import { Hosts, mayMakeHosts } from '../helpers/hosts.js';
import { hasRedisServer, RedisServer } from '../helpers/redis-server.js';
import { ask, ca, delegate, GOOD, makeResponder, REVOKED, TestAuthority } from '../responder/fixtures.js';

const PORT = 6379;

const isPermitted = hasRedisServer && mayMakeHosts();
if (!isPermitted)
  console.log(
    'Skipped: a cache at another host, which needs Valkey and permission to make network namespaces (ip netns).',
  );

testIf(isPermitted)(
  'without a network to the server a host signs, and never gives an older status then or later',
  async (t) => {
    t.timeout(60_000);
    const server = await RedisServer.start(t);
    const hosts = Hosts.connect() as Hosts;
    t.teardown(() => hosts.remove());
    await hosts.forward(t, server.socket, PORT);
    const through = join(server.folder, 'through');
    await hosts.reach(t, through, PORT);
    const errors: string[] = [];
    const open = async (url: string): Promise<ValkeyStore> => {
      const onError = (error: unknown): void => void errors.push((error as Error).message);
      const store = await ValkeyStore.open({
        servers: [url],
        issuer: ca.certificate,
        timeout: 1000,
        memoryTime: 0,
        onError,
      });
      t.teardown(() => store.close());
      return store;
    };
    const authority = new TestAuthority();
    const cache = { maxBytes: 0 };
    const stores = [await open(server.socket), await open(through)] as const;
    const [near, far] = stores.map((store) => makeResponder(t, { authority, store }, { cache })) as [
      Responder,
      Responder,
    ];
    const say = async (responder: Responder): Promise<string> => {
      const { der, source } = await responder.answer(ask(['1001']));
      return `${OCSPCertStatus[loadDerOcspResponse(der).certificateStatus as OCSPCertStatus]} ${source}`;
    };
    const signer = new ResponseSigner({
      issuer: ca.certificate,
      responder: delegate.certificate,
      privateKey: delegate.privateKey,
    });
    await putStatus({ entries: [GOOD], signer, store: stores[0] });
    for (const one of [near, far]) t.is(await say(one), 'GOOD store');

    t.true(hosts.cut());
    for (let i = 0; i < 20; i += 1) t.is(await say(far), 'GOOD live');
    // (Rests are doubled: in the time of this test no more have an end, however slow it is.)
    t.true(errors.length >= 1 && errors.length <= 6, `${errors.length}: one call waits; the others do not`);
    const revoked = { ...REVOKED, serialNumber: '1001' };
    await t.throwsAsync(far.update([revoked]), undefined, 'the server keeps good');
    authority.set(revoked);
    for (let i = 0; i < 5; i += 1) t.is(await say(far), 'REVOKED live');
    t.is(await say(near), 'REVOKED live', 'whatever the server has');

    t.true(hosts.mend());
    await near.update([revoked]);
    t.is(await say(near), 'REVOKED store');
    for (;;) {
      const said = await say(far);
      t.regex(said, /^REVOKED/);
      if (said === 'REVOKED store') return;
      await sleep(20);
    }
  },
);
