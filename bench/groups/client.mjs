// Asking a client that knows: what a check costs beside the verification of an answer.

import { Verifier } from 'openssl-ocsp';
import { OCSPClient } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';

export const heading = 'Checks from the cache of a client';

export async function* tables() {
  const kit = new TestResponseKit();
  const responder = await TestResponder.start(kit.ca);
  const client = new OCSPClient({ responders: [responder.url] });
  // (Of a quick run only the first table is measured, and this one is not continued.)
  try {
    const question = { certificate: kit.leaf.certificate, issuer: kit.ca.certificate };
    await client.check(question);
    const der = kit.respond();
    const verifier = new Verifier();
    yield {
      title: 'One certificate, P-256',
      contenders: [
        {
          name: 'an asynchronous function that does nothing',
          kind: 'limit',
          run: async (n) => {
            for (let i = 0; i < n; i++) await nothing(question);
          },
        },
        {
          name: 'OCSPClient.check',
          kind: 'own',
          run: async (n) => {
            for (let i = 0; i < n; i++) await check(client, question);
          },
        },
        {
          name: 'Verifier.verify, signer remembered',
          kind: 'own',
          run: (n) => {
            for (let i = 0; i < n; i++) verifier.verify(der, question);
          },
        },
      ],
    };
    if (responder.requests.length !== 1) throw new Error(`${responder.requests.length} requests were sent`);
  } finally {
    await client.close();
    await responder.close();
  }
}

async function nothing(question) {
  return question;
}

async function check(client, question) {
  const { allowed, source } = await client.check(question);
  if (!allowed || source !== 'cache') throw new Error('not from the cache');
}
