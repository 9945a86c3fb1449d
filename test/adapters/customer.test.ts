import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { copyOf, frozenCopyOf, membersOf, ownedOf } from '../../src/adapters/customer.js';

const errorOf = (answer: unknown): string => {
  try {
    return `members ${Object.keys(membersOf(answer))}`;
  } catch (error) {
    return (error as { id: string }).id;
  }
};

describe('[A5] what a validator returns is taken for what it is', () => {
  const nobody: [string, unknown][] = [
    ['an error', new Error('no such key')],
    ['an error with members', Object.assign(new Error('no'), { clientId: 'acme' })],
    ['an error of another realm', runInNewContext('new Error("no")')],
    ['a boxed false', new Boolean(false)],
    ['a boxed true', new Boolean(true)],
    ['a boxed number', new Number(0)],
    ['a boxed text', new String('acme')],
    ['a boxed bigint', Object(1n)],
    ['a boxed symbol', Object(Symbol('acme'))],
    ['a list', [{ clientId: 'acme' }]],
    ['a list of another realm', runInNewContext('[{ clientId: "acme" }]')],
    ['bytes', new Uint8Array([1])],
    ['a Buffer', Buffer.from('acme')],
    ['a date', new Date(0)],
    ['a pattern', /acme/],
    ['a Map', new Map([['clientId', 'acme']])],
    ['a Set', new Set(['acme'])],
    ['a promise within a promise', Promise.resolve({ clientId: 'acme' })],
    ['an empty object', {}],
    ['an empty object without prototype', Object.create(null)],
    ['an empty row of a join', { id: null, name: null, plan: undefined }],
    ['an instance without members', new (class Customer {})()],
    [
      'an instance with methods only',
      new (class Customer {
        may() {
          return true;
        }
      })(),
    ],
    ['what a client of a service returns when it failed', { data: null, error: { message: 'no rows' } }],
    [
      'a result that holds an error',
      new (class Err {
        readonly error = 'no';
        isOk() {
          return false;
        }
      })(),
    ],
    [
      'a result of node-postgres',
      { command: 'SELECT', rowCount: 0, oid: null, rows: [], fields: [{ name: 'id' }] },
    ],
    [
      'one with a row',
      { command: 'SELECT', rowCount: 1, oid: null, rows: [{ id: 1 }], fields: [{ name: 'id' }] },
    ],
    ['a result without rows', { rows: [] }],
    ['a count', { count: '0' }],
    ['a count without a name', { 'count(*)': 0 }],
    ['a result of mysql2', [[{ id: 1 }], []]],
    [
      'a result header of mysql2',
      { fieldCount: 0, affectedRows: 1, insertId: 7, info: '', warningStatus: 0 },
    ],
    ['a result of SQL Server', { recordsets: [[]], recordset: [], output: {}, rowsAffected: [0] }],
    ['a result of D1', { success: true, results: [], meta: { duration: 1 } }],
    ['a result of DynamoDB', { $metadata: { httpStatusCode: 200 }, Item: undefined }],
    ['a list of DynamoDB', { Items: [], Count: 0, ScannedCount: 0 }],
    ['a result of Supabase', { data: null, error: null, count: null, status: 200 }],
    ['an answer of GraphQL', { data: { customer: null }, errors: undefined }],
    ['a list in data', { data: [{ id: 1 }], page: 1 }],
    ['a query snapshot', { docs: [], empty: true, size: 0 }],
    ['a search', { took: 3, hits: [] }],
    ['an answer of axios', { data: { valid: false }, status: 200, statusText: 'OK', headers: {} }],
    ['an answer of fetch', new Response('{"valid":false}')],
    [
      'a generator',
      (function* () {
        yield { id: 1 };
      })(),
    ],
    [
      'a cursor of MongoDB',
      new (class FindCursor {
        readonly namespace = 'db.keys';
        async *[Symbol.asyncIterator]() {}
        toArray() {
          return [];
        }
      })(),
    ],
    [
      'a query that was not carried out',
      new (class SelectQueryBuilder {
        readonly expressionMap = {};
        getOne() {
          return null;
        }
      })(),
    ],
    ['a text', 'acme'],
    ['true', true],
    ['a function', () => ({ clientId: 'acme' })],
  ];
  test.each(nobody)('%s names nobody', (_, answer) => {
    expect(errorOf(answer)).toBe('KEY_VALIDATOR_FAILED:INVALID_RESULT');
  });

  const honest: [string, object][] = [
    ['a document of MongoDB', { _id: { toHexString: () => 'a' }, items: [{ sku: 1 }], results: [] }],
    ['one with a list of its own', { clientId: 'acme', rows: [{ a: 1 }], data: null }],
    ['one named otherwise', { tenant: { name: 'acme' }, records: [] }],
    ['one without a name', { plan: 'free' }],
    ['one without a name and with lists', { plan: 'free', scopes: [], roles: ['a'], projects: [{ id: 1 }] }],
    ['one that is switched on', { clientId: 'acme', active: true, enabled: 1, valid: 'yes', revoked: false }],
    [
      'one of which nothing is known',
      { clientId: 'acme', active: null, deleted: 0, suspended: '', expired: 'no' },
    ],
    ['one that has times', { clientId: 'acme', revoked: null, expires: new Date(0), deletedAt: null }],
    ['one with counts', { id: 7, count: 3, rowCount: 1 }],
  ];
  test.each(honest)('%s is a customer', (_, answer) => {
    expect(errorOf(answer)).toBe(`members ${Object.keys(answer)}`);
  });

  const no: object[] = [
    { valid: 0 },
    { isValid: 'false' },
    { ok: '' },
    { active: false },
    { active: 0, id: 1 },
    { enabled: 'off', id: 1 },
    { exists: false, id: 'key' },
    { found: false, _id: 'key' },
    { success: 0n, id: 1 },
    { authorized: ' No ', id: 1 },
    { revoked: true },
    { revoked: 1, clientId: 'acme' },
    { disabled: 'true', clientId: 'acme' },
    { isSuspended: 'Y', clientId: 'acme' },
    { expired: true, clientId: 'acme' },
    { deleted: 't', clientId: 'acme' },
  ];
  test.each(no)('%p says no', (answer) => {
    expect(errorOf(answer)).toBe('API_KEY_INVALID');
  });

  const verdicts = ['ok', 'success', 'valid', 'isValid', 'authenticated', 'active', 'enabled'];
  test.each(verdicts)('an object whose %s is false says no, whatever else it holds', (name) => {
    expect(errorOf({ [name]: false, clientId: 'acme' })).toBe('API_KEY_INVALID');
    expect(errorOf({ [name]: true, clientId: 'acme' })).toBe(`members ${name},clientId`);
  });

  test('so does an instance whose getter says it', () => {
    class Verdict {
      readonly clientId = 'acme';
      get valid(): boolean {
        return false;
      }
    }
    expect(errorOf(new Verdict())).toBe('API_KEY_INVALID');
  });

  test('an error that is null is none', () => {
    expect(errorOf({ clientId: 'acme', error: null })).toBe('members clientId,error');
  });
});

describe('[A6] classes', () => {
  class Row {
    readonly #values: Record<string, unknown>;
    constructor(values: Record<string, unknown>) {
      this.#values = values;
    }
    get clientId(): unknown {
      return this.#values['id'];
    }
    get broken(): unknown {
      throw new Error('not loaded');
    }
    may(scope: string): boolean {
      return (this.#values['scopes'] as string[]).includes(scope);
    }
  }
  class Customer extends Row {
    plan = 'free';
    get scopes(): string[] {
      return ['orders:read'];
    }
    override get clientId(): unknown {
      return `customer ${super.clientId}`;
    }
  }
  const customer = () => new Customer({ id: 7, scopes: ['orders:read'] });

  test('getters over private members are read, those of the nearest class count, and one that throws is left out', () => {
    expect(membersOf(customer())).toEqual({
      clientId: 'customer 7',
      scopes: ['orders:read'],
      plan: 'free',
    });
  });

  test('methods work, and are not shown', () => {
    const { may, ...shown } = membersOf(customer()) as { may(scope: string): boolean };
    expect([may('orders:read'), may('orders:write')]).toEqual([true, false]);
    expect(shown).not.toHaveProperty('may');
    expect(Object.keys(membersOf(customer()))).not.toContain('may');
    const copied = frozenCopyOf(membersOf(customer())) as { may(scope: string): boolean };
    expect(copied.may('orders:read')).toBe(true);
  });

  test('a member called __proto__ is one like any other', () => {
    const members = copyOf(membersOf(JSON.parse('{"id":"acme","__proto__":{"admin":true}}')));
    expect(Object.getPrototypeOf(members)).toBe(Object.prototype);
    expect('admin' in members).toBe(false);
    expect(Object.keys(members)).toEqual(['id', '__proto__']);
  });
});

describe('[A6] copies', () => {
  test('have nothing of what a library hangs on symbols: it would be shared by all requests', () => {
    const own = Symbol('of a library');
    const row = { id: 'acme', [own]: { rows: [] }, plan: { [own]: [], name: 'free' } };
    for (const copied of [membersOf(row), frozenCopyOf(row), copyOf(Object.assign(Object.create(null), row))])
      expect(Object.getOwnPropertySymbols(copied)).toEqual([]);
    expect(Object.getOwnPropertySymbols(copyOf(row).plan)).toEqual([]);
  });

  const made = () => ({
    roles: ['a'],
    limits: { day: { calls: 5 } },
    since: new Date(0),
    tags: new Set(['x']),
  });

  test('share no list and no plain object with what they are made of, all the way down', () => {
    const original = made();
    const copied = copyOf(original);
    expect(copied).toEqual(original);
    copied.roles.push('admin');
    copied.limits.day.calls = 1e9;
    expect(original).toEqual(made());
    expect(copied.since).toBe(original.since);
    expect(copied.tags).toBe(original.tags);
  });

  test('take the place of what an object holds that is nobody else’s', () => {
    const original = made();
    const own = { ...original };
    expect(ownedOf(own)).toBe(own);
    expect(own).toEqual(original);
    own.roles.push('admin');
    own.limits.day.calls = 1e9;
    expect(original).toEqual(made());
    expect(own.since).toBe(original.since);
  });

  test('that are frozen cannot be changed, all the way down', () => {
    const original = made();
    const frozen = frozenCopyOf(original);
    expect(() => frozen.roles.push('admin')).toThrow(TypeError);
    expect(() => {
      frozen.limits.day.calls = 1e9;
    }).toThrow(TypeError);
    original.roles.push('b');
    expect(frozen.roles).toEqual(['a']);
  });

  test('of what holds itself hold themselves', () => {
    const original: Record<string, unknown> = { id: 'acme' };
    original['self'] = original;
    const copied = frozenCopyOf(original);
    expect(copied['self']).toBe(copied);
    expect(copied).not.toBe(original);
  });
});
