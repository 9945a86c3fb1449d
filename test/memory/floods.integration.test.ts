// What a flood of large envelopes leaves behind in a relay.
import { expect, test } from '@jest/globals';
import { scaled } from '../scale/scale.js';
import { growthOf } from '../support/heap.js';
import { World } from '../support/world.js';
import { startRelay } from '../transport/servers.js';

const MIB = 2 ** 20;
const MOST = 10 * MIB;
/** Of 28 MB each. */
const ROUNDS = scaled(5, 2);

test('[E11] relay: large envelopes that are refused, of senders it does not serve and of nobody', async () => {
  const running = await startRelay({ admits: () => false });
  const world = new World();
  const bob = await world.agent('bob');
  const senders = await Promise.all(
    Array.from({ length: 20 }, (_, nr) => world.agent(`sender ${nr}`, { maxVersion: 1, clock: Date.now })),
  );
  const post = async (body: string) => {
    const response = await fetch(`${running.url}/relay/send`, { method: 'POST', body });
    await response.arrayBuffer();
    return response.status;
  };
  const payload = { text: 'x'.repeat(500_000) };
  const once = async () => {
    for (const sender of senders) {
      const envelope = await sender.createEnvelope({ to: bob.did, payload });
      expect(await post(JSON.stringify(envelope))).toBe(403);
      expect(await post(JSON.stringify({ ...envelope, to: sender.did }))).toBe(401);
    }
  };
  await once();
  expect(
    await growthOf(async () => {
      for (let round = 0; round < ROUNDS; round++) await once();
    }),
  ).toBeLessThan(MOST);
});
