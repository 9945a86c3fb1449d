import type { ClientActivity, ClientRecord } from '../../adapters/clients/store.js';
import type { ClientId, Did } from '../../types/protocol.js';

/** One thing that the file of a {@link FileClientStore} says. */
export type ClientChange =
  | { readonly add: readonly ClientActivity[] }
  | { readonly link: Did; readonly client: ClientId; readonly until?: number }
  | { readonly unlink: Did }
  | { readonly keyOff: number | null; readonly client: ClientId }
  | { readonly revoked: number | null; readonly client: ClientId };

/** What makes this record out of nothing. */
export function changesOf(record: ClientRecord): ClientChange[] {
  const { dids, keyOffSince, revokedSince, validUntil = {}, ...activity } = record;
  const { client } = activity;
  return [
    { add: [activity] },
    ...dids.map((link) => linkChange(link, client, validUntil[link])),
    ...(keyOffSince === undefined ? [] : [{ keyOff: keyOffSince, client }]),
    ...(revokedSince === undefined ? [] : [{ revoked: revokedSince, client }]),
  ];
}

export const linkChange = (link: Did, client: ClientId, until: number | undefined): ClientChange => ({
  link,
  client,
  ...(until === undefined ? {} : { until }),
});

/** Throws for anything else. */
export function clientChangeFrom(value: unknown): ClientChange {
  const { add, link, unlink, client, keyOff, revoked, until } = value as Record<string, unknown>;
  const isLink = typeof link === 'string' && (until === undefined || Number.isFinite(until));
  const isChange =
    add === undefined
      ? typeof unlink === 'string' ||
        (typeof client === 'string' && (isLink || isTimeOrNull(keyOff) || isTimeOrNull(revoked)))
      : Array.isArray(add) && add.every(isActivity);
  if (!isChange) throw new TypeError('a value is no change of a client');
  return value as ClientChange;
}

const isTimeOrNull = (value: unknown): boolean => value === null || Number.isFinite(value);

const isActivity = (one: Partial<ClientActivity> | null): boolean =>
  typeof one?.client === 'string' &&
  Number.isSafeInteger(one.keyRequests) &&
  Number.isSafeInteger(one.xlinkRequests) &&
  Number.isSafeInteger(one.signatureRequests ?? 0) &&
  typeof one.failures === 'object' &&
  one.failures !== null;
