import { describe, expect, test } from '@jest/globals';
import { RawSender, serveInbox } from './message-support.js';

describe('an envelope in the place of a message', () => {
  const target = (number: string) => `POST /xlink?xlink-supersedes=${number}`;
  const post = async (url: string, envelope: unknown) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/xlink-envelope' },
      body: JSON.stringify(envelope),
    });
    const text = await response.text();
    return text ? (JSON.parse(text) as { code: string }).code : response.status;
  };
  const make = (raw: RawSender, request: string) =>
    raw.agent.createEnvelope({ to: raw.inbox.agent.did, payload: 1, request });

  test('is taken where that one was not, which is refused from then on; and the other way round', async () => {
    const inbox = await serveInbox();
    const raw = await RawSender.of(inbox);
    const timestamp = Date.now();
    const sealed = await raw.seal({ seq: 3, timestamp });
    const number = `${raw.session.id}.3.${timestamp}`;
    const url = `${inbox.url}?xlink-supersedes=${number}`;
    expect(await post(url, await make(raw, target(number)))).toBe(204);
    expect(await raw.post(sealed)).toMatchObject({ code: 'REPLAY_DETECTED' });
    expect(await post(url, await make(raw, target(number)))).toBe('REPLAY_DETECTED');
    expect(inbox.messages).toHaveLength(1);
  });

  test.each([
    ['of another form', 'x', 'SESSION_MALFORMED'],
    ['that is too old', `${'A'.repeat(22)}.3.${Date.now() - 120_000}`, 'REPLAY_DETECTED'],
  ])('a number %s is refused', async (_, number, code) => {
    const inbox = await serveInbox();
    const raw = await RawSender.of(inbox);
    const url = `${inbox.url}?xlink-supersedes=${number}`;
    expect(await post(url, await make(raw, target(number)))).toBe(code);
    expect(inbox.messages).toEqual([]);
  });

  test('takes nobody else’s number, and none that its sender did not sign', async () => {
    const inbox = await serveInbox();
    const raw = await RawSender.of(inbox);
    const other = await RawSender.of(inbox);
    const timestamp = Date.now();
    const number = `${raw.session.id}.3.${timestamp}`;
    const url = `${inbox.url}?xlink-supersedes=${number}`;
    expect(await post(url, await make(other, target(number)))).toBe(204); // a number of its own that nobody uses
    expect(await post(url, await make(raw, 'POST /xlink'))).toBe('REQUEST_BINDING_MISMATCH');
    expect(await raw.send({ seq: 3, timestamp })).toMatchObject({ status: 204 });
  });

  test('is refused by a receiver without sessions, which cannot know', async () => {
    const inbox = await serveInbox();
    const raw = await RawSender.of(inbox);
    const without = await serveInbox({ agent: inbox.agent, sessions: false });
    const number = `${raw.session.id}.3.${Date.now()}`;
    const url = `${without.url}?xlink-supersedes=${number}`;
    expect(await post(url, await make(raw, target(number)))).toBe('SESSION_NOT_ACCEPTED');
  });
});
