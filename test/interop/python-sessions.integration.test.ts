// Sessions with a service of the package, opened and used by the implementation in Python.
import { expect, test } from '@jest/globals';
import {
  Agent,
  type KeyRecord,
  MemorySequenceStore,
  MemoryTrustRegistry,
  requireScope,
} from '@private.me/xlink';
import { serveApi } from '../client/support.js';
import { unwrap } from '../support/results.js';
import { describePython, runPython } from './python-program.js';
import * as second from './second/index.mjs';
import { seed } from './support.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** An API with sessions, whose identity and ticket keys are there to be looked at. */
async function serve() {
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
  const sessions = { never: ['orders:pay'], tickets, sequences: new MemorySequenceStore() };
  const api = await serveApi({ agent, sessions }, (app) => {
    app.get('/kept', (_req, res) => void res.json(Object.fromEntries(kept)));
    app.use('/pay', requireScope('orders:pay'));
  });
  return { ...api, registry, seed: own };
}

describePython('sessions in Python', () => {
  test.each([2, 3])(
    'opens one in version %d, and calls in it',
    async (version) => {
      const api = await serve();
      const caller = second.identityFromSeed(seed(), version);
      const keys = second.createRecord(caller) as KeyRecord;
      await api.registry.register({ did: caller.did as KeyRecord['did'], keys, sendScopes: ['*'] });

      const args = [api.url, hex(caller.seed), String(version), hex(api.seed)];
      const { code, stdout, stderr } = await runPython('live_sessions.py', args);
      expect([code, stderr]).toEqual([0, '']);
      const tea = { mode: 'xlink', body: { item: 'tea' } };
      expect(JSON.parse(stdout)).toMatchObject({
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
});
