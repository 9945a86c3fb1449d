import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { Agent, type Envelope, GatewayTransport } from '@private.me/xlink';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { type Answer, post, pull, world } from './support.js';

const MARKER = 'marker-7c1f55e0-in-the-clear';
const codeOf = ({ body: { code, subCode } }: Answer): string =>
  subCode === undefined ? String(code) : `${code}:${subCode}`;

describe('the relay itself', () => {
  test('sees no plaintext: not in what it is sent, not in its file', async () => {
    const { running, alice, bob } = await world();
    const seen: string[] = [];
    const { url } = await listen((req, res) => {
      req.on('data', (chunk) => seen.push(String(chunk)));
      running.relay.handler(req, res);
    });
    const watched = new GatewayTransport({ relayUrl: url });
    afterTest(async () => watched.dispose());
    const message = { payload: { note: MARKER }, to: bob.did };
    const found = async () => {
      const words = `${seen.join('\n')}\n${await readFile(running.file, 'utf8')}`.split(/[^A-Za-z0-9_-]+/);
      return words
        .flatMap((word) => [
          word,
          Buffer.from(word, 'base64url').toString(),
          Buffer.from(word, 'base64').toString(),
        ])
        .some((word) => word.includes(MARKER));
    };
    unwrap(await watched.send(await alice.createEnvelope(message), bob.did));
    expect(seen.join('')).toContain('X25519');
    expect(await found()).toBe(false);
    // One that is only signed shows that the search would find it.
    unwrap(await watched.send(await alice.createEnvelope({ ...message, signedOnly: true }), bob.did));
    expect(await found()).toBe(true);
  });

  test('cannot forge or change: the recipient refuses what it makes up, and goes on', async () => {
    const { running, registry, alice, bob, person } = await world();
    const mallory = await person('mallory');
    const tampering = await listen(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk);
      const answer = await fetch(running.url + req.url!, {
        method: req.method!,
        ...(req.method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
      });
      const text = await answer.text();
      res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! });
      if (!text.startsWith('{"messages":[{')) return void res.end(text);
      const { messages } = JSON.parse(text) as { messages: { id: string; envelope: Envelope }[] };
      const { envelope } = messages[0]!;
      const lies = [
        { ...envelope, scope: 'admin' },
        { ...envelope, from: mallory.did },
        { ...envelope, payload: `AAAA${envelope.payload!.slice(4)}` },
        { ...envelope, timestamp: envelope.timestamp + 1 },
        { ...envelope, extra: 1 },
        envelope,
        envelope,
      ];
      res.end(JSON.stringify({ messages: lies.map((lie, n) => ({ id: String(n + 1), envelope: lie })) }));
    });
    const transport = new GatewayTransport({ relayUrl: tampering.url, waitMs: 500, backoff: () => 20 });
    afterTest(async () => transport.dispose());
    const victim = unwrap(await Agent.fromSeed({ seed: seedOf('relay bob'), registry, transport }));
    const got: unknown[] = [];
    const refused: string[] = [];
    victim.onMessage(({ payload, scope }) => void got.push([payload, scope]), {
      onRefused: ({ id }) => void refused.push(id),
    });
    unwrap(await alice.send({ to: bob.did, payload: 'true' }));
    await until(() => got.length > 0 && refused.length >= 6, { what: 'the message and the refusals' });
    expect(got).toEqual([['true', 'default']]);
    expect(refused.sort()).toEqual([
      'PARSE_FAILED:UNKNOWN_FIELD',
      'REPLAY_DETECTED',
      ...Array(4).fill('VERIFICATION_FAILED:SIGNATURE_MISMATCH'),
    ]);
  });

  test('that is another one than was pinned gets no proof that is good elsewhere, and is not obeyed', async () => {
    const { running, registry, alice } = await world();
    const errors: unknown[] = [];
    const transport = new GatewayTransport({
      relayUrl: running.url,
      relayDid: alice.did,
      backoff: () => 50,
      onError: (error) => void errors.push((error as { id: string }).id),
    });
    afterTest(async () => transport.dispose());
    const bob = unwrap(await Agent.fromSeed({ seed: seedOf('relay bob'), registry, transport }));
    bob.onMessage(() => {});
    await until(() => errors.length > 1, { what: 'an error' });
    expect(new Set(errors)).toEqual(new Set(['RECIPIENT_MISMATCH']));
  });

  test('answers other paths and methods without harm, or leaves them to the application', async () => {
    const { running } = await world();
    const status = async (path: string, method = 'GET') =>
      (await fetch(running.url + path, { method })).status;
    expect(await status('/nowhere')).toBe(404);
    expect(await status('/relay/send')).toBe(405);
    expect(await status('/relay', 'POST')).toBe(405);
    expect(await status('/relay/socket')).toBe(426);
    const { url } = await listen((req, res) => running.relay.handler(req, res, () => void res.end('mine')));
    expect(await (await fetch(`${url}/nowhere`)).text()).toBe('mine');
    expect(await (await fetch(`${url}/relay`)).json()).toEqual({ did: running.relay.did });
  });

  test('lets all who wait go when it ends', async () => {
    const { running, alice, bob } = await world({ receiversPerDid: 100 });
    const waiting = Array.from({ length: 30 }, () => pull(bob, running, { waitMs: 30_000, after: '99' }));
    await Promise.all(Array.from({ length: 30 }, (_, n) => alice.send({ to: bob.did, payload: n })));
    await running.relay.close();
    for (const answer of await Promise.all(waiting)) expect([200, 503]).toContain(answer.status);
  });

  test('that cannot write refuses, and takes messages again when it can', async () => {
    const faults: unknown[] = [];
    const { running, alice, bob } = await world({ onFault: ({ cause }) => void faults.push(String(cause)) });
    const { store } = running;
    const add = store.add.bind(store);
    store.add = () => Promise.reject(new Error('ENOSPC'));
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const answer = await post(running.url, '/relay/send', envelope);
    expect([answer.status, codeOf(answer), JSON.stringify(answer).includes('ENOSPC')]).toEqual([
      503,
      'RELAY_UNAVAILABLE',
      false,
    ]);
    expect(faults).toEqual(['Error: ENOSPC']);
    store.add = add;
    expect((await post(running.url, '/relay/send', envelope)).status).toBe(202);
  });
});
