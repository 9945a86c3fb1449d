// An answer is delivered when the service itself says so, and nobody else.
import { expect, test } from '@jest/globals';
import { postAnswer, XlockGate, XlockVerifier } from '../src/index.js';
import { deviceOf, idOf, listen } from './support.js';

async function world() {
  let gate: XlockGate | undefined;
  const state = { answer: undefined as undefined | { status: number; type: string; body: string } };
  const { url, server } = await listen(async (request, response) => {
    if (!state.answer) return void (await gate!.pass(request, response));
    const { status, type, body } = state.answer;
    response.writeHead(status, { 'content-type': type, location: '/elsewhere' }).end(body);
  });
  const verifier = new XlockVerifier({ origin: url });
  gate = new XlockGate({ verifier });
  const device = await deviceOf('phone');
  const { text } = await verifier.createRegistrationChallenge({ userId: 'ada' });
  const challenge = await device.view(text);
  const answer = await device.register(text);
  return { url, server, state, challenge, answer };
}

test('what answers in the place of the service is told by its URL and status', async () => {
  const { url, server, state, challenge, answer } = await world();
  for (const [status, type, body] of [
    [200, 'text/html', '<html>our shop</html>'],
    [200, 'application/json', '{"hello":1}'],
    [200, 'application/json', ''],
    [204, 'text/plain', ''],
    [302, 'text/plain', ''],
    [404, 'text/html', 'nginx'],
    [502, 'text/html', 'nginx'],
  ] as const) {
    state.answer = { status, type, body };
    const failed = await postAnswer(answer, challenge).catch((error) => error);
    expect([status, failed.id, failed.details]).toEqual([
      status,
      'SERVICE_UNREACHABLE',
      { url: `${url}/xlock/answer`, status },
    ]);
    expect(failed.message).toContain(`${url}/xlock/answer answered with status ${status}`);
  }
  state.answer = undefined;
  expect(await idOf(postAnswer(answer, challenge))).toBeUndefined();
  expect(await idOf(postAnswer(answer, challenge))).toBe('CHALLENGE_ALREADY_USED'); // words of the service itself
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const down = await postAnswer(answer, challenge).catch((error) => error);
  expect([down.id, down.details]).toEqual(['SERVICE_UNREACHABLE', { url: `${url}/xlock/answer` }]);
  expect(down.message).toMatch(/does not answer \(fetch failed: [A-Z_]+\)/);
});
