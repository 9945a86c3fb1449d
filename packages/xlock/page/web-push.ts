import type { ApprovalPageConfig } from '../src/page/page-config.js';
import { type PushSubscriptionRequest, subscriptionText } from '../src/push/web/subscription.js';
import { fromBase64url, toBase64url } from '../src/util/bytes.js';
import { knownPasskeys } from './browser-stores.js';
import type { DeviceKey } from './device-key.js';

type Settings = NonNullable<ApprovalPageConfig['webPush']>;

/** Whether this browser can be pushed to while the page is closed. */
export const canSubscribe = (): boolean =>
  'serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis;

/** Whether the user said yes already. */
export const isAllowed = (): boolean => canSubscribe() && Notification.permission === 'granted';

/**
 * Subscribes, and tells the service of each passkey. Ask for the permission before, on a click. Resolves to the hosts that did not take it.
 */
export async function subscribe({ publicKey, path }: Settings, key: DeviceKey): Promise<string[]> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await subscribed(pushManager, publicKey);
  const { endpoint } = subscription;
  const raw = (name: PushEncryptionKeyName) => toBase64url(new Uint8Array(subscription.getKey(name)!));
  const failed: string[] = [];
  for (const { service: origin, did } of await knownPasskeys.list()) {
    const at = Date.now();
    const said = { deviceId: key.did, did, origin, endpoint, p256dh: raw('p256dh'), auth: raw('auth'), at };
    const signature = toBase64url(await key.sign(subscriptionText(said)));
    const body: PushSubscriptionRequest = { ...said, signature };
    const init = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    };
    const isTaken = await fetch(origin + path, init).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!isTaken) failed.push(new URL(origin).host);
  }
  return failed;
}

/** A subscription is for one key: one of an earlier key is given up. */
async function subscribed(manager: PushManager, publicKey: string): Promise<PushSubscription> {
  const options = { userVisibleOnly: true, applicationServerKey: fromBase64url(publicKey, 65)! };
  try {
    return await manager.subscribe(options);
  } catch (error) {
    const old = await manager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return manager.subscribe(options);
  }
}
