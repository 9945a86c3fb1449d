// Approvals of sign-ins: of the browser that asked, also where its answer was lost.
import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { Approvals } from '../../src/sso/approvals.js';
import { sendJson, sendProblem } from '../../src/web/exchange.js';
import { adaAt, approve, place, Tab } from './support.js';

test('who asked gets the approval, again where the answer was lost; nobody else does', async () => {
  const { url, serve } = await place();
  const ada = await adaAt(url);
  const { verifier } = ada;
  const store = new MemoryOperationsStore();
  let now = 1_000_000;
  const approvals = new Approvals({
    verifier,
    store,
    kind: 'approval',
    ttlMs: 60_000,
    waitMs: 20,
    now: () => now,
  });
  serve((request, response) => {
    const [, step, signIn = ''] = request.url!.split('/');
    const wanted = { userId: 'ada', action: 'Sign in', metadata: {} };
    const work =
      step === 'begin'
        ? approvals.begin(request, response, signIn, wanted)
        : approvals.wait(request, response, signIn).then((who) => who ?? {});
    work.then(
      (value) => sendJson(response, 200, value),
      (error) => sendProblem(response, error),
    );
  });
  const [mine, theirs] = [new Tab(), new Tab()];
  await theirs.post(`${url}/begin/theirs`); // they have a secret, too
  const { body } = await mine.post(`${url}/begin/mine`);
  expect(await mine.post(`${url}/wait/mine`)).toEqual({ status: 200, body: {} });
  expect(await theirs.post(`${url}/wait/mine`)).toMatchObject({ status: 404 });
  expect(await mine.post(`${url}/wait/theirs`)).toMatchObject({ status: 404 });
  await approve(ada, body['match']!);
  expect(await approvals.approved('mine')).toBeUndefined();
  const first = await mine.post(`${url}/wait/mine`);
  expect(first).toMatchObject({ status: 200, body: { userId: 'ada' } });
  expect(await mine.post(`${url}/wait/mine`)).toEqual(first);
  expect(await theirs.post(`${url}/wait/mine`)).toMatchObject({ status: 404 });
  expect(await mine.post(`${url}/begin/mine`)).toMatchObject({ status: 409 });
  expect(await approvals.approved('mine')).toMatchObject({ userId: 'ada', deviceId: ada.device.id });
  now += 60_001;
  await approvals.sweep();
  expect(await approvals.approved('mine')).toBeUndefined();
});
