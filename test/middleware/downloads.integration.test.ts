import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { xlinkFetch } from '@private.me/xlink';
import '../support/express.js'; // its hooks
import { World } from '../support/world.js';

const MiB = 1024 * 1024;

test('[C3] a download of 200 MB comes piece by piece, and is held by nobody', async () => {
  const { caller, peak } = await downloads();
  const response = await caller('/download');
  let bytes = 0;
  let pieces = 0;
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    pieces++;
  }
  expect([bytes, pieces > 1000, response.headers.get('xlink-sealed')]).toEqual([200 * MiB, true, 'true']);
  // Everything that the handler wrote and that is not on its way yet.
  expect(peak()).toBeLessThan(2 * MiB);
});

test('[C3] who does not read holds the handler up', async () => {
  const { caller, written } = await downloads();
  const response = await caller('/download');
  const reader = response.body!.getReader();
  await reader.read();
  let before = -1;
  while (written() !== before) {
    before = written();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(written()).toBeLessThan(40 * MiB); // what fits into the buffers of the two ends of a connection
  await reader.cancel();
});

async function downloads() {
  const known = await World.withCaller();
  let written = 0;
  let taken = 0;
  let peak = 0;
  const service = await known.serve({
    mount: ({ app, adapter }) => {
      app.use(adapter.middleware());
      app.get('/download', async (_, res) => {
        const piece = Buffer.alloc(65_536, 7);
        const gone = once(res, 'close');
        for (; written < 200 * MiB && !res.destroyed; written += piece.length) {
          const isRoom = res.write(piece, () => {
            taken += piece.length;
          });
          peak = Math.max(peak, written + piece.length - taken);
          if (!isRoom) await Promise.race([once(res, 'drain'), gone]);
        }
        res.end();
      });
    },
  });
  const caller = xlinkFetch({
    agent: known.caller,
    baseUrl: `http://127.0.0.1:${service.port}`,
    unsafeAllowHttp: true,
    unsafeAllowPrivateAddresses: true,
  });
  return { caller, peak: () => peak, written: () => written };
}
