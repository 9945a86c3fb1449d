// A refusal leaves a connection whose next request is answered, or none: behind a proxy that is the request of somebody else.
import { describe, expect, test } from '@jest/globals';
import { MemoryTrustRegistry } from '@private.me/xlink';
import { createRegistryServer } from '@private.me/xlink/server';
import { ENROLL_PATH } from '../../src/http/enrollment.js';
import { KEY_PATH } from '../../src/http/own-routes.js';
import { SESSION_PATH } from '../../src/http/session-headers.js';
import { adapterOf, serveDashboard } from '../dashboard/support.js';
import { afterJunk, type Junk } from '../support/kept-alive.js';
import { listen } from '../support/listen.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { startRelay } from '../transport/servers.js';

const ENVELOPE = { 'Content-Type': 'application/xlink-envelope' };
const JSON_BODY = { 'Content-Type': 'application/json' };

/** Bodies that are refused at their first bytes, by their end, by their length, and that nobody wants. */
const bodiesOf = (path: string): Junk[] =>
  [
    { start: 'x', headers: ENVELOPE },
    { start: '{', headers: ENVELOPE },
    { start: 'x', headers: JSON_BODY },
    { start: '{"', headers: { ...JSON_BODY, Authorization: 'Bearer wrong' } },
    { start: 'x' },
  ].flatMap((one) =>
    [false, true].map((chunked) => ({ path, bytes: chunked ? 300_000 : 200_000, ...one, chunked })),
  );

async function hanging(port: number, paths: readonly string[]) {
  const found: string[] = [];
  const tried = paths.flatMap((path) => bodiesOf(path));
  await Promise.all(
    tried.map(async (junk) => {
      const { status, next } = await afterJunk(port, junk);
      if (next === 'hangs') found.push(`${junk.path} ${JSON.stringify({ ...junk, status })}`);
    }),
  );
  return found;
}

describe.each(STAGES)('$name', (stage) => {
  having(stage, 'connections').test(
    'answers the next request after one that was refused',
    async () => {
      const known = await World.withCaller();
      const service = await stage.serve(known, { clients: known.clients, sessions: true });
      const paths = ['/anything', ENROLL_PATH, KEY_PATH, SESSION_PATH, '/.well-known/xlink.json'];
      expect(await hanging(service.port, paths)).toEqual([]);
    },
    60_000,
  );
});

test('so do a relay, a registry server and a dashboard', async () => {
  const { url } = await startRelay();
  const relayPort = Number(new URL(url).port);
  expect(await hanging(relayPort, ['/relay', '/relay/send', '/relay/receive', '/relay/socket'])).toEqual([]);
  const registry = createRegistryServer({ registry: new MemoryTrustRegistry(), adminToken: 'a'.repeat(32) });
  const registryPort = (await listen((req, res) => registry(req, res))).port;
  const names = ['register', 'add', 'revoke', 'scopes', 'keys', 'succeed', 'list', 'changes?wait=0'];
  expect(
    await hanging(
      registryPort,
      names.map((name) => `/registry/${name}`),
    ),
  ).toEqual([]);
  registry.close();
  const { url: dashboard } = await serveDashboard(await adapterOf());
  const dashboardPort = Number(new URL(dashboard).port);
  expect(await hanging(dashboardPort, ['/xlink', '/xlink/actions', '/xlink/mode'])).toEqual([]);
}, 60_000);
