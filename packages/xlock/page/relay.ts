// Pushes over the relay while the page is open. Loaded apart from the page: it has the whole of xLink in it.
import { Identity, type KeyRecord } from '@private.me/xlink';
import type { XlockDevice } from '../src/device/device.js';
import { XlockInbox } from '../src/device/inbox.js';
import { RelayChannel } from '../src/push/channel.js';
import { randomBytes } from '../src/util/primitives.js';
import type { DeviceKey } from './device-key.js';
import { read, readOrAdd } from './storage.js';

/** The end of this browser at the relay. */
export interface RelayEnd {
  keys(): Promise<KeyRecord>;
  /** Takes pushes for the passkeys that there are; again after another one was made. */
  listen(device: XlockDevice, onChallenge: (text: string) => void): Promise<void>;
}

type Sealed = Awaited<ReturnType<DeviceKey['seal']>>;

/** An identity that signs with the key of the browser. Its key for decryption is of a secret of its own, kept sealed. */
async function identityOf(key: DeviceKey): Promise<Identity> {
  const kept =
    (await read<Sealed>('keys', 'relay')) ??
    (await readOrAdd('keys', 'relay', await key.seal(randomBytes(32), 'relay')));
  const secret = await key.unseal(kept, 'relay');
  const { crypto } = await Identity.fromSeed(secret, { maxVersion: 1 });
  const ed25519 = { ...crypto.ed25519, signer: () => ({ publicKey: key.publicKey, sign: key.sign }) };
  return Identity.fromSeed(secret, { maxVersion: 1, crypto: { ...crypto, ed25519 } });
}

export async function relayEnd(
  key: DeviceKey,
  relay: { readonly url: string; readonly did?: string },
  onError: (error: unknown) => void,
): Promise<RelayEnd> {
  const channel = new RelayChannel({
    identity: await identityOf(key),
    relayUrl: relay.url,
    ...(relay.did === undefined ? {} : { relayDid: relay.did }),
    webSocket: WebSocket as never,
    onError,
  });
  let inbox: XlockInbox | undefined;
  return {
    keys: () => channel.keys(),
    async listen(device, onChallenge) {
      inbox ??= new XlockInbox({ channel, device, onChallenge: ({ text }) => onChallenge(text) });
      await inbox.open();
    },
  };
}
