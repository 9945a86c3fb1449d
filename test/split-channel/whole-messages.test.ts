import { expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { opened } from '../support/forge.js';
import { idOf, unwrap } from '../support/results.js';
import { channels } from './support.js';

const PAYLOAD = { text: 'MARKER-MARKER-MARKER-MARKER-4711', amount: 7 };
test('a payload that looks like a share is a payload', async () => {
  const { alice, bob } = await channels(3);
  const { envelopes } = unwrap(await alice.send({ to: bob.did, payload: 1, security: 'high' }));
  const identity = await Identity.fromSeed(seedOf('bob'), { maxVersion: 3 });
  const bundle = (await opened(identity, envelopes[0]!))!;
  for (const payload of [Buffer.from(bundle).toString('base64url'), { xlinkShare: 1 }, [...bundle]]) {
    const received = unwrap(
      await bob.receive(await alice.send({ to: bob.did, payload, security: 'standard' })),
    );
    expect(received.payload).toEqual(payload);
    expect(received.shares).toBeUndefined();
  }
});

test('a lower version on one side: shares in that version, with a warning', async () => {
  for (const maxVersion of [1, 2] as const) {
    const { alice, bob, warnings } = await channels(3, {}, { maxVersion });
    const sent = unwrap(await alice.send({ to: bob.did, payload: PAYLOAD, security: 'high' }));
    expect(sent.version).toBe(maxVersion);
    expect(warnings).toEqual([{ type: 'shares-below-version-3', version: maxVersion }]);
    expect(unwrap(await bob.receive({ ok: true, value: sent } as never)).version).toBe(maxVersion);
    const strict = await alice.send({ to: bob.did, payload: PAYLOAD, security: 'high', version: 3 });
    expect(idOf(strict)).toBe('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION');
  }
});

test('whole messages go over the first transport alone', async () => {
  const { alice, bob, transports } = await channels(3);
  unwrap(await alice.send({ to: bob.did, payload: 1, security: 'standard' }));
  expect(transports.map((one) => (one as never as { outbox: unknown[] }).outbox.length)).toEqual([1, 0, 0]);
});
