import type { ApprovalPageConfig } from '../src/page/page-config.js';
import { fromBase64url, lengthPrefixed, toBase64url } from '../src/util/bytes.js';
import { hmacSha256, randomBytes } from '../src/util/primitives.js';
import type { DeviceKey, Sealed } from './device-key.js';
import { read, readOrAdd, write } from './storage.js';

const CODE = 'shareCode';

/** What the operator of the page set. */
export async function pageConfig(): Promise<ApprovalPageConfig> {
  const response = await fetch('/config.json');
  if (!response.ok) throw new Error('The settings of this page cannot be read. Reload it.');
  return (await response.json()) as ApprovalPageConfig;
}

type Sealing = Pick<DeviceKey, 'seal' | 'unseal'>;

/**
 * A secret of 32 bytes, base64url, that opens the share stores to all devices of this user. Made at the first time, and kept sealed: a copy of what lies on
 * the disk does not say it.
 */
export async function shareCode({ seal, unseal }: Sealing): Promise<string> {
  const kept =
    (await read<Sealed | string>('settings', CODE)) ??
    (await readOrAdd<Sealed | string>('settings', CODE, await seal(randomBytes(32), CODE)));
  if (typeof kept === 'string') {
    await takeShareCode(kept, { seal, unseal }); // of an earlier version, which did not seal it
    return kept;
  }
  return toBase64url(await unseal(kept, CODE));
}

/** Takes over the code of another device; `false` for what is no code. */
export async function takeShareCode(code: string, { seal }: Sealing): Promise<boolean> {
  const bytes = fromBase64url(code, 32);
  if (!bytes) return false;
  await write('settings', CODE, await seal(bytes, CODE));
  return true;
}

/** What a store is shown: each another one, so that no store can ask another. */
export const storeToken = (code: string, url: string): string =>
  toBase64url(hmacSha256(fromBase64url(code, 32)!, lengthPrefixed(['xlink/1 xlock share store', url])));

/** A name of this device for people, in lists of devices. */
export const deviceName = async (): Promise<string> =>
  (await read<string>('settings', 'name')) ?? browserName();

/** Keeps another name. */
export const renameDevice = (name: string): Promise<void> => write('settings', 'name', name);

function browserName(): string {
  const { userAgent } = navigator;
  const [, browser = 'Browser'] = /(Edg|Firefox|Chrome|Safari)/.exec(userAgent) ?? [];
  const [, system] = /(Android|iPhone|iPad|Windows|Mac OS|CrOS|Linux)/.exec(userAgent) ?? [];
  return system ? `${browser === 'Edg' ? 'Edge' : browser} on ${system}` : browser;
}
