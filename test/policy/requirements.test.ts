import { describe, expect, test } from '@jest/globals';
import {
  type Approval,
  type PolicyAuditEntry,
  PolicyEngine,
  type PolicyEngineOptions,
  type PolicyRequest,
  type PolicyRule,
} from '@private.me/xlink';
import { frozenClock, HOUR, MINUTE } from '../support/clock.js';
import { until } from '../support/until.js';
import { asked, byKey, DID, NOON } from './requests.js';

const quiet = { onWarning: () => {} };
const made = (rules: readonly PolicyRule[], more: PolicyEngineOptions = {}) =>
  PolicyEngine.create({ rules, ...quiet, ...more });
const saidOf = async (engine: PolicyEngine, request: PolicyRequest) => {
  const { effect, error } = await engine.decide(request);
  return error?.id ?? effect;
};

describe('a requirement', () => {
  test('of an approval: asked for this request alone, and only true is yes', async () => {
    const approvals: Approval[] = [];
    let answer: unknown = true;
    const approve = (approval: Approval) => {
      approvals.push(approval);
      return answer as boolean;
    };
    const engine = await made([{ id: 'pay', require: ['2FA'] }], { approve });
    expect(await saidOf(engine, asked())).toBe('allow');
    for (answer of [false, undefined, 1, 'true'])
      expect(await saidOf(engine, asked({ id: 'n2' }))).toBe('POLICY_UNMET:TWO_FACTOR');
    expect(await saidOf(engine, byKey())).toBe('POLICY_UNMET:TWO_FACTOR');
    expect(approvals).toHaveLength(5);
    expect(approvals[0]).toMatchObject({ rule: 'pay', request: { id: 'n1' } });
    expect(approvals[0]!.hash).toMatch(/^[\w-]{43}$/);
    expect(new Set(approvals.map(({ hash }) => hash)).size).toBe(2);
  });

  test('of approvals: a caller waits for a few at a time, and one that is gone for none', async () => {
    const signals: AbortSignal[] = [];
    const engine = await made([{ id: 'pay', require: ['2FA'] }], {
      maxOpenApprovals: 2,
      approvalTimeoutMs: 60_000,
      approve: ({ signal }) => {
        signals.push(signal);
        return new Promise<boolean>(() => {});
      },
    });
    const [leaving, staying] = [new AbortController(), new AbortController()];
    const waiting = [1, 2].map(() => engine.decide(asked(), leaving));
    await until(() => signals.length === 2);
    const { error } = await engine.decide(asked());
    expect([error?.id, error?.status]).toEqual(['POLICY_LIMIT_EXCEEDED', 429]);
    expect(error!.retryAfterMs).toBeGreaterThan(50_000);
    expect(error!.retryAfterMs).toBeLessThanOrEqual(60_000);
    const bolt = engine.decide(asked({ client: 'bolt' }), staying);
    await until(() => signals.length === 3);
    leaving.abort();
    const ended = await Promise.all(waiting);
    expect(ended.map((one) => one.error?.id)).toEqual(['POLICY_UNMET:TWO_FACTOR', 'POLICY_UNMET:TWO_FACTOR']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    const late = await engine.decide(asked(), leaving);
    expect([late.error?.id, signals.length]).toEqual(['POLICY_UNMET:TWO_FACTOR', 3]);
    staying.abort();
    expect((await bolt).effect).toBe('deny');
  });

  test('of an approval that fails or does not come refuses', async () => {
    const failing = await made([{ require: ['2FA'] }], {
      approve: () => Promise.reject(new Error('down')),
    });
    expect(await saidOf(failing, asked())).toBe('POLICY_UNAVAILABLE');
    let signal: AbortSignal | undefined;
    const silent = await made([{ require: ['2FA'] }], {
      approvalTimeoutMs: 5,
      approve: (approval) => {
        ({ signal } = approval);
        return new Promise<boolean>(() => {});
      },
    });
    expect(await saidOf(silent, asked())).toBe('POLICY_UNMET:TWO_FACTOR');
    expect(signal!.aborted).toBe(true);
  });

  test('of a log: written last, and what cannot be written is refused', async () => {
    const entries: PolicyAuditEntry[] = [];
    const audit = { append: (entry: PolicyAuditEntry) => entries.push(entry) };
    const rules: PolicyRule[] = [{ id: 'money', require: ['audit-log', 'signature-now'] }];
    const engine = await made(rules, { audit });
    expect(await saidOf(engine, asked({ proof: 'session' }))).toBe('POLICY_UNMET:SIGNATURE_NOW');
    expect(entries).toEqual([]);
    expect(await saidOf(engine, asked())).toBe('allow');
    expect(entries).toEqual([
      {
        type: 'policy',
        at: NOON,
        from: DID,
        client: 'acme',
        scope: 'finance',
        envelopeId: 'n1',
        decision: 'accepted',
        data: { request: asked(), rules: ['money'], revision: 1 },
      },
    ]);
    const full = await made(rules, { audit: { append: () => Promise.reject(new Error('disk full')) } });
    const { error } = await full.decide(asked());
    expect([error?.id, error?.status, (error?.cause as Error | undefined)?.message]).toEqual([
      'POLICY_UNMET:AUDIT_LOG',
      503,
      'disk full',
    ]);
  });

  test.each([
    ['signature-now', 'POLICY_UNMET:SIGNATURE_NOW'],
    ['mutual-trust', 'POLICY_UNMET:MUTUAL_TRUST'],
  ] as const)('%s is not met by a key', async (requirement, id) => {
    const engine = await made([{ require: [requirement] }]);
    expect(await saidOf(engine, byKey())).toBe(id);
    expect(await saidOf(engine, asked({ proof: 'signature' }))).toBe('allow');
  });

  test('of a rate: 60 a minute for each caller, unless the rule says', async () => {
    const clock = frozenClock();
    const engine = await made(
      [
        { scope: 'public', require: ['rate-limit'] },
        { scope: 'slow', limits: { requestsPerHour: 1 } },
      ],
      { clock },
    );
    for (let count = 0; count < 60; count++)
      expect(await saidOf(engine, asked({ scopes: ['public'] }))).toBe('allow');
    const { error } = await engine.decide(asked({ scopes: ['public'] }));
    expect([error?.id, error?.status, error?.retryAfterMs]).toEqual(['POLICY_LIMIT_EXCEEDED', 429, MINUTE]);
    expect(await saidOf(engine, asked({ scopes: ['public'], client: 'bolt' }))).toBe('allow');
    expect(await saidOf(engine, asked({ scopes: ['slow'] }))).toBe('allow');
    expect(await saidOf(engine, asked({ scopes: ['slow'] }))).toBe('POLICY_LIMIT_EXCEEDED');
    clock.advance(HOUR);
    expect(await saidOf(engine, asked({ scopes: ['slow'] }))).toBe('allow');
  });

  test('of a rate: a clock that is set back begins no window anew, and holds none up', async () => {
    let now = NOON;
    const engine = await made([{ limits: { requestsPerMinute: 1 } }], { clock: () => now });
    expect(await saidOf(engine, asked())).toBe('allow');
    now -= HOUR;
    const { error } = await engine.decide(asked());
    expect([error?.id, error?.retryAfterMs]).toEqual(['POLICY_LIMIT_EXCEEDED', MINUTE]);
    now += MINUTE;
    expect(await saidOf(engine, asked())).toBe('allow');
  });

  test('of several rules adds up', async () => {
    const engine = await made([
      { scope: 'finance', require: ['signature-now'] },
      { route: '/payments', require: ['mutual-trust'] },
    ]);
    expect(await saidOf(engine, asked({ mutualTrust: false }))).toBe('POLICY_UNMET:MUTUAL_TRUST');
    expect(await saidOf(engine, asked({ proof: 'session' }))).toBe('POLICY_UNMET:SIGNATURE_NOW');
  });

  test('that nothing can meet is warned of, and refused', async () => {
    const warnings: string[] = [];
    const engine = await PolicyEngine.create({
      rules: [{ scope: 'finance', require: ['2FA', 'audit-log'] }],
      onWarning: (text) => warnings.push(text),
    });
    expect(warnings).toEqual([
      'Rule rule-1 requires 2FA, and there is no approve: what it is about is refused.',
      'Rule rule-1 requires audit-log, and there is no audit: what it is about is refused.',
    ]);
    expect(await saidOf(engine, asked())).toBe('POLICY_UNMET:TWO_FACTOR');
  });
});
