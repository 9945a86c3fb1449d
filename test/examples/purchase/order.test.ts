import { describe, expect, test } from '@jest/globals';

const example = (file: string) => import(new URL(`../../../examples/purchase/${file}`, import.meta.url).href);
const { readWish, readEmail, emailOf, monthsAfter, hashOf } = await example('order.mjs');
const { idempotencyKeyOf, purchaseId } = await example('idempotency-key.mjs');
const { networkOf } = await example('limits.mjs');
const { timeline } = await example('timeline.mjs');

const RULES = { acis: ['xlink'], emailDomain: 'private.me' };
const GOOD = { aci: 'xlink', tier: 'basic', paymentMethod: 'pm_card_visa', email: 'ada@example.com' };

const failure = (run: () => unknown) => {
  try {
    return { value: run() };
  } catch (error) {
    const { code, field } = error as { code: string; field?: string };
    return { code, ...(field === undefined ? {} : { field }) };
  }
};

describe('an e-mail address', () => {
  test.each([
    ['ada@example.com', 'ada@example.com'],
    ["o'brien+tag@Sub.Example.co.uk", "o'brien+tag@sub.example.co.uk"],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
    ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
  ])('%s', (email, expected) => expect(readEmail(email)).toBe(expected));

  test.each([
    ...[
      '',
      'ada',
      '@example.com',
      'ada@',
      'ada@localhost',
      'a@b@example.com',
      'a b@example.com',
      '.a@example.com',
    ],
    ...['a..b@example.com', 'a@-example.com', 'a@example-.com', 'a@exam_ple.com', 'a@.com', 'a@example.com.'],
    ...[
      'a@example.com\n',
      'a\r\nBcc: b@example.com@example.com',
      'a\0@example.com',
      'a@exa\tmple.com',
      'a\u202e@example.com',
    ],
    ...['ä@example.com', '"a b"@example.com', 'a@[127.0.0.1]', `${'a'.repeat(65)}@example.com`],
    ...[`a@${'b'.repeat(64)}.com`, `a@${'b.'.repeat(130)}com`, 7, null, undefined, ['a@example.com'], {}],
  ])('%j is none', (email) =>
    expect(failure(() => readEmail(email))).toEqual({ code: 'ORDER_INVALID', field: 'email' }),
  );

  test('of an agent without one: that of its DID, for which a mailbox can be made', () => {
    const did = 'did:key:z6MkqRPZA5NuF9X5f1KVdLgasNAdbs8kBrTYStgCZ98QNAmQ';
    expect(readEmail(emailOf(did, 'private.me'))).toBe(
      'agent-z6MkqRPZA5NuF9X5f1KVdLgasNAdbs8kBrTYStgCZ98QNAmQ@private.me',
    );
  });
});

describe('an order', () => {
  test.each<[object, object]>([
    [{ aci: 'other' }, { field: 'aci' }],
    [{ aci: undefined }, { field: 'aci' }],
    [{ tier: 'gold' }, { field: 'tier' }],
    [{ tier: 'constructor' }, { field: 'tier' }],
    [{ paymentMethod: '' }, { field: 'paymentMethod' }],
    [{ paymentMethod: 'pm_1/../../customers' }, { field: 'paymentMethod' }],
    [{ paymentMethod: 'p'.repeat(129) }, { field: 'paymentMethod' }],
    [{ price: 0 }, {}],
    [JSON.parse('{"__proto__":{"tier":"basic"}}'), {}],
  ])('with %j is refused', (more, expected) => {
    const body = Object.assign(Object.create(null), GOOD);
    for (const [name, value] of Object.entries(more))
      Object.defineProperty(body, name, { value, enumerable: true, configurable: true });
    expect(failure(() => readWish({ body }, RULES))).toEqual({ code: 'ORDER_INVALID', ...expected });
  });

  test.each([[null], [[]], ['text'], [7]])('%j is none', (body) =>
    expect(failure(() => readWish({ body }, RULES))).toEqual({ code: 'BODY_INVALID' }),
  );

  test('an agent may leave the address away, nobody else may', () => {
    const { email: _, ...body } = GOOD;
    expect(readWish({ body, did: 'did:key:z6Mk' }, RULES)).toMatchObject({ email: 'agent-z6Mk@private.me' });
    expect(failure(() => readWish({ body }, RULES))).toEqual({ code: 'ORDER_INVALID', field: 'email' });
  });

  test('is the same whatever the order of its members, and no other one is', () => {
    const hash = hashOf(readWish({ body: GOOD }, RULES));
    expect(hashOf(readWish({ body: Object.fromEntries(Object.entries(GOOD).reverse()) }, RULES))).toBe(hash);
    expect(hashOf(readWish({ body: { ...GOOD, idempotencyKey: 'k' } }, RULES))).toBe(hash);
    for (const more of [{ tier: 'middle' }, { paymentMethod: 'pm_2' }, { email: 'b@example.com' }])
      expect(hashOf(readWish({ body: { ...GOOD, ...more } }, RULES))).not.toBe(hash);
  });
});

test.each([
  ['2025-01-01T12:00:00.900Z', '2025-04-01T12:00:00.000Z'],
  ['2025-01-31T23:59:59Z', '2025-04-30T23:59:59.000Z'],
  ['2025-11-30T00:00:00Z', '2026-02-28T00:00:00.000Z'],
  ['2027-11-30T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['2025-12-01T00:00:00Z', '2026-03-01T00:00:00.000Z'],
])('three months after %s', (from, to) => expect(monthsAfter(Date.parse(from), 3).toISOString()).toBe(to));

describe('the idempotency key', () => {
  test.each<[object, unknown]>([
    [{ body: {}, keyHeader: 'k1' }, 'k1'],
    [{ body: {}, keyHeader: '"k1"' }, 'k1'],
    [{ body: { idempotencyKey: 'k1' } }, 'k1'],
    [{ body: { idempotencyKey: 'k1' }, keyHeader: 'k1' }, 'k1'],
    [{ body: {}, envelopeId: 'n1' }, 'n1'],
    [{ body: {}, envelopeId: 'n1', keyHeader: 'k1' }, 'k1'],
  ])('of %j', (buyer, key) => expect(idempotencyKeyOf(buyer)).toBe(key));

  test.each<[object, string]>([
    [{ body: {} }, 'MISSING'],
    [{ body: { idempotencyKey: 'k1' }, keyHeader: 'k2' }, 'MISMATCH'],
    [{ body: {}, keyHeader: 'k1, k1' }, 'INVALID'], // two lines
    [{ body: {}, keyHeader: '' }, 'INVALID'],
    [{ body: {}, keyHeader: 'k'.repeat(256) }, 'INVALID'],
    [{ body: { idempotencyKey: 7 } }, 'INVALID'],
    [{ body: { idempotencyKey: 'k\n' } }, 'INVALID'],
    [{ body: { idempotencyKey: null } }, 'INVALID'],
  ])('%j is refused', (buyer, code) =>
    expect(failure(() => idempotencyKeyOf(buyer))).toEqual({ code: `IDEMPOTENCY_KEY_${code}` }),
  );

  test('of one buyer is never that of another', () => {
    const ids = [
      ['a', 'b'],
      ['a","b', ''],
      ['', 'a'],
      ['b', 'a'],
    ].map(([who, key]) => purchaseId(who, key));
    expect(new Set(ids).size).toBe(4);
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1::7', '2001:db8:0:1'],
  ['2001:DB8:0000:0001:ffff::', '2001:db8:0:1'],
  ['2001:db8::', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
])('the network of %s', (ip, network) => expect(networkOf(ip)).toBe(network));

test('before the timeline begins, e-mail is as free as on its first day', () => {
  expect(timeline(new Date(1000), () => 0).phase()).toBe('optional');
});
