import { constants, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataKey, newDataKey, type Organization, unwrapDataKey } from '../../../audit/data-key.js';
import { isExpired, monthOf } from '../../../audit/retention.js';
import type { Hmac } from '../../../crypto/provider.js';
import { xlinkError } from '../../../errors/service-errors.js';
import type { Identity } from '../../../identity/identity.js';
import type { Did } from '../../../types/protocol.js';
import { realPathOf, syncFolderOf, writeAt } from '../durable-file.js';
import { bytesOfFile, createPrivateFile } from '../private-file.js';

/**
 * The data keys of a log, each in a file of its own, wrapped for the organization. A writer makes one for each month in which
 * it writes, and cannot open those that it made before: the organization can.
 */
export class DataKeys {
  readonly #folder: string;
  readonly #origin: string;

  constructor(folder: string, origin: string) {
    this.#folder = folder;
    this.#origin = origin;
  }

  /** A new one, durable when it resolves. */
  async make(service: Identity, organization: Organization, now: number): Promise<DataKey> {
    const { id, hmac, wrapped } = await newDataKey(service, organization, this.#origin, now);
    const path = await realPathOf(this.#pathOf(id));
    if (!(await createPrivateFile(path, Buffer.from(wrapped)))) throw new Error(`there is a data key ${id}`);
    return { id, hmac };
  }

  /** Throws `AUDIT_INVALID:KEY` for one that is not here any more, or was wrapped for somebody else. */
  async open(id: string, organization: Identity, service: Did): Promise<Hmac> {
    const wrapped = monthOf(id) && (await bytesOfFile(this.#pathOf(id)));
    if (!wrapped) throw xlinkError('AUDIT_INVALID:KEY', { field: 'key' });
    return organization.crypto.hmac(await unwrapDataKey(organization, service, wrapped, id, this.#origin));
  }

  /** Names of those that are here. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.flatMap((name) => (name.endsWith('.json') ? name.slice(0, -5) : [])).filter(monthOf);
  }

  /** Erases those whose retention is over, once `announce` resolves: overwrites and removes them. Resolves to their names. */
  async eraseExpired(
    retention: string,
    now: number,
    announce: (ids: readonly string[]) => Promise<unknown>,
  ): Promise<string[]> {
    const expired = (await this.ids()).filter((id) => isExpired(id, retention, now)).sort();
    if (expired.length > 0) await announce(expired);
    for (const id of expired) await erase(this.#pathOf(id));
    if (expired.length > 0) await syncFolderOf(this.#pathOf(expired[0]!));
    return expired;
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}

async function erase(path: string): Promise<void> {
  const file = await open(path, constants.O_RDWR);
  try {
    await writeAt(file, Buffer.alloc((await file.stat()).size), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await rm(path);
}
