import type { Identity, KeyRecord } from '@private.me/xlink';
import type { XlockChallenge } from '../src/challenge/challenge.js';
import { readChallenge } from '../src/challenge/links.js';
import { XlockDevice } from '../src/device/device.js';
import { XlockError } from '../src/errors.js';
import type { ApprovalPageConfig } from '../src/page/page-config.js';
import { PasskeyVault } from '../src/passkey/vault.js';
import { HttpBackend } from '../src/stores/http.js';
import { knownPasskeys, shareStoreOf } from './browser-stores.js';
import { clockAware } from './clock.js';
import type { DeviceKey } from './device-key.js';
import { deviceName, shareCode, storeToken } from './settings.js';

/** How this browser is reached over the relay of the page. */
export type RelayKeys = (() => Promise<KeyRecord>) | undefined;

/** This browser as a device: the same parts as everywhere, with stores of the browser. */
export async function approverOf(config: ApprovalPageConfig, key: DeviceKey, keys: RelayKeys) {
  const code = await shareCode(key);
  const remote = config.stores.map(
    (url) =>
      new HttpBackend({
        url,
        id: new URL(url).host + new URL(url).pathname,
        authorization: `Bearer ${storeToken(code, url)}`,
      }),
  );
  const vault = new PasskeyVault({ stores: [shareStoreOf(key), ...remote], threshold: 2 });
  // The device asks for a DID and a signature only; the key itself stays in the browser.
  const identity = { did: key.did, ed25519: key } as unknown as Identity;
  const device = new XlockDevice({
    identity,
    vault,
    name: await deviceName(),
    known: knownPasskeys,
    ...(keys ? { keys } : {}),
  });
  return {
    device,
    vault,
    /** What is asked, checked, of a service that this page is for. */
    async view(text: string): Promise<XlockChallenge> {
      const { origin } = readChallenge(text);
      if (config.services !== 'any' && !config.services.includes(origin))
        throw new XlockError('CHALLENGE_INVALID:ORIGIN', {
          resolution: `This page approves for ${config.services.map((one) => new URL(one).host).join(', ')} only.`,
        });
      try {
        return await device.view(text);
      } catch (error) {
        throw await clockAware(error);
      }
    },
  };
}

export type Approver = Awaited<ReturnType<typeof approverOf>>;
