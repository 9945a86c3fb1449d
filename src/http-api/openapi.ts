import type { AnswerShape, ApiRoute } from './route.js';
import type { Schema } from './schema.js';

/** Of the server that the document describes. */
export interface DocumentFacts {
  /** Of the API, as the document says. */
  readonly version: string;
  /** Where callers reach it, without a slash at the end. */
  readonly url: string;
  /** What the API is called. */
  readonly title: string;
  /** What it is for, in Markdown. */
  readonly description: string;
  /** What the tags of the routes mean. */
  readonly tags: Readonly<Record<string, string>>;
  /** Security schemes by name (OpenAPI): each of them alone opens what is not public. */
  readonly security: Readonly<Record<string, object>>;
  /** Status of every error that a route may name. */
  readonly errors: Readonly<Record<string, { readonly status: number }>>;
}

/** RFC 9457. */
const PROBLEM = {
  title: 'Problem',
  description: 'RFC 9457; `code` and `subCode` name the row of the error table',
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    subCode: { type: 'string' },
    field: { type: 'string' },
    expected: { type: 'string' },
  },
  required: ['type', 'status'],
  additionalProperties: true,
} as const satisfies Schema;

const PROBLEM_TYPE = 'application/problem+json';

/** The OpenAPI 3.1 document of a route table. */
export function openApiDocument(routes: readonly ApiRoute[], facts: DocumentFacts): object {
  const { version, url, title, description } = facts;
  const schemas: Record<string, object> = { Problem: shapeOf(PROBLEM, undefined) };
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas, facts);
  const tags = [...new Set(routes.map(({ tag }) => tag))].map((name) => ({
    name,
    description: (Object.hasOwn(facts.tags, name) && facts.tags[name]) || `Routes of ${name}.`,
  }));
  return {
    openapi: '3.1.0',
    info: {
      title,
      version,
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    tags,
    paths,
    components: { securitySchemes: facts.security, schemas },
  };
}

function operationOf(route: ApiRoute, schemas: Record<string, object>, facts: DocumentFacts): object {
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
    security: access === 'public' ? [] : Object.keys(facts.security).map((name) => ({ [name]: [] })),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: responsesOf(route, schemas, facts),
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

function responsesOf(
  route: ApiRoute,
  schemas: Record<string, object>,
  facts: DocumentFacts,
): Record<string, object> {
  const found: Record<string, ResponseObject> = {};
  for (const answer of [route.answer, ...(route.more ?? [])])
    found[answer.status] = responseOf(answer, schemas);
  for (const [status, ids] of refusalsOf(route, facts)) {
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
function refusalsOf(
  { access, body, params, query, errors = [] }: ApiRoute,
  { errors: table }: DocumentFacts,
): ReadonlyMap<number, readonly string[]> {
  const ids: string[] = [
    ...errors,
    ...((body ?? params ?? query) ? ['REQUEST_INVALID'] : []),
    ...(body ? ['REQUEST_INVALID:JSON', 'REQUEST_INVALID:CONTENT_TYPE', 'REQUEST_INVALID:TOO_LARGE'] : []),
    ...(access === 'public' ? [] : ['CREDENTIALS_MISSING', 'PERMISSION_DENIED']),
    'RATE_LIMITED',
  ];
  const byStatus = new Map<number, string[]>();
  for (const id of new Set(ids)) {
    const row = Object.hasOwn(table, id) ? table[id] : undefined;
    if (row) byStatus.set(row.status, [...(byStatus.get(row.status) ?? []), id]);
  }
  return byStatus;
}

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
