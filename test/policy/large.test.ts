import { describe, expect, test } from '@jest/globals';
import { PolicyEngine, type PolicyRule } from '@private.me/xlink';
import { thrownBy } from '../support/results.js';
import { asked } from './requests.js';

const numbered = (count: number, rule: (index: number) => PolicyRule) =>
  Array.from({ length: count }, (_, index) => rule(index));
const made = (rules: readonly PolicyRule[]) => PolicyEngine.create({ rules, onWarning: () => {} });
const routes = (count: number) => Array.from({ length: count }, (_, index) => `/r${index}/x`);
const largest = () =>
  numbered(1000, (index) => ({
    client: `c${index}`,
    route: [`/r${index}`],
    effect: index % 2 ? 'deny' : 'allow',
  }));

/** The longest time in ms for which nothing else was served meanwhile. */
async function longestPause(what: Promise<unknown>): Promise<number> {
  let [longest, since] = [0, performance.now()];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - since);
    since = performance.now();
  }, 5);
  await what;
  await new Promise((resolve) => setTimeout(resolve, 10));
  clearInterval(timer);
  return longest;
}

describe('a large policy', () => {
  test('is loaded while others are served', async () => {
    const engine = await made([]);
    expect(await longestPause(engine.replace({ rules: largest() }))).toBeLessThan(2000);
    expect(engine.findings).toHaveLength(500);
  });

  test('of one rule with all routes is loaded and asked at once', async () => {
    const started = performance.now();
    const engine = await made([{ route: routes(10_000), effect: 'deny' }]);
    expect(engine.explain(asked({ target: '/r9999/x/y' })).effect).toBe('deny');
    expect(engine.explain(asked({ target: '/r9999' })).effect).toBe('allow');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('reads a long path once for all rules', async () => {
    const target = `/${'a%2f..%5c../;x/'.repeat(1000)}`;
    const timeOf = async (count: number) => {
      const engine = await made(numbered(count, (index) => ({ route: `/r${index}`, effect: 'deny' })));
      engine.explain(asked({ target }));
      const started = performance.now();
      engine.explain(asked({ target }));
      return performance.now() - started;
    };
    expect(await timeOf(400)).toBeLessThan(40 * (await timeOf(1)) + 20); // it was 400
  });

  test('warns of some findings, and has all', async () => {
    const warnings: string[] = [];
    const engine = await PolicyEngine.create({
      rules: numbered(30, () => ({})),
      onWarning: (text) => warnings.push(text),
    });
    expect(engine.findings).toHaveLength(30);
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe('A policy has 10 more findings; see policy.findings.');
  });

  test.each([
    [numbered(1001, () => ({})), 'rules', 'are 1001; a policy has at most 1000'],
    [[{}, { route: routes(10_001) }], 'rules[1]', 'more than 10000 entries'],
    [[{ route: `/${'a'.repeat(1024)}` }], 'rules[0].route', 'at most 1024 characters'],
  ])('that is too large is refused (%#)', async (rules, field, text) => {
    const error = await thrownBy(() => made(rules));
    expect([error.id, error.field]).toEqual(['POLICY_INVALID', field]);
    expect(error.message).toContain(text);
  });

  test.each([
    [`{"rules":[],"x":"${'a'.repeat(2 ** 20)}"}`, 'larger than 1048576'],
    ['['.repeat(100_000) + ']'.repeat(100_000), 'nested more than 16 deep'],
  ])('as text, too (%#)', async (text, said) => {
    const error = await thrownBy(() => PolicyEngine.create({ source: { load: () => text } }));
    expect(error.id).toBe('POLICY_INVALID');
    expect(error.message).toContain(said);
  });
});

test('a rule about a method alone is about every path', async () => {
  const engine = await made([{ method: 'options', effect: 'deny' }]);
  expect(engine.explain(asked({ method: 'OPTIONS', target: '*' })).effect).toBe('deny');
});
