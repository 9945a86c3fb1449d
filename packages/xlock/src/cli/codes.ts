import { postJson } from '../device/post-json.js';
import { isXlockError, XlockError } from '../errors.js';
import { makeOfflineCodes } from '../fallback/offline-codes.js';
import { ephemeralFor } from '../xid/ephemeral-for.js';
import type { Home } from './home.js';
import type { Terminal } from './output.js';

/** `xlock codes`: codes for times without a network, shown once the service has their hashes. */
export async function makeCodes(
  { device, identity, vault }: Home,
  { service, userId }: { readonly service: string; readonly userId: string },
  { out, err }: Terminal,
): Promise<number> {
  const known = (await device.passkeys()).find((one) => one.service === service && one.userId === userId);
  if (!known) throw new XlockError('PASSKEY_NOT_FOUND');
  const source = await ephemeralFor(identity.did);
  const { codes, statement } = await makeOfflineCodes({
    identity,
    vault,
    source,
    did: known.did,
    service,
    userId,
  });
  source.close();
  try {
    await postJson(`${service}/v1/codes/offline`, statement);
  } catch (error) {
    const isNoRoute =
      isXlockError(error) && (error.id === 'NOT_FOUND' || Object(error.details).status === 404);
    if (!isNoRoute) throw error;
    err(`xlock: ${service} takes no codes: xlock serve does with --offline-codes`);
    return 1;
  }
  for (const code of codes) out(code);
  return 0;
}
