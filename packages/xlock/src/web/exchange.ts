import type { IncomingMessage, ServerResponse } from 'node:http';
import { toXlockError, XlockError } from '../errors.js';
import { parseJson } from '../util/bytes.js';

/** Longest body that is read, in bytes. */
const MOST = 65_536;

/** The JSON value of a body, also where a parser of the framework was first. Throws `REQUEST_INVALID…`. */
export async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parsed = (request as { body?: unknown }).body;
  if (typeof parsed === 'object' && parsed !== null && !(parsed instanceof Uint8Array)) return parsed;
  if (request.readableEnded || typeof parsed === 'string' || parsed instanceof Uint8Array)
    return taken(parsed);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST)
      throw new XlockError('REQUEST_INVALID:SIZE', {
        field: 'body',
        resolution: `Send up to ${MOST} bytes.`,
      });
    chunks.push(chunk);
  }
  return jsonOf(Buffer.concat(chunks).toString('utf8'));
}

function jsonOf(text: string): unknown {
  const value = parseJson(text);
  if (value === undefined)
    throw new XlockError('REQUEST_INVALID', {
      field: 'body',
      resolution: 'Send JSON, with content-type: application/json.',
    });
  return value;
}

/** A parser of texts or bytes was first: what it left is the body, if it left any. */
function taken(parsed: unknown): unknown {
  if (typeof parsed === 'string') return jsonOf(parsed);
  if (parsed instanceof Uint8Array) return jsonOf(Buffer.from(parsed).toString('utf8'));
  throw new XlockError('REQUEST_INVALID', {
    field: 'body',
    resolution: 'The body was read by something before the gate: put the gate first, or a parser of JSON.',
  });
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

/** What goes out is of the table: an error of anybody else, or one of the options of this service, says nothing of itself. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.end();
  const told = toXlockError(error);
  const isOurs = told.id === 'INVALID_OPTION' || told.id === 'INTERNAL';
  const { id, code, category, status, title, resolution, field } = isOurs
    ? new XlockError('INTERNAL', { resolution: 'Try again later.' })
    : told;
  sendJson(response, status, { id, code, category, message: title, resolution, field });
}
