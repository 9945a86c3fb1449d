import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, jest, test } from '@jest/globals';
import { CachedTrustRegistry } from '@private.me/xlink';
import {
  agentAt,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  startServer,
  type TestClient,
  until,
} from './support.js';

/** All clients are in this process, so the last one has its turn late. */
const PATIENCE_MS = 900_000;
jest.setTimeout(PATIENCE_MS);

const SIZE = process.env['SCALE'] === 'full' ? 200 : Number(process.env['MLS_SIZE'] ?? 12);

test(`a group of ${SIZE}: all join, hear each other, and follow removals`, async () => {
  const place = await startServer();
  const registry = new CachedTrustRegistry({ registry: place.registry, ttlMs: 60_000 });
  const clients: TestClient[] = [];
  for (let at = 0; at < SIZE; at++) {
    const agent = await agentAt(place, `member ${at}`, registry);
    clients.push(await clientAt(place, `member ${at}`, { agent, keyPackages: 2 }));
  }
  const [first, ...others] = clients;
  const group = await first!.client.create();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await group.add(others.map(({ did }) => did));
  await Promise.all(others.map((one) => groupIn(one, group.id, 1, PATIENCE_MS)));
  expect(group.members).toHaveLength(SIZE);
  const speaker = others.at(-1)!;
  await speaker.client.group(group.id)!.send(bytes('from the last one'));
  await until(
    'all hear',
    () => clients.every((one) => one === speaker || one.inbox.length === 1),
    PATIENCE_MS,
  );
  const gone = others.slice(0, Math.floor(SIZE / 5));
  await group.remove(gone.map(({ did }) => did));
  await others.at(-2)!.client.group(group.id)!.rekey();
  const left = clients.filter((one) => !gone.includes(one));
  const groups = await Promise.all(left.map((one) => groupIn(one, group.id, 3, PATIENCE_MS)));
  expect(new Set(groups.map((one) => one.fingerprint())).size).toBe(1);
  await group.send(bytes('without some'));
  await until(
    'those who are left hear',
    () => left.every((one) => one === first || one.inbox.includes('without some')),
    PATIENCE_MS,
  );
  expect(gone.flatMap(({ inbox }) => inbox)).not.toContain('without some');
  expect(clients.flatMap(faultsOf)).toEqual([]);
  console.log(
    `event loop delay with ${SIZE} clients in one process: p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`,
  );
});
