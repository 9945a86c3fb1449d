import { XlockError } from '../errors.js';
import type { Parts } from '../verifier/parts.js';
import { asked, type ChallengeRecord, type HolderRecord } from '../verifier/records.js';

/** One day, in ms. */
export const DEFAULT_EPOCH_MS = 86_400_000;

/** The epoch that it is now, and when an identity of an epoch ends: with the next one, so that what is under way arrives. */
export const epochNow = ({ options, now }: Parts): number =>
  Math.floor(now() / (options.epochMs ?? DEFAULT_EPOCH_MS));

/**
 * Notes whose an ephemeral DID is, so that it ends with its device. A DID that another device had before is refused with
 * `RESPONSE_DEVICE_MISMATCH`: both derive from one seed without a name of their own.
 */
export async function noteHolder(
  parts: Parts,
  { did, resource, epoch }: NonNullable<ChallengeRecord['ephemeral']>,
  holder: Pick<HolderRecord, 'did' | 'deviceId'>,
): Promise<void> {
  const until = (epoch + 2) * (parts.options.epochMs ?? DEFAULT_EPOCH_MS);
  await asked(() =>
    parts.records.holders.update(did, (before) => {
      const isSame = before?.did === holder.did && before.deviceId === holder.deviceId;
      if (before && (!isSame || before.resource !== resource))
        throw new XlockError('RESPONSE_DEVICE_MISMATCH', {
          resolution: 'Give each device a name of its own for its derivation: see ephemeralFor() of ./xid.',
        });
      return before ?? { ...holder, resource, until };
    }),
  );
}
