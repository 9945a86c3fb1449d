import { beforeEach, describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { RawCaller, type SigningApi, serveSessions, serveSigning, told } from './support.js';

const PATH = '/.well-known/xlink/session/checkpoint';
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a checkpoint that lies is refused, with an event', () => {
  let api: SigningApi;
  let caller: RawCaller;

  beforeEach(async () => {
    api = await serveSigning({ compare: true });
    caller = await RawCaller.of(api.url, api.registry);
    for (let i = 0; i < 4; i++) expect((await caller.call()).status).toBe(201);
  });

  const lastTold = () => told(api).at(-1);
  const refusedAs = (code: string) => ({ type: 'session-checkpoint', outcome: 'refused', reason: code });
  const other = Buffer.alloc(32, 7).toString('base64url');

  test.each([
    ['a leaf is another', 'LEAF', ({ leaves }) => ({ leaves: leaves.with(2, [2, other]) })],
    [
      'leaves change places',
      'LEAF',
      ({ leaves: [a, b, c, d] }) => ({ leaves: [a, b, [2, d![1]], [3, c![1]]] }),
    ],
    ['a number is left out', 'NUMBERS', ({ leaves: [a, b, , d] }) => ({ leaves: [a, b, d] })],
    ['the last number is left out', 'NUMBERS', ({ leaves }) => ({ leaves: leaves.slice(0, 3) })],
    ['a number comes twice', 'NUMBERS', ({ leaves: [a, b] }) => ({ leaves: [a, b, b, b] })],
    ['it begins later', 'NUMBERS', ({ leaves }) => ({ from: 1, leaves: leaves.slice(1) })],
    ['it ends before it begins', 'NUMBERS', () => ({ to: 0, leaves: [], from: 1 })],
    [
      'it has more numbers than there can be',
      'NUMBERS',
      () => ({ to: 300, leaves: numbers(0, 300).map((seq) => [seq, other]) }),
    ],
    ['it follows another one', 'PREVIOUS', () => ({ previous: other })],
    ['it names another session', 'OTHER_SESSION', () => ({ sid: Buffer.alloc(16).toString('base64url') })],
  ] as [string, string, Parameters<RawCaller['checkpoint']>[0]][])('%s: %s', async (_, subCode, change) => {
    const code = `SESSION_CHECKPOINT_INVALID:${subCode}`;
    expect(await caller.checkpoint(change)).toBe(code);
    expect(lastTold()).toMatchObject(refusedAs(code));
    expect(api.kept).toEqual([]);
  });

  test.each([
    ['it is none', () => ({ checkpoint: 2 })],
    ['its leaves are none', () => ({ leaves: [[0, 'AA']] })],
    ['its numbers are none', () => ({ from: -1 })],
    ['its numbers are larger than any', () => ({ to: 65_537 })],
    ['it has too many leaves', () => ({ leaves: numbers(0, 5000).map((seq) => [seq, other]) })],
  ] as [string, Parameters<RawCaller['checkpoint']>[0]][])('%s', async (_, change) => {
    expect(await caller.checkpoint(change)).toBe('SESSION_CHECKPOINT_INVALID');
    expect(lastTold()).toMatchObject(refusedAs('SESSION_CHECKPOINT_INVALID'));
  });

  test('its target does not name it', async () => {
    const named = () => 'something else';
    expect(await caller.checkpoint(undefined, { named })).toBe('SESSION_CHECKPOINT_INVALID');
  });

  test('it is that of another caller, or of another session of the same one', async () => {
    const thief = await Agent.quickstart({ registry: api.registry, sendScopes: ['*'] });
    await RawCaller.open(thief, api.url);
    expect(await caller.checkpoint(undefined, { agent: thief })).toBe(
      'SESSION_CHECKPOINT_INVALID:OTHER_SESSION',
    );
    const again = await caller.again();
    const { ticket } = again.session;
    expect(await caller.checkpoint(() => ({ ticket: Buffer.from(ticket).toString('base64url') }))).toBe(
      'SESSION_CHECKPOINT_INVALID:OTHER_SESSION',
    );
  });

  test('it is an older one, or a second one in the same place', async () => {
    const { ticket } = caller.session;
    const { head } = caller.session.checkpoints!;
    const old = { ticket: Buffer.from(ticket).toString('base64url') };
    const first = await caller.checkpoint();
    expect(first).toMatchObject({ to: 4, compared: 4 });
    await caller.call();
    // with the new ticket, what was signed before; with the old one, something else in its place
    expect(await caller.checkpoint(() => ({ from: 0, to: 0, leaves: [] }))).toBe(
      'SESSION_CHECKPOINT_INVALID:NUMBERS',
    );
    const fork = {
      ...old,
      from: 0,
      to: 1,
      leaves: [[0, other]],
      previous: Buffer.from(head).toString('base64url'),
    };
    expect(await caller.checkpoint(() => fork)).toBe('SESSION_CHECKPOINT_INVALID:REPEATED');
    expect(await caller.checkpoint()).toMatchObject({ to: 5 });
  });

  test('of 20 at once that follow the same one, one counts', async () => {
    const racers = Array.from({ length: 20 }, () => caller.at(api.url));
    const outcomes = await Promise.all(racers.map((racer) => racer.checkpoint()));
    expect(outcomes.filter((outcome) => typeof outcome === 'object')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'SESSION_CHECKPOINT_INVALID:REPEATED')).toHaveLength(19);
    expect(api.kept).toHaveLength(1);
  });

  test('without compare, a leaf is believed: it is the word of the caller', async () => {
    const believing = await serveSigning();
    const liar = await RawCaller.of(believing.url, believing.registry);
    await liar.call();
    expect(await liar.checkpoint(() => ({ leaves: [[0, other]] }))).toMatchObject({ to: 1, compared: 0 });
  });

  test('the route is not for sessions, and not there without checkpoints', async () => {
    const sealed = await caller.seal({ path: PATH });
    expect((await caller.send(sealed)).code).toBe('SESSION_NOT_ACCEPTED');
    const without = await serveSessions({ checkpoints: false });
    const one = await RawCaller.of(without.url, without.registry);
    expect(one.session.checkpoints).toBeUndefined();
    for (const seq of [0, 300, 60_000]) expect((await one.call({ seq })).status).toBe(201);
  });
});
