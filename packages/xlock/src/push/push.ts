import type { KeyRecord } from '@private.me/xlink';

/** Brings challenges to devices. */
export interface XlockPush {
  /** Sends a challenge, as `encodeChallenge` made it, to a device by its DID. Rejects if it could not be handed over. */
  send(deviceId: string, challenge: string): Promise<void>;
  /** Optional. Told at registration how the device is reached. */
  learn?(deviceId: string, keys: KeyRecord): Promise<void>;
}
