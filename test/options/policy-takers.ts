import { Agent, CedarDecisionPoint, PolicyEngine } from '@private.me/xlink';

const engine = await PolicyEngine.create({ rules: [] });
const isAuthorized = () => ({ type: 'failure' as const });

const agent = await Agent.quickstart();
const receipt = {} as never;
const message = { to: agent.did, payload: 1 };

/** What makes policies: name, type of the options, one of them, and the call. */
export const policies: readonly (readonly [string, string, string, (more: never) => unknown])[] = [
  [
    'PolicyEngine.create',
    'PolicyEngineOptions',
    'approve',
    (more: object) => PolicyEngine.create({ rules: [], ...more }),
  ],
  [
    'PolicyEngine.create',
    'PolicyLimits',
    'requestsPerDay',
    (defaultLimits) => PolicyEngine.create({ rules: [], defaultLimits }),
  ],
  ['PolicyEngine.setMode', 'Operator', 'why', (more) => engine.setMode('observe', more)],
  ['PolicyEngine.replace', 'Operator', 'why', (more) => engine.replace({ rules: [] }, more)],
  ['PolicyEngine.reload', 'Operator', 'why', (more) => engine.reload(more)],
  [
    'CedarDecisionPoint',
    'CedarOptions',
    'namespace',
    (more: object) => new CedarDecisionPoint({ isAuthorized, policies: 'permit(a, b, c);', ...more }),
  ],
  ['Agent.verifyReceipt', 'VerifyReceiptOptions', 'of', (more) => agent.verifyReceipt(receipt, more)],
  ['Agent.send', 'MessageOptions', 'requestReceipt', (more: object) => agent.send({ ...message, ...more })],
  ['Agent.quickstart', 'AgentPolicy', 'allowedScopes', (policy) => Agent.quickstart({ policy })],
  [
    'Agent.quickstart',
    'AgentRateLimits',
    'maxPerHour',
    (rateLimits) => Agent.quickstart({ policy: { rateLimits } }),
  ],
];
