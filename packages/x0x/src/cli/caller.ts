import { setTimeout as pause } from 'node:timers/promises';
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

/**
 * Works with the daemon of the instance if one runs, and otherwise with its directories; neither is touched before something is asked: a card may
 * come through a pipe from a command that works on the same ones.
 */
export async function withInstance<T>(where: PlacesOptions, work: (call: Call) => Promise<T>): Promise<T> {
  let opened: Promise<Instance> | undefined;
  try {
    return await work(async (...request) => {
      opened ??= instanceAt(where);
      return (await opened).call(...request);
    });
  } finally {
    await opened?.then(
      ({ close }) => close(),
      () => {}, // thrown already
    );
  }
}

interface Instance {
  readonly call: Call;
  readonly close: () => unknown;
}

async function instanceAt(where: PlacesOptions): Promise<Instance> {
  const client = await runningDaemon(where);
  if (client)
    return {
      call: (method, path, body) => client.request(method, path, body) as Promise<Record<string, unknown>>,
      close: () => {},
    };
  const node = await patiently(() => X0xNode.open(where));
  return { call: (method, path, body) => callIn(node, method, path, body), close: () => node.close() };
}

/** The lock of a process that was killed is free after a moment: waits for it, two seconds at most. */
export async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 2000; ; await pause(200)) {
    try {
      return await open();
    } catch (error) {
      if (!isX0xError(error, 'DIRECTORY_IN_USE') || Date.now() > end) throw error;
    }
  }
}

/** `undefined` if none answers, or none that proves itself; what a daemon that was killed left behind is passed over. */
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
  const { ok, error, code, cause, ...rest } = answer.body as Record<string, unknown>;
  if (ok === true) return rest;
  throw Object.assign(
    new Error(String(error), cause === undefined ? {} : { cause: new Error(String(cause)) }),
    { id: code },
  );
}
