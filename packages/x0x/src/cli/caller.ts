import { X0xClient } from '../api/client.js';
import { dispatch } from '../api/dispatch.js';
import { isX0xError } from '../errors.js';
import type { PlacesOptions } from '../identity/places.js';
import { X0xNode } from '../node.js';

/** Asks an instance. */
export type Call = (
  method: string,
  path: string,
  body?: Record<string, unknown>,
) => Promise<Record<string, unknown>>;

/** Works with the daemon of the instance if one runs, and otherwise with its directories. */
export async function withInstance<T>(where: PlacesOptions, work: (call: Call) => Promise<T>): Promise<T> {
  const client = await runningDaemon(where);
  if (client)
    return work(
      (method, path, body) => client.request(method, path, body) as Promise<Record<string, unknown>>,
    );
  const node = await X0xNode.open(where);
  try {
    return await work((method, path, body) => callIn(node, method, path, body));
  } finally {
    await node.close();
  }
}

/** `undefined` if none answers; what a daemon that was killed left behind is passed over. */
async function runningDaemon(where: PlacesOptions): Promise<X0xClient | undefined> {
  try {
    const client = await X0xClient.local(where);
    return (await client.isUp()) ? client : undefined;
  } catch (error) {
    if (isX0xError(error, 'DAEMON_UNREACHABLE')) return undefined;
    throw error;
  }
}

async function callIn(node: X0xNode, method: string, path: string, body: Record<string, unknown> = {}) {
  const { pathname, searchParams } = new URL(path, 'http://instance');
  const answer = await dispatch(node, { method, path: pathname, query: searchParams, body });
  const { ok, error, ...rest } = answer.body as Record<string, unknown>;
  if (ok === true) return rest;
  throw new Error(String(error));
}
