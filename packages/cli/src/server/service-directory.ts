import type { Did, OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { ServerError } from './errors.js';

/** A service by its name: what `connect('payments-service')` asks for. */
export interface NamedService {
  readonly name: string;
  readonly url: string;
  /** Pinned by who connects; absent: whichever the origin of `url` shows. */
  readonly did?: Did;
}

/** Names of services. */
export class ServiceDirectory {
  readonly #documents: Documents<NamedService>;

  constructor(store: OperationsStore) {
    this.#documents = new Documents(store, 'service');
  }

  /** Throws `SERVICE_UNKNOWN`. */
  async get(name: string): Promise<NamedService> {
    const found = await this.#documents.get(name);
    if (!found) throw new ServerError('SERVICE_UNKNOWN');
    return found;
  }

  async list(): Promise<readonly NamedService[]> {
    const all = [...(await this.#documents.all()).values()];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async put(service: NamedService): Promise<NamedService> {
    return this.#documents.update(service.name, () => service);
  }

  /** Throws `SERVICE_UNKNOWN`. */
  async remove(name: string): Promise<void> {
    await this.get(name);
    await this.#documents.removeIf(name, () => true);
  }
}
