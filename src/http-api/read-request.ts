import type { IncomingMessage } from 'node:http';
import { apiError } from './errors.js';
import type { ApiRoute } from './route.js';
import type { Schema } from './schema.js';
import { type Fault, faultIn } from './validate.js';

const DEFAULT_MAX_BYTES = 256 * 1024;
/** Deeper JSON than anything here needs: it could exhaust the stack of what reads it. */
const MAX_DEPTH = 64;

/** The JSON body of a request, validated. Throws `REQUEST_INVALID…`. */
export async function bodyOf(
  req: IncomingMessage,
  { body: schema, maxBodyBytes }: Pick<ApiRoute, 'body' | 'maxBodyBytes'>,
): Promise<unknown> {
  if (!schema) return undefined;
  const type = req.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw apiError('REQUEST_INVALID:CONTENT_TYPE');
  const bytes = await readAtMost(req, maxBodyBytes ?? DEFAULT_MAX_BYTES);
  const value = parsed(bytes);
  assertNoFault(faultIn(schema, value), 'body');
  return value;
}

/** Query parameters, validated: each once at most. */
export function queryOf(
  url: string,
  schemas: Readonly<Record<string, Schema>> = {},
): Record<string, unknown> {
  const at = url.indexOf('?');
  const found: Record<string, unknown> = {};
  if (at === -1) return found;
  for (const [name, text] of new URLSearchParams(url.slice(at + 1))) {
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (!schema) {
      const names = Object.keys(schemas).join(', ');
      throw apiError('REQUEST_INVALID', {
        field: 'query',
        expected: names === '' ? 'no query' : `a query of ${names}`,
      });
    }
    if (Object.hasOwn(found, name))
      throw apiError('REQUEST_INVALID', { field: name, expected: 'given once' });
    const value = schema.type === 'integer' && /^\d{1,16}$/.test(text) ? Number(text) : text;
    assertNoFault(faultIn(schema, value, name), name);
    found[name] = value;
  }
  return found;
}

/** Throws `REQUEST_INVALID` for parameters of the path that are not what they must be. */
export function assertParams(
  params: Readonly<Record<string, string>>,
  schemas: Readonly<Record<string, Schema>> = {},
): void {
  for (const [name, schema] of Object.entries(schemas))
    assertNoFault(faultIn(schema, params[name], name), name);
}

function assertNoFault(fault: Fault | undefined, whole: string): void {
  if (fault)
    throw apiError('REQUEST_INVALID', {
      field: fault.at === '' ? whole : fault.at,
      expected: fault.expected,
    });
}

/** The whole body. Throws `REQUEST_INVALID:TOO_LARGE`; what is left then stays unread. */
export async function readAtMost(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => apiError('REQUEST_INVALID:TOO_LARGE');
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isDeeper(value, MAX_DEPTH)) throw new RangeError('too deep');
    return value;
  } catch {
    throw apiError('REQUEST_INVALID:JSON'); // the parser's error would quote the text
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}
