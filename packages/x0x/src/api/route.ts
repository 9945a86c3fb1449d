import { X0xError } from '../errors.js';
import type { X0xNode } from '../node.js';

/** A request, as the routes see it. */
export interface ApiRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Query parameters. */
  readonly query: URLSearchParams;
  /** The JSON body; an empty object without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a route is given: parameters of its path by name, query, and body. */
export interface RouteInput extends Pick<ApiRequest, 'query' | 'body'> {
  readonly node: X0xNode;
  readonly params: Readonly<Record<string, string>>;
}

/** What it answers: members beside `ok`. */
export type Answer = Readonly<Record<string, unknown>>;

/** One route. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With parameters such as `:agent_id`. */
  readonly path: string;
  /** Status of a success. Default 200. */
  readonly status?: number;
  readonly run: (input: RouteInput) => Answer | Promise<Answer>;
}

/** The names of a body, nothing else. Throws `REQUEST_INVALID`. */
export function only(body: ApiRequest['body'], ...names: readonly string[]): void {
  const other = Object.keys(body).find((name) => !names.includes(name));
  if (other !== undefined) throw invalid('body', `There are ${names.join(', ') || 'no members'}.`);
}

/** A text of a body. Throws `REQUEST_INVALID`. */
export function textIn(body: ApiRequest['body'], name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw invalid(name, `${name} must be a string.`);
  return value;
}

/** A text that may be absent, or null. */
export const optionalTextIn = (body: ApiRequest['body'], name: string): string | undefined =>
  body[name] == null ? undefined : textIn(body, name);

/** A flag that may be absent: only `true` is true, and anything but a boolean is refused. Throws `REQUEST_INVALID`. */
export function flagIn(body: ApiRequest['body'], name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value !== 'boolean') throw invalid(name, `${name} must be true or false.`);
  return value;
}

/** Bytes in base64. Throws `REQUEST_INVALID`. */
export function base64In(body: ApiRequest['body'], name: string, length?: number): Uint8Array {
  const text = textIn(body, name);
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  const isBase64 = Buffer.from(bytes).toString('base64') === text;
  if (!isBase64) throw invalid(name, `${name} must be base64.`);
  if (length !== undefined && bytes.length !== length)
    throw invalid(name, `${name} must have ${length} bytes.`);
  return bytes;
}

/** A flag of a query: `true`, or absent. Throws `REQUEST_INVALID`. */
export function flagOf(query: URLSearchParams, name: string): boolean {
  const value = query.get(name) ?? 'false';
  if (value !== 'true' && value !== 'false') throw invalid(name, `${name} must be true or false.`);
  return value === 'true';
}

/** The member under one of two names. Throws `REQUEST_INVALID` if both are there. */
export function either(body: ApiRequest['body'], name: string, other: string): unknown {
  if (body[name] !== undefined && body[other] !== undefined)
    throw invalid(name, `Give ${name} or ${other}, not both.`);
  return body[name] ?? body[other];
}

export const invalid = (field: string, hint: string): X0xError =>
  new X0xError('REQUEST_INVALID', { field, hint });
