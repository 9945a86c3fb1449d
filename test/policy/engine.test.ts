import { describe, expect, test } from '@jest/globals';
import {
  type PolicyDocument,
  PolicyEngine,
  type PolicyEngineOptions,
  type PolicyRequest,
  type PolicyRule,
} from '@private.me/xlink';
import { HOUR } from '../support/clock.js';
import { thrownBy } from '../support/results.js';
import { asked, byKey, DID, NOON } from './requests.js';

const quiet = { onWarning: () => {} };
const made = (rules: readonly PolicyRule[], more: PolicyEngineOptions = {}) =>
  PolicyEngine.create({ rules, ...quiet, ...more });
const saidOf = async (engine: PolicyEngine, request: PolicyRequest) => {
  const { effect, error } = await engine.decide(request);
  return error?.id ?? effect;
};

describe('a rule', () => {
  const conditions: readonly [PolicyRule, PolicyRequest, PolicyRequest][] = [
    [{ scope: 'finance' }, asked(), asked({ scopes: ['orders'] })],
    [{ scope: 'finance:*' }, asked({ scopes: ['finance:pay'] }), asked()],
    [{ scope: ['a', 'finance'] }, asked(), asked({ scopes: [] })],
    [{ scope: 'finance' }, asked({ scopes: ['*'] }), asked({ scopes: ['financed'] })],
    [{ scope: 'finance' }, asked({ scopes: ['orders', 'finance'] }), byKey({ scopes: [] })],
    [{ from: DID }, asked(), byKey()],
    [{ client: 'acme' }, byKey(), asked({ client: 'bolt' })],
    [{ route: '/payments' }, asked(), asked({ target: '/paymentsx' })],
    [{ route: '/payments' }, asked({ target: '/x/..%2fpayments/1' }), asked({ target: '/x' })],
    [{ route: '/payments', method: 'post' }, asked(), asked({ method: 'GET' })],
    [{ method: 'GET' }, asked({ method: 'HEAD' }), asked()],
    [{ time: { days: ['mon'] } }, asked(), asked({ at: NOON + 24 * HOUR })],
    [{ time: { from: '12:00', until: '13:00' } }, asked(), asked({ at: NOON + HOUR })],
    [
      { time: { from: '22:00', until: '06:00', days: ['mon'] } },
      asked({ at: NOON + 17 * HOUR }),
      asked({ at: NOON - 7 * HOUR }),
    ],
    [{ time: { from: '13:00', until: '14:00', zone: 'Europe/Berlin' } }, asked(), asked({ at: NOON + HOUR })],
    [{ amount: { above: 1000 } }, asked({ amount: 1001 }), asked({ amount: 1000 })],
    [{ amount: { above: 1000 } }, asked({ amount: 'unknown' }), asked()],
    [{ amount: { above: 1000 } }, asked({ amount: Number.NaN }), asked({ amount: -5 })],
    [{ amount: { above: 1000 } }, asked({ amount: -5000 }), asked({ amount: -1000 })],
    [{ amount: { above: 1000 } }, asked({ amount: '5' as never }), asked({ amount: 0 })],
    [{ amount: { above: 1000 } }, asked({ amount: null as never }), asked()],
    [{ amount: { above: 10, atMost: 20 } }, asked({ amount: 20 }), asked({ amount: 21 })],
  ];

  test.each(conditions)('%j is about the one and not about the other', async (rule, about, other) => {
    const engine = await made([{ ...rule, effect: 'deny' }]);
    expect([await saidOf(engine, about), await saidOf(engine, other)]).toEqual(['POLICY_DENIED', 'allow']);
  });

  test('lets nothing through that it cannot be sure about', async () => {
    const engine = await made([{ amount: { atMost: 100 }, scope: 'finance' }], { otherwise: 'deny' });
    const said = (more: Partial<PolicyRequest>) => saidOf(engine, asked(more));
    expect(await said({ amount: 100 })).toBe('allow');
    expect(await said({ amount: 'unknown' })).toBe('POLICY_DENIED');
    expect(await said({ amount: 100, scopes: ['*'] })).toBe('POLICY_DENIED');
    expect(await said({ amount: 100, scopes: ['finance', 'orders'] })).toBe('POLICY_DENIED');
  });

  test('that denies wins, wherever it stands', async () => {
    const [allow, deny]: [PolicyRule, PolicyRule] = [
      { scope: 'finance' },
      { client: 'acme', effect: 'deny' },
    ];
    for (const rules of [
      [allow, deny],
      [deny, allow],
    ])
      expect(await saidOf(await made(rules, { otherwise: 'deny' }), asked())).toBe('POLICY_DENIED');
  });
});

describe('a rule that only requires something', () => {
  const only: PolicyRule = { id: 'ops', client: 'ops', method: 'DELETE' };
  const rate: PolicyRule = { id: 'rate', require: ['rate-limit'] };
  const deleting = (client: string) => asked({ client, method: 'DELETE' });

  test('lets nothing through that no other rule does', async () => {
    const engine = await made([only, rate], { otherwise: 'deny' });
    expect(await saidOf(engine, deleting('ops'))).toBe('allow');
    expect(await saidOf(engine, deleting('acme'))).toBe('POLICY_DENIED');
    expect(engine.findings).toEqual([]);
    const tried = await engine.dryRun([deleting('acme'), deleting('ops')]);
    expect(tried.refusals).toEqual([{ index: 0, reason: 'POLICY_DENIED' }]);
    expect(engine.explain(deleting('acme'))).toMatchObject({
      effect: 'deny',
      why: "No rule allows it, and otherwise is deny. Rule rate only requires something: it has no effect: 'allow'.",
      rules: [
        { rule: 'ops', effect: 'allow', match: 'no' },
        { rule: 'rate', effect: 'require', match: 'yes' },
      ],
    });
  });

  test('allows what it is about if it says so', async () => {
    const engine = await made([only, { ...rate, effect: 'allow' }], { otherwise: 'deny' });
    expect(await saidOf(engine, deleting('acme'))).toBe('allow');
  });
});

describe('what is wrong with a policy', () => {
  test.each([
    [{ scopes: 'a' }, 'rules[0].scopes', 'did you mean scope?'],
    [{ require: ['2fa'] }, 'rules[0].require[0]', 'one of 2FA'],
    [{ require: '2FA' }, 'rules[0].require', 'a list'],
    [{ effect: 'Deny' }, 'rules[0].effect', 'one of allow, deny'],
    [{ scope: [] }, 'rules[0].scope', 'not empty'],
    [{ amount: { atMost: -1 } }, 'rules[0].amount.atMost', 'without their sign'],
    [{ from: 'acme' }, 'rules[0].from', 'did:key'],
    [{ route: '/a/:id' }, 'rules[0].route', 'prefix'],
    [{ time: { from: '8:00' } }, 'rules[0].time.from', 'time of day'],
    [{ time: { zone: 'Mars/Olympus' } }, 'rules[0].time.zone', 'IANA'],
    [{ amount: { above: '5' } }, 'rules[0].amount.above', 'a number'],
    [{ amount: { above: 5, atMost: 5 } }, 'rules[0].amount', 'no amount'],
    [{ amount: {} }, 'rules[0].amount', 'names no amount'],
    [{ limits: {} }, 'rules[0].limits', 'names no limit'],
    [{ limits: { requestsPerMinute: 0 } }, 'rules[0].limits.requestsPerMinute', 'whole number'],
    [{ effect: 'deny', require: ['2FA'] }, 'rules[0].require', 'does nothing'],
    [[], 'rules[0]', 'an object'],
  ])('%j', async (rule, field, text) => {
    const error = await thrownBy(() => made([rule as PolicyRule]));
    expect([error.id, error.field]).toEqual(['POLICY_INVALID', field]);
    expect(error.message).toContain(text);
  });

  test('names of rules are their own', async () => {
    const error = await thrownBy(() => made([{ id: 'rule-2' }, {}]));
    expect(error.field).toBe('rules[1].id');
  });

  test('is said with its line, where it came as text', async () => {
    const text =
      '{\n  "rules": [\n    { "scope": "a" },\n    {\n      "scope": "b",\n      "requre": ["2FA"]\n    }\n  ]\n}';
    const error = await thrownBy(() => PolicyEngine.create({ source: { load: () => text }, ...quiet }));
    expect(error.message).toContain(
      'line 6, rules[1].requre: there is no member requre; did you mean require?',
    );
    const twice = '{ "rules": [\n{ "effect": "deny",\n "effect": "allow" }] }';
    expect(
      (await thrownBy(() => PolicyEngine.create({ source: { load: () => twice }, ...quiet }))).message,
    ).toContain('line 3, rules[0].effect: is there twice');
    const broken = await thrownBy(() => PolicyEngine.create({ source: { load: () => '{' }, ...quiet }));
    expect([broken.id, broken.cause instanceof SyntaxError]).toEqual(['POLICY_INVALID', true]);
  });

  test.each([
    [
      'contradictory',
      [
        { scope: 'a', require: ['2FA'] },
        { scope: 'a', effect: 'deny' },
      ],
      'allow',
    ],
    [
      'unreachable',
      [
        { scope: 'a:b', require: ['mutual-trust'] },
        { scope: 'a:*', effect: 'deny' },
      ],
      'allow',
    ],
    [
      'unreachable',
      [
        { route: '/a', effect: 'deny' },
        { route: '/a/b', method: 'GET', effect: 'deny' },
      ],
      'allow',
    ],
    ['idle', [{ scope: 'a' }], 'allow'],
    ['closed', [], 'deny'],
    ['requiring', [{ scope: 'a' }, { scope: 'b', limits: { requestsPerDay: 1 } }], 'deny'],
    ['closed', [{ effect: 'deny' }], 'deny'],
    ['broad', [{ amount: { above: 1 }, require: ['2FA'] }], 'allow'],
  ] as const)('%s', async (kind, rules, otherwise) => {
    const engine = await made(rules as readonly PolicyRule[], { otherwise, approve: () => true });
    expect(engine.findings.map((finding) => finding.kind)).toEqual([kind]);
  });

  test('rules that do not meet are not reported', async () => {
    const engine = await made([
      { scope: 'a', route: '/x', limits: { requestsPerDay: 1 } },
      { scope: 'a', route: '/x/y', effect: 'deny' },
      { scope: 'a', amount: { above: 10 }, effect: 'deny' },
      { scope: 'b', time: { days: ['sun'] }, effect: 'deny' },
    ]);
    expect(engine.findings).toEqual([]);
  });
});

describe('explain', () => {
  test('says which rule, and why', async () => {
    const engine = await made([
      { id: 'night', time: { from: '22:00', until: '06:00' }, effect: 'deny', why: 'nobody is there' },
      {
        id: 'big',
        scope: 'finance',
        amount: { above: 1000 },
        require: ['2FA'],
        limits: { requestsPerDay: 5 },
      },
    ]);
    const night = engine.explain(asked({ at: NOON + 11 * HOUR }));
    expect([night.effect, night.rule, night.why]).toEqual([
      'deny',
      'night',
      'Rule night denies it for the scope finance: nobody is there',
    ]);
    const big = engine.explain(asked({ amount: 'unknown' }));
    expect(big).toMatchObject({
      effect: 'allow',
      why: 'No rule denies it, and otherwise is allow.',
      require: [{ requirement: '2FA', rule: 'big' }],
      limits: [{ rule: 'big', limits: { requestsPerDay: 5 } }],
      rules: [
        { rule: 'night', match: 'no', not: ['time'] },
        { rule: 'big', match: 'maybe', not: [] },
      ],
    });
  });
});

describe('before it is enforced', () => {
  test('it observes: reports what it would refuse, asks nobody and writes nothing', async () => {
    const told: unknown[] = [];
    const approve = () => {
      throw new Error('asked');
    };
    const engine = await made([{ id: 'pay', require: ['2FA', 'mutual-trust'] }], {
      mode: 'observe',
      approve,
    });
    engine.onEvent((event) => told.push(event));
    expect(await saidOf(engine, asked())).toBe('allow');
    expect(await saidOf(engine, byKey())).toBe('allow');
    engine.setMode('enforce', { by: 'ops' });
    expect(await saidOf(engine, byKey())).toBe('POLICY_UNMET:MUTUAL_TRUST');
    const decision = {
      type: 'policy-decision',
      reason: 'POLICY_UNMET:MUTUAL_TRUST',
      rule: 'pay',
      revision: 1,
      client: 'acme',
    };
    expect(told).toMatchObject([
      { type: 'policy', outcome: 'in-force', mode: 'observe', rules: 1 },
      { ...decision, outcome: 'would-refuse' },
      { type: 'policy', mode: 'enforce', by: 'ops' },
      { ...decision, outcome: 'refused' },
    ]);
  });

  test('it runs over recorded traffic', async () => {
    const recorded: PolicyRequest[] = [];
    const engine = await made([], { record: (request) => recorded.push(request) });
    for (const request of [asked(), byKey(), asked({ at: NOON + 1 }), asked({ at: NOON + HOUR })])
      await engine.decide(request);
    const document: PolicyDocument = {
      rules: [
        { id: 'one', scope: 'finance', limits: { requestsPerMinute: 1 }, require: ['signature-now'] },
        { id: 'none', scope: 'x', effect: 'deny' },
      ],
    };
    expect(await engine.dryRun(JSON.parse(JSON.stringify(recorded)), document)).toEqual({
      requests: 4,
      refused: 2,
      rules: { one: 4, none: 0 },
      required: { 'signature-now': 4 },
      assumed: [],
      refusals: [
        { index: 1, reason: 'POLICY_UNMET:SIGNATURE_NOW', rule: 'one' },
        { index: 2, reason: 'POLICY_LIMIT_EXCEEDED', rule: 'one' },
      ],
    });
    expect((await engine.dryRun(recorded)).refused).toBe(0);
  });

  test('takes approvals and the log as given, and says so', async () => {
    const engine = await made([{ require: ['2FA', 'audit-log', 'mutual-trust'] }]);
    expect(await engine.dryRun([asked(), asked({ mutualTrust: false })])).toMatchObject({
      refused: 1,
      assumed: ['2FA', 'audit-log'],
      refusals: [{ index: 1, reason: 'POLICY_UNMET:MUTUAL_TRUST' }],
    });
  });

  test('its clock is that of rules with a time, and of what is recorded', async () => {
    const recorded: PolicyRequest[] = [];
    const engine = await made([{ time: { from: '22:00', until: '06:00' }, effect: 'deny' }], {
      clock: () => NOON + 11 * HOUR,
      record: (request) => recorded.push(request),
    });
    expect(await saidOf(engine, asked())).toBe('POLICY_DENIED');
    expect(recorded[0]!.at).toBe(NOON + 11 * HOUR);
    expect((await engine.dryRun(recorded)).refused).toBe(1);
  });

  test('a recorder that fails changes nothing', async () => {
    const faults: unknown[] = [];
    const record = () => {
      throw new Error('full');
    };
    const engine = await made([], { record, onFault: (error) => faults.push(error) });
    expect([await saidOf(engine, asked()), faults.length]).toEqual(['allow', 1]);
  });
});
