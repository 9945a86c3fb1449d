import { createHmac } from 'node:crypto';
import { Identity } from '@private.me/xlink';
import { wipe } from '../util/bytes.js';
import type { Parts } from './parts.js';
import type { AccountRecord } from './records.js';

/** HMAC-SHA-256 of a name under a secret of the service, so that nobody else can tell whether a DID was made up. */
export type NameSecret = (name: string) => Promise<Uint8Array>;

/** The secret follows from the key of the service: all its instances, at every start, make up the same. */
export function nameSecretOf(identity: () => Promise<Identity>): NameSecret {
  let key: Promise<Uint8Array> | undefined;
  return async (name) => {
    key ??= identity().then((own) => own.deriveSubkey('xlink/1 identity xlock decoy'));
    return new Uint8Array(
      createHmac('sha256', await key)
        .update(name)
        .digest(),
    );
  };
}

/**
 * What stands for a user who does not exist: an account without devices under a DID that is the same every time, so that challenges for it look as those
 * of users do, and are counted as they are.
 */
export async function decoyAccount(
  parts: Parts,
  { did, userId = '' }: { readonly did?: string | undefined; readonly userId?: string | undefined },
): Promise<AccountRecord> {
  if (did !== undefined) return { did, userId, devices: [] };
  const seed = await parts.nameSecret(userId);
  const identity = await Identity.fromSeed(seed, { maxVersion: 1 });
  wipe(seed);
  return { did: identity.did, userId, devices: [] };
}
