import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Did, MemoryTrustRegistry } from '@private.me/xlink';
import { createEnterpriseTrustRegistry, createRegistryServer } from '@private.me/xlink/server';
import { identityOf } from '../../support/agents.js';
import { listen } from '../../support/http.js';
import { unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';

const ALICE = (await identityOf('alice', 1)).did;

test('[E18] changes made elsewhere are heard of, and the feed is down while entries come from the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-enterprise-'));
  const central = new MemoryTrustRegistry();
  const handler = createRegistryServer({ registry: central, adminToken: 'token-canary-2b8e61f0' });
  let areLookupsDown = false;
  const server = createServer((req, res) =>
    areLookupsDown && req.url!.includes('/resolve/') ? void req.socket.destroy() : handler(req, res),
  );
  const { port } = await listen(server);
  const registry = createEnterpriseTrustRegistry({
    http: { baseUrl: `http://127.0.0.1:${port}` },
    file: { path: join(folder, 'fallback.jsonl') },
    retryMs: 50,
  });
  try {
    unwrap(await central.add(ALICE));
    expect(registry.changeFeed).toBe('off');
    const heard: (Did | undefined)[] = [];
    const stop = registry.onChange((did) => heard.push(did));
    await until(() => registry.changeFeed === 'live');
    expect((await registry.lookup(ALICE))?.status).toBe('active');
    unwrap(await central.updateScopes(ALICE, { scopes: ['chat'] }));
    await until(() => heard.includes(ALICE));

    areLookupsDown = true;
    expect((await registry.lookup(ALICE))?.status).toBe('active'); // from the file
    expect(registry.changeFeed).toBe('down');
    areLookupsDown = false;
    heard.length = 0;
    await until(async () => (await registry.lookup(ALICE))?.sendScopes?.[0] === 'chat');
    expect(heard).toContain(undefined);
    expect(registry.changeFeed).toBe('live');
    stop();
    expect(registry.changeFeed).toBe('off');
  } finally {
    await registry.close();
    handler.close();
    await rm(folder, { recursive: true, maxRetries: 10 });
  }
});
