import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { KEY } from '../support/keys.js';
import { recorder } from '../support/service.js';
import { World } from '../support/world.js';

/** As wrappers have that hand on whole answers: it is closed within its `end()`. */
class ClosedAtOnce extends ServerResponse {
  override end(): this {
    super.end();
    this.emit('close');
    return this;
  }
}

test.each([
  ['refused', {}, 'CREDENTIALS_MISSING 401'],
  ['accepted', { 'x-api-key': KEY }, 'ok 200'],
])('a request that is %s is counted once, however fast its answer closes', async (outcome, headers, told) => {
  const { adapter, events, signals } = recorder(await new World().agent('api'));
  const request = Object.assign(new IncomingMessage({} as Socket), {
    method: 'GET',
    url: '/orders',
    headers,
  });
  const response = new ClosedAtOnce(request);
  const counted = new Promise<void>((resolve) => {
    signals.on('event', () => events.some(({ type }) => type === 'request') && resolve());
  });
  adapter.middleware()(request as never, response as never, () => response.end());
  await counted;
  const requests = events.flatMap((event) =>
    event.type === 'request'
      ? [`${event.outcome} ${event.reason} ${event.status}${event.aborted ? ' aborted' : ''}`]
      : [],
  );
  expect(requests).toEqual([`${outcome} ${told}`]);
});
