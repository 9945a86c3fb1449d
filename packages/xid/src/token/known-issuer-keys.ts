import { XidError } from '../errors.js';
import type { SignerKeys } from '../util/signed.js';
import { issuerKeyId, openIssuerKey, type XidIssuerKey } from './issuer-key.js';

/** Keys that are remembered, the oldest forgotten first. */
const MAX_KEYS = 1000;

/** What a holder has seen of a registrar's keys for tokens: one for each class and epoch. Keep it as long as the registrar is used. */
export class KnownIssuerKeys {
  readonly #registrar: SignerKeys;
  readonly #seen = new Map<string, string>();

  /** `registrar`: who must have signed them. */
  constructor(registrar: SignerKeys) {
    this.#registrar = registrar;
  }

  /** The statement, if it is signed and no other was seen for its class and epoch. Rejects with `ISSUER_KEY_INVALID`, `ISSUER_KEY_CHANGED`. */
  async take(value: unknown): Promise<XidIssuerKey> {
    const { statement } = await openIssuerKey(value, this.#registrar);
    const place = `${statement.epoch} ${statement.class}`;
    const id = issuerKeyId(statement);
    if ((this.#seen.get(place) ?? id) !== id) throw new XidError('ISSUER_KEY_CHANGED');
    this.#seen.set(place, id);
    if (this.#seen.size > MAX_KEYS) this.#seen.delete(this.#seen.keys().next().value!);
    return statement;
  }
}
