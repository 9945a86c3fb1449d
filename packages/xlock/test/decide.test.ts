// What the terminal approver takes for an answer: words alone. The device, the vault and the service are real.
import { expect, test } from '@jest/globals';
import { type Decision, decide, EXIT, stoppable } from '../src/cli/decide.js';
import type { Terminal } from '../src/cli/output.js';
import { postAnswer, type XlockAnswer } from '../src/index.js';
import { idOf, registered } from './support.js';

async function login(answers: readonly (string | undefined)[]) {
  const { device, verifier, clock } = await registered({ clock: Date.now }, { clock: Date.now });
  const challenge = await verifier.createAuthChallenge({ userId: 'ada' });
  const lines: string[] = [];
  const questions: string[] = [];
  const sent: XlockAnswer[] = [];
  const left = [...answers];
  const terminal: Terminal = {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    async ask(question) {
      questions.push(question);
      return left.shift()?.replace('MATCH', challenge.match);
    },
  };
  const send = async (answer: XlockAnswer) => {
    sent.push(answer);
    await verifier.respond(answer);
  };
  const begin = async (more: Parameters<typeof decide>[5] = {}): Promise<Decision> =>
    decide(device, await device.view(challenge.text), challenge.text, send, terminal, more);
  return { begin, lines, questions, sent, verifier, challenge, clock, terminal, device };
}

test('the right host and digits approve, an empty answer denies', async () => {
  const good = await login(['acme.com', 'MATCH']);
  expect(await good.begin()).toBe('approved');
  expect(await good.verifier.verifyAuth(good.challenge.id)).toMatchObject({ ok: true });
  const empty = await login(['']);
  expect([await empty.begin(), empty.sent.map(({ decision }) => decision)]).toEqual(['denied', ['denied']]);
});

test('another host is denied at once: the digits are not asked for', async () => {
  const { begin, questions, lines, verifier, challenge } = await login(['evil.com', 'MATCH']);
  expect(EXIT[await begin()]).toBe(3);
  expect(questions).toHaveLength(1);
  expect(lines.join('\n')).toContain('DENIED: your browser is not at this service');
  expect(await idOf(verifier.verifyAuth(challenge.id))).toBe('RESPONSE_USER_REJECTED:ORIGIN');
});

test('a denial that does not reach the service is not told as one', async () => {
  const { begin, lines, terminal, challenge, device } = await login(['evil.com']);
  const shown = await device.view(challenge.text);
  const send = (answer: XlockAnswer) => postAnswer(answer, { ...shown, callback: 'https://evil.com/' });
  const deciding = decide(device, shown, challenge.text, send, terminal);
  expect(await idOf(deciding)).toBe('CHALLENGE_INVALID:ORIGIN'); // of the callback
  expect(lines.join('\n')).not.toContain('DENIED');
  expect(await begin({ said: { seen: 'acme.com', digits: challenge.match } })).toBe('approved'); // it is open still
});

test.each([[[undefined]], [['acme.com', undefined]]])(
  'input that is over is no denial, and is told what to pass: %j',
  async (answers) => {
    const { begin, sent } = await login(answers);
    await expect(begin()).rejects.toMatchObject({
      code: 'ERR_PARSE_ARGS_XLOCK',
      message: expect.stringContaining('--seen HOST and --digits NN'),
    });
    expect(sent).toEqual([]);
  },
);

test('Ctrl-C sends nothing', async () => {
  const { begin, sent, lines, terminal, challenge } = await login([]);
  Object.assign(terminal, {
    ask: (_question: string, signal: AbortSignal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined), { once: true });
        process.emit('SIGINT');
      }),
  });
  expect(await stoppable((stopped) => begin({ stopped }))).toBe('unanswered');
  expect([sent, lines.at(-1)]).toEqual([[], 'Not answered: nothing was sent.']);
  expect(await begin({ said: { seen: 'acme.com', digits: challenge.match } })).toBe('approved'); // it is open still
});
