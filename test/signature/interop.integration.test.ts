// Two libraries that implement RFC 9421, as clients of ours and ours as a client of theirs, as far as their APIs can express the profile.
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { component, createSignature, verifySignature } from 'http-message-sig';
import { httpbis } from 'http-message-signatures';
import { didOf } from '../../clients/xlink.js';
import { type Answer, json, methodOf, ORDER, pathOf, type Sent } from '../support/http.js';
import { World } from '../support/world.js';
import { digestOf, type SignedSent, signedSent } from './support.js';

const ORIGIN = 'http://api.example.com';
const FIELDS = ['@method', '@path', '@query', 'xlink-to', 'xlink-scope'];
const OF_ANSWERS = ['@status', 'content-digest', 'content-type'];

const SENT: [string, Sent][] = [
  ['a GET', { path: '/orders?limit=5&q=%20a' }],
  ['a POST', json(ORDER)],
];

async function made() {
  const known = await World.withCaller();
  const service = await known.serve({ signatures: true, clock: known.clock });
  const pkcs8 = Buffer.from(await known.caller.exportPKCS8());
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { known, service, key };
}

/** What is on the request before it is signed. */
function bare(known: { api: { did: string } }, sent: Sent) {
  const hasBody = sent.body !== undefined;
  const headers: Record<string, string> = {
    ...(sent.headers as Record<string, string>),
    'xlink-to': known.api.did,
    'xlink-scope': '*',
    ...(hasBody ? { 'content-digest': digestOf(sent.body!) } : {}),
  };
  const fields = [...FIELDS, ...(hasBody ? ['content-digest', 'content-type'] : [])];
  return { headers, fields, url: ORIGIN + pathOf(sent), method: methodOf(sent) };
}

const publicKeyOf = async (agent: { exportPKCS8(): Promise<Uint8Array> }): Promise<KeyObject> =>
  createPublicKey(
    createPrivateKey({ key: Buffer.from(await agent.exportPKCS8()), format: 'der', type: 'pkcs8' }),
  );

const textsOf = (headers: Answer['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));

describe('http-message-signatures', () => {
  test.each(SENT)('signs %s that we take', async (_, sent) => {
    const { known, service, key } = await made();
    const { headers, fields, url, method } = bare(known, sent);
    const signed = await httpbis.signMessage(
      {
        key: { id: known.caller.did, alg: 'ed25519', sign: async (data) => sign(null, data, key) },
        name: 'xlink',
        fields,
        params: ['created', 'keyid', 'alg', 'nonce', 'tag'],
        paramValues: {
          created: new Date(known.clock()),
          nonce: randomBytes(16).toString('base64url'),
          tag: 'xlink',
        },
      },
      { method, url, headers },
    );
    const { auth } = await service.accepted({ ...sent, headers: signed.headers as SignedSent['headers'] });
    expect(auth).toMatchObject({ mode: 'xlink', form: 'signature', did: known.caller.did });
  });

  test.each(SENT)('verifies %s of ours, and our answer to it', async (_, sent) => {
    const { known, service } = await made();
    const signed = await signedSent(known, sent);
    const { url, method, fields } = bare(known, sent);
    const request = { method, url, headers: signed.headers };
    const keyOf = async (agent: typeof known.caller) => {
      const key = await publicKeyOf(agent);
      return {
        keyLookup: async ({ keyid }: { keyid?: string }) => {
          if (keyid !== agent.did) return null;
          return {
            id: agent.did,
            algs: ['ed25519'],
            verify: async (data: Buffer, signature: Buffer) => verify(null, data, key, signature),
          };
        },
        notAfter: known.clock() + 1000,
      };
    };
    const asked = { ...(await keyOf(known.caller)), requiredFields: fields };
    expect(await httpbis.verifyMessage(asked, request)).toBe(true);

    const { answer } = await service.accepted(signed);
    const response = { status: answer.status, headers: textsOf(answer.headers) };
    const told = await keyOf(known.api);
    expect(await httpbis.verifyMessage(told, response, request)).toBe(true);
    const other = { ...request, url: `${ORIGIN}/other` };
    await expect(httpbis.verifyMessage(told, response, other)).resolves.toBe(false);
  });
});

describe('http-message-sig', () => {
  const nodeSigner = (key: KeyObject) => ({
    algorithm: 'ed25519',
    sign: (data: Uint8Array) => new Uint8Array(sign(null, data, key)),
  });
  const nodeVerifier = (key: KeyObject) => ({
    algorithm: 'ed25519',
    verify: (data: Uint8Array, signature: Uint8Array) => verify(null, data, key, signature),
  });
  const linesOf = (headers: Readonly<Record<string, string>>) =>
    Object.entries(headers).map(([name, value]) => ({ name, value }));

  test.each(SENT)('signs %s that we take', async (_, sent) => {
    const { known, service, key } = await made();
    const { headers, fields, url, method } = bare(known, sent);
    const message = { kind: 'request', method, targetUri: url, fields: linesOf(headers) } as const;
    const { signature, signatureInput } = await createSignature(message, {
      label: 'xlink',
      components: fields,
      parameters: {
        created: Math.floor(known.clock() / 1000),
        keyid: known.caller.did,
        alg: 'ed25519',
        nonce: randomBytes(16).toString('base64url'),
        tag: 'xlink',
      },
      signer: nodeSigner(key),
    });
    const signed = { ...sent, headers: { ...headers, signature, 'signature-input': signatureInput } };
    const { auth } = await service.accepted(signed);
    expect(auth).toMatchObject({ mode: 'xlink', form: 'signature', did: known.caller.did });
  });

  test.each(SENT)('verifies %s of ours, and our answer to it, by a policy', async (_, sent) => {
    const { known, service } = await made();
    const signed = await signedSent(known, sent);
    const { url, method, fields } = bare(known, sent);
    const request = { kind: 'request', method, targetUri: url, fields: linesOf(signed.headers) } as const;
    const now = Math.floor(known.clock() / 1000);
    const policy = (requiredComponents: (string | ReturnType<typeof component>)[]) => ({
      algorithms: ['ed25519'],
      requiredComponents,
      requiredParameters: ['created', 'keyid', 'nonce', 'tag'],
      maxAge: 30,
      now,
    });
    const caller = nodeVerifier(await publicKeyOf(known.caller));
    const verified = await verifySignature(request, {
      label: 'xlink',
      policy: policy(fields),
      resolveVerifier: () => caller,
    });
    expect(verified.parameters).toMatchObject({ keyid: known.caller.did, tag: 'xlink' });

    const { answer } = await service.accepted(signed);
    const response = {
      kind: 'response',
      status: answer.status,
      fields: linesOf(textsOf(answer.headers)),
      request,
    } as const;
    const api = nodeVerifier(await publicKeyOf(known.api));
    const ofRequest = ['@method', '@path', '@query'].map((name) => component(name, { req: true }));
    const told = await verifySignature(response, {
      label: 'xlink',
      policy: policy([...OF_ANSWERS, ...ofRequest, component('signature', { req: true, key: 'xlink' })]),
      resolveVerifier: () => api,
    });
    expect(told.parameters).toMatchObject({ keyid: known.api.did, tag: 'xlink-answer' });
    const elsewhere = { ...response, request: { ...request, targetUri: `${ORIGIN}/other` } };
    await expect(
      verifySignature(elsewhere, {
        label: 'xlink',
        policy: policy([]),
        resolveVerifier: () => api,
      }),
    ).rejects.toThrow();
  });
});

test('clients/xlink.ts finds the DID of a key', async () => {
  const { known } = await made();
  const raw = (await publicKeyOf(known.caller)).export({ format: 'jwk' }).x!;
  const key = await crypto.subtle.importKey('raw', Buffer.from(raw, 'base64url'), 'Ed25519', true, [
    'verify',
  ]);
  expect(await didOf(key)).toBe(known.caller.did);
});
