import type { KnownPasskeys } from '../src/device/known.js';
import { type PasskeyMeta, passkeyName } from '../src/passkey/meta.js';
import type { XStoreBackend } from '../src/stores/backend.js';
import type { DeviceKey } from './device-key.js';
import { read, readAll, remove, write } from './storage.js';

/** The share that stays in this browser, encrypted by a key that its scripts cannot read. */
export const shareStoreOf = ({ seal, unseal }: DeviceKey): XStoreBackend => ({
  id: 'this device',
  async put(name, bytes) {
    await write('shares', name, await seal(bytes, name));
  },
  async get(name) {
    const found = await read<Awaited<ReturnType<typeof seal>>>('shares', name);
    return found && unseal(found, name);
  },
  delete: (name) => remove('shares', name),
});

/** Which passkeys there are. */
export const knownPasskeys: KnownPasskeys = {
  list: () => readAll<PasskeyMeta>('passkeys'),
  keep: ({ service, userId, did, verifier }) =>
    write('passkeys', passkeyName({ service, userId }), { service, userId, did, verifier }),
};
