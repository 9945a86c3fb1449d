import type { KeyRecord } from '@private.me/xlink';
import { XlockError } from '../errors.js';
import { hasMethods, invalidOption } from '../util/options.js';
import type { XlockPush } from './push.js';

/**
 * Pushes by several ways at once, such as the relay for who has the page open and Web Push for who has not; a device shows a challenge once. Resolves
 * if one way took it, otherwise throws `PUSH_NOTIFICATION_DISABLED`. Throws `INVALID_OPTION` without a way.
 */
export function allPushes(...ways: readonly XlockPush[]): XlockPush {
  if (ways.length === 0 || !ways.every(hasMethods('send')))
    throw invalidOption('ways', 'allPushes: pass one or more objects with send().');
  return {
    async send(deviceId: string, challenge: string, keys: KeyRecord | undefined): Promise<void> {
      const sent = await Promise.allSettled(ways.map(async (way) => way.send(deviceId, challenge, keys)));
      if (sent.some(({ status }) => status === 'fulfilled')) return;
      const cause = sent.map((one) => (one as PromiseRejectedResult).reason);
      throw new XlockError('PUSH_NOTIFICATION_DISABLED', { cause });
    },
  };
}
