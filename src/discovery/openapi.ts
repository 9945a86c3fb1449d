import { given } from '../util/given.js';
import { checkOptions, isString } from '../util/options.js';
import type { DiscoveredAgent } from './capability-statement.js';
import { type JsonSchema, mapReferences } from './json-schema.js';
import { assertTools, isTitle, type Tool } from './tool.js';

/** Options of {@link openApiDocument}. */
export interface OpenApiOptions {
  /** `info.version` of the document. Default: the time of the statement, as an ISO date. */
  readonly version?: string;
  /** URL of the one server. Default: none is named, as the agent names none. */
  readonly serverUrl?: string;
}

/** An OpenAPI 3.1 document, as JSON. */
export interface OpenApiDocument {
  /** Version of OpenAPI. */
  readonly openapi: '3.1.0';
  /** Title and version; `x-xlink-did` is who offers the tools. */
  readonly info: { readonly title: string; readonly version: string; readonly 'x-xlink-did': string };
  /** The server, if one was given. */
  readonly servers?: readonly { readonly url: string }[];
  /** `/{name}`, with one POST, for each tool. */
  readonly paths: { readonly [path: string]: { readonly post: JsonSchema } };
  /** The schemas of the tools, and the security scheme `xlink`. */
  readonly components: JsonSchema;
}

const SCHEMES = {
  xlink: {
    type: 'http',
    scheme: 'xlink',
    description:
      'A signed and sealed xLink message to the DID in info.x-xlink-did, of one of the scopes in x-xlink-scope.',
  },
};

/**
 * What was discovered as an OpenAPI 3.1 document: one operation for each tool, whose `security` and `x-xlink-scope` name the scopes that a message
 * may ask for it with; any one suffices. It describes tools, not routes: nothing says that the agent serves these paths by HTTP. Throws `INVALID_OPTION`, also for
 * tools that `agent.discover()` would not take.
 */
export function openApiDocument(
  { did, name, tools, issuedAt }: Omit<DiscoveredAgent, 'capabilities' | 'notAfter'>,
  options: OpenApiOptions = {},
): OpenApiDocument {
  checkOptions('openApiDocument', options, { version: isString, serverUrl: isString });
  assertTools('openApiDocument', tools);
  const { version = new Date(issuedAt).toISOString(), serverUrl } = options;
  return {
    openapi: '3.1.0',
    info: { title: isTitle(name) ? name : did, version, 'x-xlink-did': did },
    ...(serverUrl === undefined ? {} : { servers: [{ url: serverUrl }] }),
    paths: Object.fromEntries(tools.map((tool) => [`/${tool.name}`, { post: operationOf(tool) }])),
    components: { schemas: Object.fromEntries(tools.flatMap(schemasOf)), securitySchemes: SCHEMES },
  };
}

function operationOf({ name, title, description, scopes, inputSchema, outputSchema }: Tool): JsonSchema {
  const answer = { description: 'The answer of the agent.', ...content(name, 'output', outputSchema) };
  return {
    operationId: name,
    ...given({ summary: title, description }),
    'x-xlink-scope': scopes,
    security: scopes.length > 0 ? scopes.map((scope) => ({ xlink: [scope] })) : [{ xlink: [] }],
    ...(inputSchema ? { requestBody: { required: true, ...content(name, 'input', inputSchema) } } : {}),
    responses: { default: answer },
  };
}

const content = (name: string, part: string, schema: JsonSchema | undefined): object =>
  schema
    ? { content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}.${part}` } } } }
    : {};

/** Within the document, the references of a schema to itself begin at its place. */
function schemasOf({ name, inputSchema, outputSchema }: Tool): [string, unknown][] {
  return Object.entries(given({ input: inputSchema, output: outputSchema })).map(([part, schema]) => {
    const key = `${name}.${part}`;
    const change = (reference: string) =>
      /^#(\/|$)/.test(reference) ? `#/components/schemas/${key}${reference.slice(1)}` : reference;
    return [key, mapReferences(schema, change)];
  });
}
