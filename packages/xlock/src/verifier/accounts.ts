import type { XlockAnswer } from '../challenge/answer.js';
import { XlockError } from '../errors.js';
import { invalidOption } from '../util/options.js';
import { isDid } from '../util/signed-by.js';
import type { Parts } from './parts.js';
import { type AccountRecord, asked, type DeviceRecord } from './records.js';

/** Devices that one passkey may have at a time; revoked ones do not count. */
const MOST_DEVICES = 16;
/** Devices that are remembered, revoked ones included. */
const MOST_REMEMBERED = 64;

/** What a device says of itself, and whose it will be. */
export interface Enrollment {
  readonly answer: Pick<XlockAnswer, 'did' | 'deviceId' | 'deviceName' | 'keys'>;
  readonly userId: string;
  /** Whether a new passkey takes the place of those that the user has. */
  readonly replaces: boolean;
}

/** Throws what {@link enrolled} would, so that an answer that leads nowhere does not use its challenge up. */
export async function assertEnrollable(parts: Parts, enrollment: Enrollment): Promise<void> {
  const { answer, userId, replaces } = enrollment;
  const before = await asked(() => parts.records.accounts.get(answer.did));
  withDevice(before, enrollment, parts.now());
  if (!before && !replaces) await assertNone(parts, userId);
}

/** Adds a device to a passkey, or makes the account of a new one. A device that was revoked stays so. */
export async function enrolled(parts: Parts, enrollment: Enrollment): Promise<AccountRecord> {
  const { answer, userId, replaces } = enrollment;
  const { did, deviceId } = answer;
  const now = parts.now();
  const account = await asked(() =>
    parts.records.accounts.update(did, (before) => withDevice(before, enrollment, now)),
  );
  await asked(() =>
    parts.records.devices.update(deviceId, (before) => (before?.did === did ? before : { did })),
  );
  if (userId === '') return account;
  await asked(() =>
    parts.records.users.update(userId, (before) =>
      before?.dids.includes(did) ? before : { dids: [...(before?.dids ?? []), did] },
    ),
  );
  if (!replaces) return account;
  for (const other of await lastingOf(parts, userId))
    if (other.did !== did) {
      await changed(parts, other.did, (one) => ({ revokedAt: now, ...one }));
      await parts.tell({ type: 'xlock-passkey-revoked', to: other.did, reason: 'replaced' });
    }
  return account;
}

function withDevice(
  before: AccountRecord | undefined,
  { answer: { did, deviceId, deviceName, keys }, userId }: Enrollment,
  addedAt: number,
): AccountRecord {
  const device: DeviceRecord = { id: deviceId, name: deviceName, addedAt, ...(keys ? { keys } : {}) };
  if (!before) return { did, userId, devices: [device] };
  if (before.userId !== userId) throw new XlockError('RESPONSE_DEVICE_MISMATCH');
  const known = before.devices.find(({ id }) => id === deviceId);
  if (known?.revokedAt !== undefined || before.revokedAt !== undefined)
    throw new XlockError('RESPONSE_DEVICE_MISMATCH:REVOKED');
  if (known) {
    const devices = before.devices.map((one) =>
      one.id === deviceId ? { ...device, addedAt: one.addedAt } : one,
    );
    return { ...before, devices };
  }
  const active = before.devices.filter(({ revokedAt }) => revokedAt === undefined).length;
  if (active >= MOST_DEVICES || before.devices.length >= MOST_REMEMBERED)
    throw new XlockError('RESPONSE_DEVICE_MISMATCH', {
      resolution: `A passkey has ${MOST_DEVICES} devices at most: revoke one.`,
    });
  return { ...before, devices: [...before.devices, device] };
}

/** Passkeys of a user that are not revoked, and not of a browser alone. */
async function lastingOf(parts: Parts, userId: string): Promise<readonly AccountRecord[]> {
  const dids = (await didsOf(parts, userId)).filter(isDid);
  const accounts = await Promise.all(dids.map((did) => asked(() => parts.records.accounts.get(did))));
  return accounts.filter(
    (account) => account !== undefined && account.revokedAt === undefined,
  ) as AccountRecord[];
}

/** Throws `PASSKEY_GENERATION_FAILED:EXISTS` for a user who has a passkey: a second one would hide it. */
export async function assertNone(parts: Parts, userId: string): Promise<void> {
  if (userId !== '' && (await lastingOf(parts, userId)).length > 0)
    throw new XlockError('PASSKEY_GENERATION_FAILED:EXISTS', {
      field: 'userId',
      resolution:
        'Pass its did to add a device to it, or replace: true, which revokes it once the new one is registered.',
    });
}

/** The account of a passkey that is not revoked, also where all its devices are. Throws `PASSKEY_NOT_FOUND`. */
export async function lastingAccount(parts: Parts, did: string): Promise<AccountRecord> {
  const account = await asked(() => parts.records.accounts.get(did));
  if (!account || account.revokedAt !== undefined) throw new XlockError('PASSKEY_NOT_FOUND');
  return account;
}

/** The account that a challenge can be made for: of a passkey that devices answer with, not of a browser alone. Throws `PASSKEY_NOT_FOUND`. */
export async function askable(
  parts: Parts,
  who: { readonly did?: string | undefined; readonly userId?: string | undefined },
): Promise<AccountRecord> {
  const account = await accountOf(parts, who);
  if (!isDid(account.did)) throw new XlockError('PASSKEY_NOT_FOUND');
  return account;
}

/** The account of a DID or user; of several passkeys of one user the newest that is not revoked. Throws `PASSKEY_NOT_FOUND`. */
export async function accountOf(
  parts: Parts,
  { did, userId }: { readonly did?: string | undefined; readonly userId?: string | undefined },
): Promise<AccountRecord> {
  if ((did === undefined) === (userId === undefined))
    throw invalidOption('did', 'Pass one of did and userId.');
  const dids = did === undefined ? await didsOf(parts, userId!) : [did];
  // Passkeys of browsers (WebAuthn) have no DID, and must not hide one that devices answer with.
  const byNewest = [...dids].reverse();
  for (const one of [...byNewest.filter(isDid), ...byNewest.filter((each) => !isDid(each))]) {
    const account = await asked(() => parts.records.accounts.get(one));
    if (account && account.revokedAt === undefined && account.devices.some(isActive)) return account;
  }
  throw new XlockError('PASSKEY_NOT_FOUND');
}

const isActive = ({ revokedAt }: DeviceRecord) => revokedAt === undefined;

const didsOf = async (parts: Parts, userId: string): Promise<readonly string[]> =>
  (await asked(() => parts.records.users.get(userId)))?.dids ?? [];

/** Changes an account that is there. Throws `PASSKEY_NOT_FOUND`. */
export async function changed(
  parts: Parts,
  did: string,
  change: (account: AccountRecord) => AccountRecord,
): Promise<AccountRecord> {
  return asked(() =>
    parts.records.accounts.update(did, (before) => {
      if (!before) throw new XlockError('PASSKEY_NOT_FOUND');
      return change(before);
    }),
  );
}
