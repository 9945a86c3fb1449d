import { xlinkError } from '../../../errors/service-errors.js';
import { isMembers } from '../../../util/members.js';
import { LOG_FORMAT } from '../../audit/record-text.js';
import { realPathOf } from '../durable-file.js';
import { FileStoreError } from '../file-store-error.js';
import { bytesOfFile, createPrivateFile } from '../private-file.js';
import type { AuditLogOptions } from './options.js';
import { places } from './places.js';

/** Which log is in a folder; `undefined` if there is none. Rejects with `EFOREIGN` for a folder with something else. */
export async function readOrigin(folder: string): Promise<string | undefined> {
  const path = places(folder).about;
  const bytes = await bytesOfFile(path);
  if (!bytes) return undefined;
  try {
    const about: unknown = JSON.parse(bytes.toString());
    if (isMembers(about) && about.format === LOG_FORMAT && typeof about.origin === 'string')
      return about.origin;
  } catch {
    // told below
  }
  throw new FileStoreError(
    'EFOREIGN',
    `${path} is not of an audit log. Nothing was changed. Use another folder`,
  );
}

/** Which log is, or from now on is, in the folder. */
export async function originOf({ folder, identity, name }: AuditLogOptions): Promise<string> {
  const known = await readOrigin(folder);
  if (known === undefined) {
    const random = Buffer.from(identity.crypto.randomBytes(8)).toString('hex');
    const origin = `${identity.did}/${name ?? random}`;
    const path = await realPathOf(places(folder).about);
    const isOurs = await createPrivateFile(
      path,
      Buffer.from(`${JSON.stringify({ format: LOG_FORMAT, origin })}\n`),
    );
    return isOurs
      ? origin
      : originOf({ folder, identity, organization: identity, ...(name ? { name } : {}) });
  }
  const [did, kept] = known.split('/');
  const wrong = did !== identity.did ? 'identity' : name !== undefined && name !== kept ? 'name' : undefined;
  if (wrong)
    throw xlinkError('INVALID_OPTION', {
      field: wrong,
      hint: `AuditLog.open: the log in ${folder} is ${known}; use its ${wrong}, or another folder.`,
    });
  return known;
}
