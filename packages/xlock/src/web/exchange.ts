import type { IncomingMessage, ServerResponse } from 'node:http';
import { XlockError } from '../errors.js';
import { parseJson } from '../util/bytes.js';

/** Longest body that is read, in bytes. */
const MOST = 65_536;

/** The JSON value of a body, also where a parser of the framework was first. Throws `REQUEST_INVALID`. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parsed = (request as { body?: unknown }).body;
  if (typeof parsed === 'object' && parsed !== null) return parsed;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST) throw new XlockError('REQUEST_INVALID', { field: 'body' });
    chunks.push(chunk);
  }
  const value = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (value === undefined) throw new XlockError('REQUEST_INVALID', { field: 'body' });
  return value;
}

/** Answers with JSON that nobody keeps. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(value));
}
