// Node warns of the eleventh listener of an event, as of a leak. An API that has ten of its own has room for ten behind the adapter, too.
import { expect, test } from '@jest/globals';
import { DualModeAdapter, xlinkFetch } from '@private.me/xlink';
import express, { type Response } from 'express';
import { LOCAL } from '../client/support.js';
import { KEY } from '../support/keys.js';
import { listen } from '../support/listen.js';
import { World } from '../support/world.js';

const EVENTS = ['close', 'finish', 'prefinish', 'drain', 'error', 'pipe'];

/** How many listeners can be added to a response before Node warns. */
const roomOf = (res: Response) =>
  Object.fromEntries(EVENTS.map((event) => [event, res.getMaxListeners() - res.listenerCount(event)]));

test('by key and by envelope there is at least as much room for listeners as in the plain app', async () => {
  const plain = express().get('/room', (_req, res) => void res.json(roomOf(res)));
  const known = await World.withCaller();
  const adapter = new DualModeAdapter({
    agent: known.api,
    mode: 'hybrid',
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'acme' } : null),
  });
  const app = express().use(adapter.middleware());
  app.get('/room', (_req, res) => void res.json(roomOf(res)));
  const base = (await listen(app)).url;
  const get = async (answer: Promise<globalThis.Response>) =>
    (await answer).json() as Promise<Record<string, number>>;
  const expected = await get(fetch(`${(await listen(plain)).url}/room`));
  const call = xlinkFetch({ ...LOCAL, agent: known.caller });
  const found = {
    key: await get(fetch(`${base}/room`, { headers: { 'X-API-Key': KEY } })),
    xlink: await get(call(`${base}/room`)),
  };
  for (const [way, room] of Object.entries(found))
    for (const event of EVENTS)
      expect([way, event, room[event]! >= expected[event]!]).toEqual([way, event, true]);
});
