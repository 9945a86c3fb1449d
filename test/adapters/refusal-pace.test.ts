import { describe, expect, test } from '@jest/globals';
import { RefusalPace } from '../../src/adapters/refusal-pace.js';
import { xlinkError } from '../../src/errors/errors.js';
import type { InboundRequest } from '../../src/http/decision.js';

const from = (remoteAddress: string | undefined, bytes = 0): InboundRequest => ({
  method: 'POST',
  target: '/',
  hasBody: bytes > 0,
  raw: {},
  remoteAddress,
  header: (name) => (name === 'content-length' ? String(bytes) : undefined),
  readBody: async () => new Uint8Array(bytes),
});

const refused = { error: xlinkError('API_KEY_INVALID') };
const pace = (perSecond: number) => new RefusalPace(perSecond, ({ remoteAddress }) => remoteAddress);

/** How long the last of so many refusals waits, in ms. */
async function waitOf(
  { hold }: { hold: (request: InboundRequest) => Promise<void> },
  request: InboundRequest,
  count: number,
) {
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, () => hold(request)));
  return performance.now() - started;
}

/** A pace whose address has been refused as often as it may be without waiting. */
async function used(outcome: Parameters<RefusalPace['hold']>[1] = refused) {
  const one = pace(10);
  const hold = (request: InboundRequest) => one.hold(request, outcome);
  await Promise.all(Array.from({ length: 2 }, () => one.hold(from('192.0.2.1'), refused)));
  return { hold };
}

describe('[E21] refusals of strangers', () => {
  test('a quarter of a second’s worth is answered at once, the next ones one after the other', async () => {
    const one = pace(10);
    const hold = (request: InboundRequest) => one.hold(request, refused);
    expect(await waitOf({ hold }, from('192.0.2.1'), 2)).toBeLessThan(90);
    expect(await waitOf({ hold }, from('192.0.2.1'), 3)).toBeGreaterThan(150);
  });

  test('wait two seconds at the most', async () => {
    const one = await used();
    const took = await waitOf(one, from('192.0.2.1'), 200);
    expect([took > 1900, took < 4000]).toEqual([true, true]);
  });

  test('with a large body count more', async () => {
    const one = await used();
    expect(await waitOf(one, from('192.0.2.1', 2 * 64 * 1024), 1)).toBeGreaterThan(150);
  });

  test.each([
    ['of another address', from('192.0.2.2'), refused],
    ['whose address is not known', from(undefined), refused],
    ['of a caller that is known', from('192.0.2.1'), { ...refused, did: 'did:key:z6Mk' }],
    ['of a client that is known', from('192.0.2.1'), { ...refused, client: 'acme' }],
    ['of a good key in xlink-only', from('192.0.2.1'), { error: xlinkError('XLINK_REQUIRED') }],
    ['while a store is down', from('192.0.2.1'), { error: xlinkError('NONCE_STORE_UNAVAILABLE') }],
    ['that are none', from('192.0.2.1'), {}],
  ])('%s do not wait', async (_, request, outcome) => {
    expect(await waitOf(await used(outcome), request, 2)).toBeLessThan(90);
  });
});
