import type { ClientActivity, ClientRecord } from '../../adapters/clients/store.js';
import type { ClientId, Did } from '../../types/protocol.js';

/** One thing that the file of a {@link FileClientStore} says. */
export type ClientChange =
  | { readonly add: readonly ClientActivity[] }
  | { readonly link: Did; readonly client: ClientId }
  | { readonly keyOff: number | null; readonly client: ClientId };

/** What makes this record out of nothing. */
export function changesOf({ dids, keyOffSince, ...activity }: ClientRecord): ClientChange[] {
  const { client } = activity;
  return [
    { add: [activity] },
    ...dids.map((link) => ({ link, client })),
    ...(keyOffSince === undefined ? [] : [{ keyOff: keyOffSince, client }]),
  ];
}

/** Throws for anything else. */
export function clientChangeFrom(value: unknown): ClientChange {
  const { add, link, client, keyOff } = value as Record<string, unknown>;
  const isChange =
    add === undefined
      ? typeof client === 'string' && (typeof link === 'string' || keyOff === null || Number.isFinite(keyOff))
      : Array.isArray(add) && add.every(isActivity);
  if (!isChange) throw new TypeError('a value is no change of a client');
  return value as ClientChange;
}

const isActivity = (one: Partial<ClientActivity> | null): boolean =>
  typeof one?.client === 'string' &&
  Number.isSafeInteger(one.keyRequests) &&
  Number.isSafeInteger(one.xlinkRequests) &&
  typeof one.failures === 'object' &&
  one.failures !== null;
