import type { XlockChallenge } from '../challenge/challenge.js';
import { isXlockError, XlockError } from '../errors.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import type { PasskeyVault } from '../passkey/vault.js';
import type { KnownPasskeys } from './known.js';

/**
 * Throws unless a challenge is of the service that its passkey was registered with. A passkey that is not known is looked up in the shares, which name the
 * service under their HMACs, and is known from then on.
 */
export async function assertOurs(
  challenge: XlockChallenge,
  known: KnownPasskeys,
  vault: PasskeyVault,
): Promise<void> {
  const { origin, userId, verifier, did } = challenge;
  const all = await known.list();
  if (challenge.kind === 'register') {
    const other = all.find(({ service }) => service === origin) ?? (await described(challenge, vault)).meta;
    if (other && other.verifier !== verifier) throw new XlockError('CHALLENGE_INVALID');
    return;
  }
  const listed = all.find((one) => one.did === did);
  const meta = listed ?? (await lookedUp(challenge, all, known, vault));
  if (meta.service !== origin) throw new XlockError('CHALLENGE_INVALID:ORIGIN');
  if (meta.verifier !== verifier || meta.userId !== userId) throw new XlockError('CHALLENGE_INVALID');
}

async function lookedUp(
  challenge: XlockChallenge,
  all: readonly PasskeyMeta[],
  known: KnownPasskeys,
  vault: PasskeyVault,
): Promise<PasskeyMeta> {
  const { meta, failed } = await described(challenge, vault);
  if (meta?.did === challenge.did && meta.verifier === challenge.verifier) {
    await known.keep(meta);
    return meta;
  }
  const isOther =
    meta !== undefined ||
    all.some(({ service, userId }) => service === challenge.origin && userId === challenge.userId);
  throw new XlockError('PASSKEY_NOT_FOUND', {
    resolution: isOther
      ? 'This device has another passkey of this account: the service asks for one that was registered later, or elsewhere. Let the service add this device to that passkey, or register this device anew.'
      : 'This device does not know the passkey, and its stores do not give enough shares of it: make them reachable, or let the service register this device.',
    ...(failed === undefined ? {} : { cause: failed, details: failed.details }),
  });
}

/** What the shares say; nothing where there are too few good ones. */
async function described(
  { origin: service, userId }: XlockChallenge,
  vault: PasskeyVault,
): Promise<{ readonly meta?: PasskeyMeta; readonly failed?: XlockError }> {
  try {
    return { meta: await vault.describe({ service, userId }) };
  } catch (failed) {
    if (isXlockError(failed)) return { failed };
    throw failed;
  }
}
