import { randomBytes } from 'node:crypto';
import { createKeyRecord, Identity } from '@private.me/xlink';
import { identityOf } from './key-file.js';
import { pemOf } from './local/sealed-key.js';
import { contentOf, writeWhole } from './local/whole-file.js';

/**
 * The identity that can read an audit log, and the record of its keys, which is all that a service needs. Made if the file is not there. Resolves to
 * its DID.
 */
export async function writeOrganization(keyFile: string, recordFile: string): Promise<string> {
  if ((await contentOf(keyFile)) === undefined) {
    const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)), { maxVersion: 2 });
    await writeWhole(keyFile, pemOf(identity.exportPKCS8()), { isNew: true });
  }
  const organization = await identityOf(keyFile, 2);
  await writeWhole(recordFile, `${JSON.stringify(await createKeyRecord(organization))}\n`, { mode: 0o644 });
  return organization.did;
}
