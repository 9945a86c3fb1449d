// A typo in an option does not compile, in the constructors and functions of the first page. Compiled and never run.
import {
  Agent,
  type AgentOptions,
  CachedTrustRegistry,
  connect,
  discover,
  HttpsTransportAdapter,
  HttpTrustRegistry,
  type ManagedTrustRegistry,
  MemoryNonceStore,
  xlinkFetch,
} from '@private.me/xlink';

declare const registry: ManagedTrustRegistry;
declare const agentOptions: AgentOptions;

// @ts-expect-error nonceStor
await Agent.create({ ...agentOptions, nonceStor: new MemoryNonceStore() });
// @ts-expect-error nam
await Agent.quickstart({ nam: 'Alice' });
// @ts-expect-error maxEntrys
new MemoryNonceStore({ maxEntrys: 10 });
// @ts-expect-error ttl
new CachedTrustRegistry(registry, { ttl: 5 });
// @ts-expect-error url
new HttpTrustRegistry({ url: 'https://trust.example.com' });
// @ts-expect-error timeout
new HttpsTransportAdapter({ baseUrl: 'https://api.example.com', timeout: 5 });
// @ts-expect-error timeout
await discover('api.example.com', { timeout: 5 });
// @ts-expect-error apikey
xlinkFetch({ apikey: 'k' });
// @ts-expect-error apikey
await connect('api.example.com', { apikey: 'k' });

declare const agent: Agent;
// @ts-expect-error scopes
await agent.send({ to: agent.did, payload: 1, scopes: ['chat'] });
// @ts-expect-error exposeDetail
agent.middleware({ exposeDetail: true });
