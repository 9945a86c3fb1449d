import type { XlockAnswer } from '../challenge/answer.js';
import { XlockError } from '../errors.js';
import { invalidOption } from '../util/options.js';
import type { Parts } from './parts.js';
import { type AccountRecord, asked, type DeviceRecord } from './records.js';

/** Devices that one passkey may have at a time; revoked ones do not count. */
const MOST_DEVICES = 16;
/** Devices that are remembered, revoked ones included. */
const MOST_REMEMBERED = 64;

/** Adds a device to a passkey, or makes the account of a new one. A device that was revoked stays so. */
export async function enrolled(
  parts: Parts,
  answer: Pick<XlockAnswer, 'did' | 'deviceId' | 'deviceName' | 'keys'>,
  userId: string,
): Promise<AccountRecord> {
  const { did, deviceId, deviceName, keys } = answer;
  const device: DeviceRecord = {
    id: deviceId,
    name: deviceName,
    addedAt: parts.now(),
    ...(keys ? { keys } : {}),
  };
  const account = await asked(() =>
    parts.records.accounts.update(did, (before) => {
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
    }),
  );
  await asked(() =>
    parts.records.devices.update(deviceId, (before) => (before?.did === did ? before : { did })),
  );
  if (userId !== '')
    await asked(() =>
      parts.records.users.update(userId, (before) =>
        before?.dids.includes(did) ? before : { dids: [...(before?.dids ?? []), did] },
      ),
    );
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
  for (const one of [...dids].reverse()) {
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
