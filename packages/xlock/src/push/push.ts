import type { KeyRecord } from '@private.me/xlink';

/** Brings challenges to devices. */
export interface XlockPush {
  /**
   * Sends a challenge, as `encodeChallenge` made it, to a device by its DID. `keys`: what the device said at its registration about how it is
   * reached. Rejects if it could not be handed over.
   */
  send(deviceId: string, challenge: string, keys: KeyRecord | undefined): Promise<void>;
}
