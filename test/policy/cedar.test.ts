import { expect, test } from '@jest/globals';
import { type CedarAnswer, type CedarCall, CedarDecisionPoint } from '@private.me/xlink';
import { thrownBy } from '../support/results.js';
import { asked, byKey, DID, NOON } from './requests.js';

// `isAuthorized` of @cedar-policy/cedar-wasm 4, as far as its shape goes.
function cedar(answer: (call: CedarCall) => CedarAnswer) {
  const calls: CedarCall[] = [];
  const isAuthorized = (call: CedarCall) => {
    calls.push(call);
    return answer(call);
  };
  return {
    calls,
    point: new CedarDecisionPoint({ isAuthorized, policies: 'permit(principal, action, resource);' }),
  };
}
const success = (decision: 'allow' | 'deny', errors: unknown[] = []): CedarAnswer => ({
  type: 'success',
  response: { decision, diagnostics: { errors } },
});

test('Cedar is asked for each scope, and all have to be allowed', () => {
  const { calls, point } = cedar(({ action }) => success(action.id === 'orders' ? 'allow' : 'deny'));
  expect(point.decide(asked({ scopes: ['orders'], amount: 10.5 }))).toEqual({ effect: 'allow' });
  expect(point.decide(asked({ scopes: ['orders', 'finance'] }))).toEqual({ effect: 'deny' });
  expect(calls[0]).toEqual({
    principal: { type: 'Xlink::Identity', id: DID },
    action: { type: 'Xlink::Action', id: 'orders' },
    resource: { type: 'Xlink::Route', id: 'POST /payments/1' },
    context: { proof: 'envelope', at: NOON, mutualTrust: true, client: 'acme', amount: 11 },
    policies: { staticPolicies: 'permit(principal, action, resource);' },
    entities: [],
  });
});

test('a key is the client that it belongs to, and an unknown amount is above any limit', () => {
  const { calls, point } = cedar(() => success('allow'));
  point.decide(byKey({ scopes: [], amount: 'unknown' }));
  expect([calls[0]!.principal, calls[0]!.context]).toEqual([
    { type: 'Xlink::Client', id: 'acme' },
    { proof: 'api-key', at: NOON, mutualTrust: false, client: 'acme', amount: Number.MAX_SAFE_INTEGER },
  ]);
});

test.each<CedarAnswer>([{ type: 'failure', errors: ['parse'] }, success('allow', ['no attribute amount'])])(
  'what Cedar cannot evaluate is not allowed',
  async (answer) => {
    expect((await thrownBy(() => cedar(() => answer).point.decide(asked()))).id).toBe('POLICY_UNAVAILABLE');
  },
);

test('every route that it may turn out to be for has to be allowed', () => {
  const forbidden = cedar(({ resource }) =>
    success(resource.id === 'DELETE /items' ? 'deny' : 'allow'),
  ).point;
  const decide = (target: string, overrides?: string[]) =>
    forbidden.decide(asked({ method: 'POST', target, ...(overrides ? { overrides } : {}) })).effect;
  expect(decide('/items')).toBe('allow');
  expect(decide('/items', ['DELETE'])).toBe('deny');
  for (const target of ['/%69tems', '//items', '/ITEMS', '/items;/..'])
    expect(decide(target, ['DELETE'])).toBe('deny');
  expect(decide('/other', ['A', 'B', 'C', 'D', 'E'])).toBe('deny');
});
