import { XlockError } from '../errors.js';
import type { XlockPush } from '../push/push.js';
import { checkNames, hasMethods, invalidOption, isFunction } from '../util/options.js';

/** Where a device is reached by the push service of its platform. */
export interface PlatformAddress {
  readonly platform: 'apns' | 'fcm';
  /** As the app on the device got it from its platform. */
  readonly token: string;
}

/** Talks to APNs or FCM with your certificates or keys: yours to bring. */
export interface PlatformSender {
  /** `payload`: JSON of up to 4096 bytes, to be sent as data with high priority, without text to be shown. A rejection: it was not taken. */
  send(address: PlatformAddress, payload: string): Promise<unknown>;
}

/** The largest payload that both platforms take, in bytes. */
const MAX_PAYLOAD_BYTES = 4096;

/**
 * Pushes by APNs or FCM, as a port: what is sent is the signed challenge alone, which does not hold the digits. Apple or Google see who is
 * asked, when, and for what; encrypt in your sender if that is too much. A push over a relay (`RelayPush`) needs neither.
 */
export class PlatformPush implements XlockPush {
  readonly #find: (deviceId: string) => Promise<PlatformAddress | undefined> | PlatformAddress | undefined;
  readonly #sender: PlatformSender;

  /** `find`: where a device is reached; `undefined`: not known. Throws `INVALID_OPTION`. */
  constructor(options: {
    readonly find: (deviceId: string) => Promise<PlatformAddress | undefined> | PlatformAddress | undefined;
    readonly sender: PlatformSender;
  }) {
    checkNames('PlatformPush', options, ['find', 'sender']);
    if (!isFunction(options.find)) throw invalidOption('find', 'PlatformPush: find must be a function.');
    if (!hasMethods('send')(options.sender))
      throw invalidOption('sender', 'PlatformPush: sender must be an object with send().');
    this.#find = options.find;
    this.#sender = options.sender;
  }

  /** Rejects with `PUSH_NOTIFICATION_DISABLED` where the device has no address, or the challenge is longer than platforms take. */
  async send(deviceId: string, challenge: string): Promise<void> {
    const address = await this.#find(deviceId);
    const payload = JSON.stringify({ xlock: challenge });
    if (!address || Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES)
      throw new XlockError('PUSH_NOTIFICATION_DISABLED');
    await this.#sender.send(address, payload);
  }
}
