// Sessions with a service of the package, opened and used by the implementation in Python.
import { expect, test } from '@jest/globals';
import {
  Agent,
  type KeyRecord,
  MemorySequenceStore,
  MemoryTrustRegistry,
  requireScope,
  type SessionCheckpoint,
  type SessionOptions,
  verifyCheckpoint,
} from '@private.me/xlink';
import { serveApi } from '../client/support.js';
import { unwrap } from '../support/results.js';
import { describePython, runPython } from './python-program.js';
import * as second from './second/index.mjs';
import { seed } from './support.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** An API with sessions, whose identity and ticket keys are there to be looked at. */
async function serve(more: SessionOptions = {}) {
  const registry = new MemoryTrustRegistry();
  const own = seed();
  const agent = unwrap(await Agent.fromSeed({ seed: own, name: 'orders', registry, maxVersion: 3 }));
  const kept = new Map<string, string>();
  const tickets = {
    keep(name: string, sealed: string) {
      if (!kept.has(name)) kept.set(name, sealed);
      return kept.get(name)!;
    },
    read: (name: string) => kept.get(name),
  };
  const sessions = { never: ['orders:pay'], tickets, sequences: new MemorySequenceStore(), ...more };
  const api = await serveApi({ agent, sessions }, (app) => {
    app.get('/kept', (_req, res) => void res.json(Object.fromEntries(kept)));
    app.use('/pay', requireScope('orders:pay'));
  });
  return { ...api, registry, seed: own, keys: await agent.keyRecord() };
}

/** A caller in Python of this version, and what it prints. */
async function call(program: string, version: number, api: Awaited<ReturnType<typeof serve>>) {
  const caller = second.identityFromSeed(seed(), version);
  const keys = second.createRecord(caller) as KeyRecord;
  await api.registry.register({ did: caller.did as KeyRecord['did'], keys, sendScopes: ['*'] });
  const args = [api.url, hex(caller.seed), String(version), hex(api.seed)];
  const { code, stdout, stderr } = await runPython(program, args);
  expect([code, stderr]).toEqual([0, '']);
  return { keys, said: JSON.parse(stdout) };
}

describePython('sessions in Python', () => {
  test.each([2, 3])(
    'opens one in version %d, and calls in it',
    async (version) => {
      const { said } = await call('live_sessions.py', version, await serve());
      const tea = { mode: 'xlink', body: { item: 'tea' } };
      expect(said).toMatchObject({
        opened: { lifetimeMs: 600_000, never: ['orders:pay'] },
        'with a body': [201, 'sealed', tea],
        'the same once more': [409, 'nobody', 'REPLAY_DETECTED'],
        'without a body': [200, 'sealed', { mode: 'xlink' }],
        'with an empty body': [201, 'sealed', { mode: 'xlink' }],
        'in three chunks': [201, 'sealed', tea],
        'under a number that was used': [409, 'nobody', 'REPLAY_DETECTED'],
        moved: [401, 'nobody', 'SESSION_AUTHENTICATION_FAILED'],
        'of a scope that needs a signature': [403, 'sealed', 'SESSION_NOT_ALLOWED'],
        'its ticket': { version, 'is ours': true, lifetimeMs: 600_000, 'is kept': true },
        'an envelope in the place of a request that was carried out': [409, 'signed', 'REPLAY_DETECTED'],
        'an envelope in the place of one that was not': [201, 'signed', { mode: 'xlink', body: {} }],
        'which comes later': [409, 'nobody', 'REPLAY_DETECTED'],
      });
    },
    60_000,
  );

  test.each([2, 3])(
    'signs in version %d what it sent, and shows that both did',
    async (version) => {
      const kept: SessionCheckpoint[] = [];
      const checkpoints = { requests: 8, compare: true };
      const api = await serve({ checkpoints, onCheckpoint: (one) => void kept.push(one) });
      const { keys, said } = await call('live_checkpoints.py', version, api);
      expect(said).toMatchObject({
        orders: 7,
        'one too many': [428, 'nobody', 'SESSION_CHECKPOINT_REQUIRED'],
        signed: [200, 'signed', 7],
        'signed again': [409, 'signed', 'SESSION_CHECKPOINT_INVALID:REPEATED'],
        'goes on': [201, 'sealed'],
        'a leaf that is not true': [409, 'signed', 'SESSION_CHECKPOINT_INVALID:LEAF'],
      });
      expect(said.forged.code).toBe('SESSION_CHECKPOINT_INVALID');
      const { envelope, content, countersignature } = said.forged;
      const [ours, theirs, signed] = [envelope, content, countersignature].map((text: string) =>
        Buffer.from(text, 'base64url'),
      ) as [Buffer, Buffer, Buffer];
      const forged = await verifyCheckpoint(
        { envelope: JSON.parse(ours.toString()), content: theirs, countersignature: signed } as never,
        { caller: keys, service: api.keys },
      );
      expect(forged.ok ? 'taken' : forged.error.id).toBe('SESSION_CHECKPOINT_INVALID');
      const [one] = kept;
      const shown = unwrap(await verifyCheckpoint(one!, { caller: keys, service: api.keys }));
      expect(shown).toMatchObject({ caller: keys.did, service: api.keys.did, from: 0, to: 8 });
      expect(shown.leaves).toEqual(said.shown);
      expect(kept).toHaveLength(1);
    },
    60_000,
  );
});
