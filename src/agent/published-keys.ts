import { xlinkError } from '../errors/errors.js';
import { EpochKeyRing } from '../identity/epoch-key-ring.js';
import { createKeyRecord } from '../identity/key-record.js';
import type { KeyRecord } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { callRegistry, ensureRegistered } from './register.js';

/** The key record of an agent: signed once for each key epoch and identity. */
export class PublishedKeys {
  #record: KeyRecord | undefined;

  /**
   * That of the keys which are current. A new epoch, and the keys of an identity that took the place of another (`!isFirst`), are
   * brought to the registry, where the identity is in it.
   */
  async current(context: AgentContext, isFirst: boolean): Promise<KeyRecord> {
    const { identity, clock, keyRing, commitment } = context;
    const encryption = await keyRing.current();
    const known = this.#record?.did === identity.did ? this.#record : undefined;
    if (known?.keyEpoch === encryption.keyEpoch) return known;
    const record = await createKeyRecord(identity, { clock, encryption, ...(await commitment()) });
    this.#record = record;
    if (known || !isFirst) await publish(context);
    return record;
  }

  /** New encryption keys now. Throws `INVALID_OPTION` for keys that are derived from the seed. */
  async rotate(context: AgentContext, isFirst: boolean): Promise<KeyRecord> {
    const { keyRing } = context;
    if (!(keyRing instanceof EpochKeyRing))
      throw xlinkError('INVALID_OPTION', {
        field: 'keyStore',
        hint: 'rotateKeys() needs the option keyStore.',
      });
    await this.current(context, isFirst);
    await keyRing.rotate();
    return this.current(context, isFirst);
  }
}

async function publish({ identity, registry, clock, keyRing, commitment }: AgentContext): Promise<void> {
  const entry = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
  if (entry) await ensureRegistered(registry, identity, { clock }, keyRing, commitment);
}
