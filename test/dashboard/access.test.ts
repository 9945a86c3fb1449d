import { describe, expect, jest, test } from '@jest/globals';
import type { DashboardOptions, XlinkError } from '@private.me/xlink';
import { accessOf, type Visitor } from '../../src/dashboard/access.js';
import { type FrozenClock, frozenClock } from '../support/clock.js';
import { thrownBy } from '../support/results.js';
import { adapterOf, PASSWORD } from './support.js';

jest.setTimeout(15_000);

const basic = (text: string): Visitor => ({
  authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  raw: {},
});
const nobody: Visitor = { authorization: undefined, raw: { name: 'nobody' } };

/** Asks once; 200 for whoever is let in. */
function door(options: DashboardOptions<never>, clock: FrozenClock = frozenClock(), timeLimitMs = 50) {
  const faults: XlinkError[] = [];
  const access = accessOf(options, { clock, onFault: (error) => faults.push(error), timeLimitMs });
  const knock = async (visitor: Visitor = nobody): Promise<number> => (await access(visitor))?.status ?? 200;
  return { knock, access, faults };
}

describe('the options', () => {
  test.each([
    ['nothing', {}, 'authorize'],
    ['two ways in', { password: PASSWORD, unsafeOpenToEveryone: true }, 'unsafeOpenToEveryone'],
    ['all three', { authorize: () => true, password: PASSWORD, unsafeOpenToEveryone: true }, 'password'],
    ['a short password', { password: 'fifteen charact' }, 'password'],
    ['open, but not quite', { unsafeOpenToEveryone: false }, 'unsafeOpenToEveryone'],
    ['a word for a function', { authorize: 'yes' }, 'authorize'],
    ['a misspelling', { pasword: PASSWORD }, 'pasword'],
    ['too fast', { password: PASSWORD, refreshMs: 10 }, 'refreshMs'],
    ['a misspelt report', { password: PASSWORD, report: { quiet: 1 } }, 'quiet'],
    ['actions of nobody', { unsafeOpenToEveryone: true, actions: true }, 'operatorOf'],
    ['actions that are a word', { password: PASSWORD, actions: 'yes' }, 'actions'],
    ['operators that are a word', { password: PASSWORD, actions: true, operatorOf: 'ada' }, 'operatorOf'],
    ['no plan', { password: PASSWORD, plan: {} }, 'plan'],
  ])('%s is refused', async (_, options, field) => {
    const adapter = await adapterOf();
    for (const mount of [
      () => adapter.dashboard(options as never),
      () => adapter.koaDashboard({ ...options, path: '/' } as never),
    ])
      expect(await thrownBy(mount)).toMatchObject({ id: 'INVALID_OPTION', field });
  });

  test('say what to do where nothing says who may see it', async () => {
    const adapter = await adapterOf();
    const { hint } = await thrownBy(() => adapter.dashboard({}));
    expect(hint).toBe('dashboard: say who may see it: authorize, password, or unsafeOpenToEveryone: true.');
  });

  test('in Koa want a path', async () => {
    const adapter = await adapterOf();
    const at = (path: unknown) => thrownBy(() => adapter.koaDashboard({ path, password: PASSWORD } as never));
    expect(await at(undefined)).toMatchObject({ id: 'INVALID_OPTION', field: 'path' });
    expect(await at('xlink')).toMatchObject({ id: 'INVALID_OPTION', field: 'path' });
  });
});

describe('authorize', () => {
  test('is given the request of the framework', async () => {
    const seen: unknown[] = [];
    const { knock } = door({
      authorize(raw: unknown) {
        seen.push(raw);
        return true;
      },
    } as DashboardOptions<never>);
    expect(await knock()).toBe(200);
    expect(seen).toEqual([nobody.raw]);
  });

  test.each([
    ['true', () => true, 200],
    ['a promise of true', async () => true, 200],
    ['false', () => false, 403],
    ['nothing', () => undefined, 403],
    ['a user, which is not an answer', () => ({ name: 'ada' }), 403],
    ['1', () => 1, 403],
    ['a promise of a word', async () => 'yes', 403],
    ['a throw', () => { throw new Error('down'); }, 503], // biome-ignore format: one line each
    ['a rejection', () => Promise.reject(new Error('down')), 503],
    ['no answer', () => new Promise(() => {}), 503],
  ])('%s', async (_, authorize, status) => {
    const { knock, faults } = door({ authorize } as never);
    expect(await knock()).toBe(status);
    expect(faults.length).toBe(status === 503 ? 1 : 0);
  });
});

describe('a password', () => {
  test.each([
    [`operator:${PASSWORD}`, 200],
    [`:${PASSWORD}`, 200],
    [`a:b:${PASSWORD}`, 401],
    [`operator:${PASSWORD} `, 401],
    [`operator:${PASSWORD.slice(1)}`, 401],
    ['operator:', 401],
    [PASSWORD, 401],
    ['', 401],
  ])('%j', async (text, status) =>
    expect(await door({ password: PASSWORD }).knock(basic(text))).toBe(status),
  );

  test('may hold colons and any letters', async () => {
    const password = 'pässwörd: mit Ümlaut 密';
    expect(await door({ password }).knock(basic(`x:${password}`))).toBe(200);
  });

  test.each([[undefined], ['Basic'], ['Basic ***'], [`Bearer ${PASSWORD}`], [PASSWORD]])(
    'is asked for where there is %j',
    async (authorization) => {
      const { access } = door({ password: PASSWORD });
      expect(await access({ authorization, raw: {} })).toMatchObject({
        status: 401,
        headers: { 'WWW-Authenticate': 'Basic realm="xLink dashboard", charset="UTF-8"' },
      });
    },
  );

  test('cannot be guessed at for long, one by one or all at once', async () => {
    for (const atOnce of [false, true]) {
      const clock = frozenClock();
      const { knock } = door({ password: PASSWORD }, clock);
      const guesses = Array.from({ length: 40 }, (_, i) => basic(`x:guess number ${i} of many`));
      const statuses: number[] = [];
      if (atOnce) statuses.push(...(await Promise.all(guesses.map(knock))));
      else for (const guess of guesses) statuses.push(await knock(guess));
      expect(statuses.filter((status) => status === 401)).toHaveLength(21);
      expect(statuses.filter((status) => status === 429)).toHaveLength(19);
      expect(await knock(basic(`x:${PASSWORD}`))).toBe(429);
      clock.advance(60_000);
      expect(await knock(basic(`x:${PASSWORD}`))).toBe(200);
    }
  });

  test('that was wrong and is sent over and over, as by a forgotten tab, keeps nobody out', async () => {
    const { knock } = door({ password: PASSWORD });
    for (let i = 0; i < 100; i++) expect(await knock(basic('x:the password of yesterday'))).toBe(401);
    expect(await knock(basic(`x:${PASSWORD}`))).toBe(200);
  });

  test('that is right may be sent as often as one likes', async () => {
    const { knock } = door({ password: PASSWORD });
    for (let i = 0; i < 200; i++) expect(await knock(basic(`x:${PASSWORD}`))).toBe(200);
  });
});
