import { Agent, openApiDocument } from '@private.me/xlink';

const agent = await Agent.quickstart();
const said = { did: agent.did, tools: [], issuedAt: 0 };

/** What asks agents what they can do: name, type of the options, one of them, and the call. */
export const discoveries: readonly (readonly [string, string, string, (more: never) => unknown])[] = [
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
