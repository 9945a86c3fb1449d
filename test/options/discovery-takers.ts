import {
  Agent,
  discover,
  MemoryTrustRegistry,
  openApiDocument,
  registerDidWeb,
  resolveDidWeb,
} from '@private.me/xlink';

const agent = await Agent.quickstart();
const registry = new MemoryTrustRegistry();
const said = { did: agent.did, tools: [], issuedAt: 0 };

/** What finds services and DIDs, and asks agents what they can do: name, type of the options, one of them, and the call. */
export const discoveries: readonly (readonly [string, string, string, (more: never) => unknown])[] = [
  ['discover', 'DiscoverOptions', 'pinnedDid', (more) => discover('localhost', more)],
  ['resolveDidWeb', 'DidWebOptions', 'timeoutMs', (more) => resolveDidWeb('did:web:localhost', more)],
  [
    'registerDidWeb',
    'DidWebOptions',
    'pinnedDid',
    (more) => registerDidWeb(registry, 'did:web:localhost', {}, more),
  ],
  ['Agent.discover', 'DiscoverAgentOptions', 'refresh', (more) => agent.discover(agent.did, more)],
  ['Agent.discover', 'ToolLimits', 'maxSchemaDepth', (more) => agent.discover(agent.did, more)],
  [
    'Agent.create',
    'ToolOptions',
    'inputSchema',
    (more: object) => Agent.create({ tools: [{ name: 'a', ...more }] }),
  ],
  ['openApiDocument', 'OpenApiOptions', 'serverUrl', (more) => openApiDocument(said, more)],
];
