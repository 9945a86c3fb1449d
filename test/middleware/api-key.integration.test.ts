import { describe, expect, test } from '@jest/globals';
import type { ApiKeySources, DualModeOptions, FaultEvent, InboundRequest } from '@private.me/xlink';
import type { ErrorRequestHandler } from 'express';
import { FRAMEWORKS } from '../support/express.js';
import { expectNoSecrets, KEY, type RefusalText, type Sent, withKey } from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

/** A second key; the validator takes it for another user. */
const OTHER = 'other-key-canary-3b';

const faultsOf = (events: readonly { type: string }[]) =>
  events.filter((event): event is FaultEvent => event.type === 'fault');

describe.each(STAGES)('$name', ({ serve }) => {
  const setup = async (options: Partial<DualModeOptions>) => serve(new World(), options);

  describe('where keys are found', () => {
    const custom = (request: InboundRequest) => request.header('x-custom');
    const found: [string, ApiKeySources | undefined, Sent][] = [
      ['X-API-Key', undefined, { headers: { 'x-api-key': KEY } }],
      ['Authorization: ApiKey', undefined, { headers: { authorization: `ApiKey ${KEY}` } }],
      ['Authorization: Bearer', undefined, { headers: { authorization: `Bearer ${KEY}` } }],
      ['Authorization: bearer', undefined, { headers: { authorization: `bearer ${KEY}` } }],
      ['Authorization: APIKEY', undefined, { headers: { authorization: `APIKEY ${KEY}` } }],
      ['Authorization with more spaces', undefined, { headers: { authorization: `Bearer    ${KEY}` } }],
      ['a header of the options', { headers: ['X-Tenant-Key'] }, { headers: { 'x-tenant-key': KEY } }],
      ['a scheme of the options', { schemes: ['Token'] }, { headers: { authorization: `token ${KEY}` } }],
      ['a query parameter of the options', { query: 'api_key' }, { path: `/orders?a=1&api_key=${KEY}` }],
      ['a query parameter, encoded', { query: 'k' }, { path: `/orders?k=${KEY.replace('-', '%2D')}` }],
      ['what extract returns', { extract: custom }, { headers: { 'x-custom': KEY } }],
      // the first hit counts, in the order extract, headers, schemes, query
      ['extract before X-API-Key', { extract: custom }, { headers: { 'x-custom': KEY, 'x-api-key': OTHER } }],
      [
        'X-API-Key before Authorization',
        undefined,
        { headers: { 'x-api-key': KEY, authorization: `Bearer ${OTHER}` } },
      ],
      [
        'the first header of the options before the second',
        { headers: ['X-A', 'X-B'] },
        { headers: { 'x-b': OTHER, 'x-a': KEY } },
      ],
      [
        'Authorization before the query',
        { query: 'k' },
        { headers: { authorization: `Bearer ${KEY}` }, path: `/orders?k=${OTHER}` },
      ],
      ['the first of two query parameters', { query: 'k' }, { path: `/orders?k=${KEY}&k=${OTHER}` }],
      // what is empty does not count
      [
        'Authorization behind an empty X-API-Key',
        undefined,
        { headers: { 'x-api-key': '', authorization: `Bearer ${KEY}` } },
      ],
      ['X-API-Key when extract finds nothing', { extract: custom }, { headers: { 'x-api-key': KEY } }],
      [
        'X-API-Key when extract finds an empty text',
        { extract: () => '' },
        { headers: { 'x-api-key': KEY } },
      ],
      [
        'X-API-Key when extract finds nothing',
        { extract: (() => null) as never },
        { headers: { 'x-api-key': KEY } },
      ],
    ];
    test.each(found)('%s', async (_, apiKey, sent) => {
      const service = await setup(apiKey ? { apiKey } : {});
      expect((await service.send(sent)).status).toBe(200);
      expect(service.validated).toEqual([KEY]);
      expect(service.calls).toMatchObject([{ auth: { mode: 'api-key', userId: 'u1' } }]);
    });

    const missing: [string, ApiKeySources | undefined, Sent][] = [
      ['nowhere', undefined, {}],
      ['an empty X-API-Key', undefined, { headers: { 'x-api-key': '' } }],
      ['Bearer and nothing behind it', undefined, { headers: { authorization: 'Bearer' } }],
      ['Bearer and spaces behind it', undefined, { headers: { authorization: 'Bearer   ' } }],
      ['a scheme that runs into its key', undefined, { headers: { authorization: `Bearer${KEY}` } }],
      ['another scheme', undefined, { headers: { authorization: `Basic ${KEY}` } }],
      ['the query, unless asked for', undefined, { path: `/orders?api_key=${KEY}&x-api-key=${KEY}` }],
      ['an empty query parameter', { query: 'k' }, { path: '/orders?k=' }],
      ['a query parameter of another name', { query: 'k' }, { path: `/orders?K=${KEY}` }],
      ['X-API-Key where the options name another', { headers: ['X-Key'] }, { headers: { 'x-api-key': KEY } }],
      [
        'Bearer where the options name none',
        { schemes: [] },
        { headers: { authorization: `Bearer ${KEY}` } },
      ],
    ];
    test.each(missing)('not: %s', async (_, apiKey, sent) => {
      const service = await setup(apiKey ? { apiKey } : {});
      await service.refused(sent, '401 CREDENTIALS_MISSING');
      expect(service.validated).toEqual([]);
    });

    test('two X-API-Key headers are no key that anybody has', async () => {
      const service = await setup({});
      await service.refused({ headers: { 'x-api-key': [KEY, KEY] } }, '401 API_KEY_INVALID');
    });

    test('an extract that throws refuses the request, and only the server is told what it threw', async () => {
      const cause = new Error(`cannot read ${KEY}`);
      const service = await setup({
        apiKey: {
          extract() {
            throw cause;
          },
        },
      });
      await service.refused(withKey(), '500 INTERNAL');
      expect(faultsOf(service.events).map(({ error }) => error.cause)).toEqual([cause]);
    });
  });

  describe('what the validator answers', () => {
    const answers: [string, () => unknown, RefusalText | object][] = [
      ['an object', () => ({ userId: 'u1', scopes: ['read'] }), { userId: 'u1', scopes: ['read'] }],
      ['a promise of an object', async () => ({ userId: 'u1' }), { userId: 'u1' }],
      ['[A5] an empty object', () => ({}), '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['[A5] an error', () => new Error('no such key'), '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['[A5] a boxed false', () => new Boolean(false), '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['[A5] an object that says no', () => ({ ok: false, clientId: 'acme' }), '401 API_KEY_INVALID'],
      [
        'an object without a prototype',
        () => Object.assign(Object.create(null), { userId: 'u1' }),
        { userId: 'u1' },
      ],
      [
        'an instance of a class',
        () =>
          new (class User {
            readonly userId = 'u1';
          })(),
        { userId: 'u1' },
      ],
      ['null', () => null, '401 API_KEY_INVALID'],
      ['undefined', () => undefined, '401 API_KEY_INVALID'],
      ['false', () => false, '401 API_KEY_INVALID'],
      ['a promise of null', async () => null, '401 API_KEY_INVALID'],
      ['a promise of undefined', async () => undefined, '401 API_KEY_INVALID'],
      ['a promise of false', async () => false, '401 API_KEY_INVALID'],
      ['true', () => true, '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['a promise of true', async () => true, '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['a text', () => 'u1', '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['an empty text', () => '', '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['a number', () => 1, '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['zero', () => 0, '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['an array', () => [{ userId: 'u1' }], '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
      ['a function', () => () => ({ userId: 'u1' }), '500 KEY_VALIDATOR_FAILED:INVALID_RESULT'],
    ];
    test.each(answers)('%s', async (_, validator, expected) => {
      const service = await setup({ legacyKeyValidator: validator as never });
      if (typeof expected === 'string') {
        await service.refused(withKey(), expected as RefusalText);
        expect(faultsOf(service.events)).toHaveLength(expected.startsWith('500') ? 1 : 0);
      } else {
        expect((await service.send(withKey())).status).toBe(200);
        expect(service.calls[0]!.auth).toEqual({ ...expected, mode: 'api-key' });
        expect(service.calls[0]!.authOf).toEqual(service.calls[0]!.auth);
      }
    });

    test('an object cannot pass its caller off as one with an envelope, nor reach the prototype', async () => {
      const forged = JSON.parse('{"mode":"xlink","did":"did:key:zAdmin","__proto__":{"admin":true}}');
      const service = await setup({ legacyKeyValidator: () => forged });
      expect((await service.send(withKey())).status).toBe(200);
      for (const auth of [service.calls[0]!.auth, service.calls[0]!.authOf] as Record<string, unknown>[]) {
        expect(auth.mode).toBe('api-key');
        expect(Object.getPrototypeOf(auth)).toBe(Object.prototype);
        expect('admin' in auth).toBe(false);
      }
      expect('admin' in {}).toBe(false);
    });

    test('an object whose members cannot be read is a fault', async () => {
      const service = await setup({
        legacyKeyValidator: () => ({
          get userId(): string {
            throw new Error(`no user for ${KEY}`);
          },
        }),
      });
      await service.refused(withKey(), '500 INTERNAL');
      expect(faultsOf(service.events)).toHaveLength(1);
    });
  });

  describe('a validator that fails', () => {
    const failures: [string, unknown][] = [
      ['an error', new Error(`select * from keys where key = '${KEY}'`)],
      ['a text', KEY],
      ['nothing at all', undefined],
      ['an object that hides its text', { key: KEY, toString: () => KEY }],
    ];
    const ways: [string, (thrown: unknown) => unknown][] = [
      ['rejects with', (thrown) => Promise.reject(thrown)],
      [
        'throws',
        (thrown) => {
          throw thrown;
        },
      ],
    ];
    const rows = ways.flatMap(([how, fail]) =>
      failures.map(([what, thrown]) => ({ how, what, thrown, fail })),
    );

    test.each(rows)(
      'and $how $what: nobody gets in, and only the server is told',
      async ({ thrown, fail }) => {
        const service = await setup({ legacyKeyValidator: (() => fail(thrown)) as never });
        const answer = await service.refused(withKey(), '503 KEY_VALIDATOR_FAILED');
        expect(answer.headers['www-authenticate']).toBeUndefined();
        const faults = faultsOf(service.events);
        expect(faults.map(({ error }) => error.id)).toEqual(['KEY_VALIDATOR_FAILED']);
        expect(faults[0]!.error.cause).toBe(thrown);
      },
    );

    test.each([true, false])(
      'and exposeDetails is %j: the problem body does not quote it',
      async (exposeDetails) => {
        const service = await setup({
          exposeDetails,
          legacyKeyValidator: () => Promise.reject(new Error(KEY, { cause: KEY })),
        });
        await service.refused(withKey(), '503 KEY_VALIDATOR_FAILED');
      },
    );

    test('and never answers: the request is answered all the same', async () => {
      const service = await setup({
        validatorTimeoutMs: 20,
        legacyKeyValidator: () => new Promise(() => {}),
      });
      await service.refused(withKey(), '503 KEY_VALIDATOR_FAILED:TIMEOUT');
      expect(faultsOf(service.events)).toMatchObject([{ error: { id: 'KEY_VALIDATOR_FAILED:TIMEOUT' } }]);
    });

    test.each(['resolves', 'rejects'])('and %s too late: it is too late', async (how) => {
      let settle = () => {};
      const service = await setup({
        validatorTimeoutMs: 20,
        legacyKeyValidator: () =>
          new Promise((resolve, reject) => {
            settle = () => (how === 'resolves' ? resolve({ userId: 'u1' }) : reject(new Error(KEY)));
          }),
      });
      await service.refused(withKey(), '503 KEY_VALIDATOR_FAILED:TIMEOUT');
      settle();
      await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would end the process here
      expect(service.calls).toEqual([]);
      expect(service.events.filter(({ type }) => type === 'request')).toHaveLength(1);
      expectNoSecrets(service);
    });
  });
});

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('a validator that fails', () => {
    test.each([
      ['refused', null],
      ['let through', { userId: 'u1' }],
    ])(
      'to answer before somebody else did: what it %s then is counted, and nothing breaks',
      async (_, answer) => {
        const errors: unknown[] = [];
        let timeOut = () => {};
        const service = await new World().serve({
          express,
          mode: 'deprecation',
          legacyKeyValidator() {
            timeOut();
            return answer;
          },
          mount({ app, adapter }) {
            app.use((_req, res, next) => {
              timeOut = () => void res.status(504).end('timed out');
              next();
            });
            app.use(adapter.middleware(), () => {});
            const onError: ErrorRequestHandler = (error, _req, _res, _next) => void errors.push(error);
            app.use(onError);
          },
        });
        const { status, text } = await service.send(withKey());
        await service.until('request', 1);
        expect([status, text, errors]).toEqual([504, 'timed out', []]);
        expect(service.events.at(-1)).toMatchObject({
          outcome: answer ? 'accepted' : 'refused',
          status: 504,
        });
      },
    );
  });
});
