import { describe, expect, test } from '@jest/globals';
import {
  chooseSecurity,
  DEFAULT_SECURITY_POLICY,
  describeSecurityMode,
  describeSecurityModeStructured,
  type SecurityFacts,
  type SecurityMode,
} from '@private.me/xlink';
import { thrownBy } from '../support/results.js';

const facts = (more: Partial<SecurityFacts>): SecurityFacts => ({ scope: 'chat', payload: {}, ...more });
const levelOf = (more: Partial<SecurityFacts>) => chooseSecurity(facts(more)).security;

describe('the default policy', () => {
  test.each([
    [99_999, 'standard'],
    [99_999.99, 'standard'],
    [100_000, 'high'],
    [-100_000, 'high'],
    ['100000', 'high'],
    ['1e5', 'high'],
    ['99999.99', 'standard'],
    [{ value: '250000.00', currency: 'EUR' }, 'high'],
    [{ currency: 'EUR' }, 'standard'],
    [Number.POSITIVE_INFINITY, 'high'],
    [Number.NaN, 'standard'],
    ['', 'standard'],
    [' ', 'standard'],
    ['much', 'standard'],
    [null, 'standard'],
    [true, 'standard'],
    [[200_000], 'standard'],
  ])('an amount of %j: %s', (amount, level) => {
    expect(levelOf({ payload: { amount } })).toBe(level);
  });

  test.each([null, undefined, 'amount', 200_000, [], { nested: { amount: 1e9 } }])(
    'no amount in %j',
    (payload) => {
      expect(levelOf({ payload })).toBe('standard');
    },
  );

  test.each([
    ['custody', 'high'],
    ['custody:move', 'high'],
    ['custodyx', 'standard'],
    ['my:custody', 'standard'],
    ['classified', 'high'],
  ])('scope %s: %s', (scope, level) => {
    expect(levelOf({ scope })).toBe(level);
  });

  test('actions and organizations', () => {
    expect(levelOf({ action: 'execute' })).toBe('high');
    expect(levelOf({ action: 'executed' })).toBe('standard');
    expect(levelOf({ organization: 'a', recipientOrganization: 'b' })).toBe('high');
    expect(levelOf({ organization: 'a', recipientOrganization: 'a' })).toBe('standard');
  });

  test('every reason is given', () => {
    const { reasons } = chooseSecurity(
      facts({ payload: { amount: 1e6 }, scope: 'custody', action: 'execute' }),
    );
    expect(reasons).toHaveLength(3);
    expect(DEFAULT_SECURITY_POLICY).toHaveLength(4);
  });
});

describe('a policy', () => {
  test('all conditions of a rule must hold; of the rules that do, the strictest counts', () => {
    const policy = [
      { when: { amountAtLeast: 10, scopes: ['pay'] }, security: 'critical' },
      { when: { amountAtLeast: 10 }, security: 'high' },
      { when: { otherOrganization: false, amountAtLeast: 10 }, security: 'standard' },
    ] as const;
    const choose = (scope: string, amount: number) => chooseSecurity({ scope, payload: { amount } }, policy);
    expect(choose('pay', 10)).toEqual({
      security: 'critical',
      reasons: ['an amount of at least 10 and a scope among pay'],
    });
    expect(choose('chat', 10)).toEqual({ security: 'high', reasons: ['an amount of at least 10'] });
    expect(choose('pay', 9)).toEqual({ security: 'standard', reasons: [] });
    expect(chooseSecurity({ scope: 'pay' }, [])).toEqual({ security: 'standard', reasons: [] });
  });

  test('its reasons repeat nothing of the message', () => {
    const choice = chooseSecurity({
      scope: 'custody:SECRET',
      action: 'execute',
      payload: { amount: 123_456_789 },
    });
    expect(JSON.stringify(choice)).not.toMatch(/SECRET|123456789/);
  });
});

describe('describeSecurityModeStructured', () => {
  const mode: SecurityMode = { type: 'split', shares: { total: 3, threshold: 2 }, level: 'high' };

  test('the example of the papers', () => {
    const description = describeSecurityModeStructured(mode);
    expect(description).toMatchObject(mode);
    expect(description.formats.singleline).toBe('high | split | 2-of-3');
    expect(JSON.parse(description.formats.json)).toEqual({
      type: 'split',
      level: 'high',
      shares: { total: 3, threshold: 2 },
    });
    expect(description.formats.json).toBe(
      '{"type":"split","level":"high","shares":{"total":3,"threshold":2}}',
    );
    expect(description.formats.markdown).toBe(
      '**Security Level:** High\n**Mode:** Split (threshold sharing)\n**Configuration:** 2-of-3',
    );
    expect(description.formats.multiline.split('\n')).toHaveLength(3);
    expect(describeSecurityMode(mode)).toBe(description.formats.multiline);
  });

  test('with reasons, and without shares', () => {
    const { formats } = describeSecurityModeStructured({ ...mode, reasons: ['an amount', 'a scope'] });
    expect(formats.singleline).toBe('high | split | 2-of-3 | an amount; a scope');
    expect(formats.markdown).toContain('**Because of:** an amount; a scope');
    expect(JSON.parse(formats.json).reasons).toEqual(['an amount', 'a scope']);
    const standard = describeSecurityModeStructured({ type: 'standard', level: 'standard', reasons: [] });
    expect(standard.formats.singleline).toBe('standard | standard');
    const xchange = describeSecurityModeStructured({ ...mode, type: 'xchange', level: 'performance' });
    expect(xchange.formats.singleline).toBe('performance | xchange | 2-of-3');
  });

  test.each([undefined, null, {}, { type: 'toString', level: 'high' }, { type: 'split', level: 'low' }])(
    'refuses %j',
    async (what) => {
      expect((await thrownBy(() => describeSecurityModeStructured(what as never))).id).toBe('INVALID_OPTION');
    },
  );
});
