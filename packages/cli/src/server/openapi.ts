import { ERROR_TABLE } from '@private.me/xlink';
import { SERVER_ERRORS } from './errors.js';
import type { AnswerShape, Route } from './route.js';
import type { Schema } from './schema.js';
import { PROBLEM } from './shapes.js';

/** Of the server that the document describes. */
export interface DocumentFacts {
  readonly version: string;
  readonly url: string;
}

const TAGS = {
  Agents: 'Identities whose keys the server holds. Off unless the server was started with a key for them.',
  Envelopes: 'Envelopes that were made elsewhere.',
  Registry: 'The trust registry, in the protocol of `HttpTrustRegistry`.',
  Invites: 'How a new identity gets in.',
  Discovery: 'Services by name, and what agents offer.',
  Prekeys: 'Keys for writing to those who are away.',
  Relay: 'Mailboxes, in the protocol of `GatewayTransport`.',
  Access: 'Tokens and roles.',
  Audit: 'What was done, by whom.',
  Operation: 'Health, metrics and the mode.',
} as const;

const PROBLEM_TYPE = 'application/problem+json';

/** The OpenAPI 3.1 document of a route table. */
export function openApiDocument(routes: readonly Route[], { version, url }: DocumentFacts): object {
  const schemas: Record<string, object> = { Problem: shapeOf(PROBLEM, undefined) };
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas);
  const tags = [...new Set(routes.map(({ tag }) => tag))].map((name) => ({
    name,
    description: TAGS[name as keyof typeof TAGS] ?? `Routes of ${name}.`,
  }));
  return {
    openapi: '3.1.0',
    info: {
      title: 'xLink identity server',
      version,
      description: 'Made from the route table of the server; see docs/server.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    tags,
    paths,
    components: { securitySchemes: SECURITY, schemas },
  };
}

const SECURITY = {
  token: { type: 'http', scheme: 'bearer', description: 'a token of the server' },
  envelope: {
    type: 'http',
    scheme: 'Xlink',
    description:
      'an envelope of a DID, in this header or as the body; or a signature by RFC 9421 (docs/signatures.md)',
  },
} as const;

function operationOf(route: Route, schemas: Record<string, object>): object {
  const { id, tag, summary, access, body, bodyType } = route;
  const parameters = [
    ...Object.entries(route.params ?? {}).map(([name, schema]) => parameterOf(name, 'path', schema, schemas)),
    ...Object.entries(route.query ?? {}).map(([name, schema]) => parameterOf(name, 'query', schema, schemas)),
  ];
  const content = body
    ? { 'application/json': { schema: refTo(body, schemas) } }
    : bodyType && { [bodyType]: { schema: { type: 'object' } } };
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(access === 'public' || access === 'member' ? {} : { 'x-permission': access }),
    security: access === 'public' ? [] : [{ token: [] }, { envelope: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: responsesOf(route, schemas),
  };
}

function parameterOf(
  name: string,
  place: 'path' | 'query',
  schema: Schema,
  schemas: Record<string, object>,
): object {
  return { name, in: place, required: place === 'path', schema: refTo(schema, schemas) };
}

const REFUSED = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };

function responsesOf(route: Route, schemas: Record<string, object>): Record<string, object> {
  const found: Record<string, ResponseObject> = {};
  for (const answer of [route.answer, ...(route.more ?? [])])
    found[answer.status] = responseOf(answer, schemas);
  for (const [status, ids] of refusalsOf(route)) {
    const { description, content } = found[status] ?? {};
    found[status] = {
      description: [...(description === undefined ? [] : [description]), ...ids].join(', '),
      content: { ...content, ...REFUSED },
    };
  }
  found['default'] = { description: 'Refused; `code` says why', content: REFUSED };
  return found;
}

interface ResponseObject {
  readonly description: string;
  readonly content?: Readonly<Record<string, object>>;
}

function responseOf(
  { description, schema, type }: AnswerShape,
  schemas: Record<string, object>,
): ResponseObject {
  if (schema)
    return { description, content: { [type ?? 'application/json']: { schema: refTo(schema, schemas) } } };
  return { description, ...(type ? { content: { [type]: { schema: { type: 'string' } } } } : {}) };
}

/** Ids of errors by their status, those that every route may have included. */
function refusalsOf({
  access,
  body,
  params,
  query,
  errors = [],
}: Route): ReadonlyMap<number, readonly string[]> {
  const ids: string[] = [
    ...errors,
    ...((body ?? params ?? query) ? ['REQUEST_INVALID'] : []),
    ...(body ? ['REQUEST_INVALID:JSON', 'REQUEST_INVALID:CONTENT_TYPE', 'REQUEST_INVALID:TOO_LARGE'] : []),
    ...(access === 'public' ? [] : ['CREDENTIALS_MISSING', 'PERMISSION_DENIED']),
    'RATE_LIMITED',
  ];
  const byStatus = new Map<number, string[]>();
  for (const id of new Set(ids)) {
    const row = rowOf(id);
    if (row) byStatus.set(row.status, [...(byStatus.get(row.status) ?? []), id]);
  }
  return byStatus;
}

const rowOf = (id: string): { readonly status: number } | undefined =>
  (SERVER_ERRORS as Record<string, { readonly status: number }>)[id] ??
  (ERROR_TABLE as Record<string, { readonly status: number }>)[id];

/** A schema with a title is a component. */
function refTo(schema: Schema, schemas: Record<string, object>): object {
  const { title } = schema;
  if (title === undefined) return shapeOf(schema, schemas);
  schemas[title] ??= shapeOf(schema, schemas);
  return { $ref: `#/components/schemas/${title}` };
}

/** As the document says it. In answers nothing is added that is not named, and clients need not refuse what is. */
function shapeOf(schema: Schema, schemas: Record<string, object> | undefined): object {
  const { title: _, properties, items, oneOf, additionalProperties, ...plain } = schema;
  const nested = (each: Schema) => (schemas ? refTo(each, schemas) : shapeOf(each, undefined));
  return {
    ...plain,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, each]) => [name, nested(each)]),
          ),
        }
      : {}),
    ...(items ? { items: nested(items) } : {}),
    ...(oneOf ? { oneOf: oneOf.map(nested) } : {}),
    ...(schema.type === 'object'
      ? {
          additionalProperties:
            typeof additionalProperties === 'object'
              ? nested(additionalProperties)
              : (additionalProperties ?? false),
        }
      : {}),
  };
}
