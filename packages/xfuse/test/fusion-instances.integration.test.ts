import { expect, test } from '@jest/globals';
import { Agent, createKeyRecord } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import type {} from '@private.me/xlink/express-types';
import { RedisLimitStore } from '@private.me/xlink/redis';
import { FusionManager, verifySession } from '../src/index.js';
import { RedisSessionLedger } from '../src/redis.js';
import { enrolled } from './fusion-support.js';
import { describeWith, startRedis } from './programs.js';
import { idOfFailure, xlinkApi } from './support.js';

describeWith(['redis-server'], 'several instances with one Redis', () => {
  test('10,000 wrong passwords, 500 at the same time: no more are tried than the limit says', async () => {
    const client = await startRedis();
    const store = () =>
      new RedisLimitStore({ client: client(), timeoutMs: 30_000, onWarning: () => undefined });
    const { settings, device } = await enrolled('ada', { limits: { store: store() } });
    const managers = Array.from(
      { length: 4 },
      () => new FusionManager({ ...settings, limits: { store: store() } }),
    );
    const ids: unknown[] = [];
    while (ids.length < 10_000) {
      const wave = Array.from({ length: 500 }, (_, at) =>
        managers[at % 4]!.converge([{ type: 'password', value: `guess ${ids.length + at}` }, device]).catch(
          ({ id }) => id,
        ),
      );
      ids.push(...(await Promise.all(wave)));
    }
    expect(ids.filter((id) => id === 'SIGNALS_REFUSED')).toHaveLength(10);
    expect(ids.filter((id) => id === 'ATTEMPTS_EXCEEDED')).toHaveLength(9990);
  });

  test('a session that one ends is over for the others', async () => {
    const client = await startRedis();
    const ledger = () => new RedisSessionLedger({ client: client() });
    const { fusion, password, biometric, device } = await enrolled('ada', { sessions: ledger() });
    const audience = 'https://api.example';
    const sessions = ledger();
    const open = () => fusion.converge([password, device], { audience });
    const check = ({ did, certificate }: Awaited<ReturnType<typeof open>>) =>
      verifySession(certificate, { did, audience, isKnown: () => true, sessions });
    const [one, two] = [await open(), await open()];
    await check(one);
    await fusion.endSession(one.did);
    expect(await idOfFailure(() => check(one))).toBe('SESSION_ENDED');
    const again = () => fusion.converge([password, device], { audience, nonce: 'n' });
    await fusion.endSession((await again()).did);
    expect(await idOfFailure(again)).toBe('SESSION_ENDED');
    await check(two);
    const { id } = (await fusion.signals()).find(({ type }) => type === 'device')!;
    await fusion.removeSignal([password, biometric], id);
    expect(await idOfFailure(() => check(two))).toBe('SESSION_ENDED');
  });
});

test('a session calls an API as itself, and no more once a signal was removed', async () => {
  const api = await xlinkApi(
    (request, response) =>
      void response.json({ did: request.auth?.mode === 'xlink' ? request.auth.did : undefined }),
  );
  const { fusion, password, biometric, device } = await enrolled('ada', { registry: api.registry });
  const { did, identity, certificate, fusedDid } = await fusion.converge([password, device], {
    audience: api.url,
  });
  // What the API does with a certificate that it believes.
  await verifySession(certificate, { did, audience: api.url, isKnown: (fused) => fused === fusedDid });
  const registered = await api.registry.register({
    did,
    keys: await createKeyRecord(identity),
  });
  expect(registered.ok).toBe(true);
  await api.registry.updateScopes(did, { scopes: ['orders:read'] });
  const call = xlinkFetch({ agent: new Agent({ identity }), baseUrl: api.url, scope: 'orders:read' });
  expect(await (await call('/orders')).json()).toEqual({ did });
  const { id } = (await fusion.signals()).find(({ type }) => type === 'device')!;
  await fusion.removeSignal([password, biometric], id);
  const refused = await call('/orders').catch((error) => error.cause);
  expect(refused).toMatchObject({ status: 403, message: expect.stringContaining('revoked') });
});
