import { isXlockError } from '../errors.js';
import type { AccountRecord } from '../verifier/records.js';
import { assertActive } from '../verifier/take-answer.js';
import type { VerifiedAuth, XlockVerifier } from '../verifier/verifier.js';

/** Who signed in, by which device, and when. */
export interface Login extends Pick<VerifiedAuth, 'did' | 'userId' | 'deviceId'> {
  /** In ms since 1970. */
  readonly at: number;
  /** `sessionEpoch` of the account then. */
  readonly epoch: number;
}

/** Who it is for services: the account as it was registered, or the DID of the passkey where it has no name. */
export const subjectOf = ({ userId, did }: Pick<Login, 'userId' | 'did'>): string => userId || did;

/** In which epoch of its account a login begins. Throws `PASSKEY_NOT_FOUND`. */
export const epochOf = async (verifier: XlockVerifier, did: string): Promise<number> =>
  (await verifier.account(did)).sessionEpoch ?? 0;

/** Whether passkey and device of a login are still good, and its sessions were not ended. Throws `STORE_UNAVAILABLE`. */
export async function stillHolds(verifier: XlockVerifier, login: Login): Promise<boolean> {
  try {
    const account: AccountRecord = await verifier.account(login.did);
    assertActive(account, login.deviceId);
    return (account.sessionEpoch ?? 0) === login.epoch;
  } catch (error) {
    if (isXlockError(error) && error.status < 500) return false;
    throw error;
  }
}
