import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Identity } from '@private.me/xlink';
import { afterTest } from '../../../test/support/after-test.js';
import {
  MemoryBackend,
  PasskeyVault,
  type PasskeyVaultOptions,
  XlockDevice,
  type XlockDeviceOptions,
  XlockVerifier,
  type XlockVerifierOptions,
} from '../src/index.js';

export { afterTest } from '../../../test/support/after-test.js';
export { describeWhere } from '../../../test/support/needs-program.js';
export { temporaryFolder } from '../../../test/support/temporary-folder.js';
export { untilFound as until } from '../../../test/support/until.js';

/** 32 bytes that follow from a name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`xlock ${name}`).digest());

export const identityOf = (name: string): Promise<Identity> =>
  Identity.fromSeed(seedOf(name), { maxVersion: 1 });

/** A server on a free port of the loopback, and its URL. */
export async function listen(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** The whole body of a request. */
export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The id of the error that an operation fails with, thrown or as a result. */
export async function idOf(work: Promise<unknown> | (() => unknown)): Promise<string | undefined> {
  try {
    const value = (await (typeof work === 'function' ? work() : work)) as
      | { ok?: boolean; error?: unknown }
      | undefined;
    if (value?.ok === false) return (value.error as { id: string }).id;
    return undefined;
  } catch (error) {
    return (error as { id: string | undefined }).id ?? String(error);
  }
}

/** A clock that stands until it is moved. */
export function clockAt(start = Date.parse('2026-11-30T12:00:00Z')) {
  let now = start;
  const clock = () => now;
  return Object.assign(clock, {
    pass: (ms: number) => {
      now += ms;
    },
  });
}

/** A store that lies, or is down, when it is told to. */
export class Moody extends MemoryBackend {
  mood: 'good' | 'down' | 'lying' | 'full' = 'good';

  override put(name: string, bytes: Uint8Array): void {
    if (this.mood === 'down' || this.mood === 'full') throw new Error('no room');
    super.put(name, bytes);
  }

  override get(name: string): Uint8Array | undefined {
    if (this.mood === 'down') throw new Error('down');
    const bytes = super.get(name);
    if (bytes && this.mood === 'lying') bytes[bytes.length - 200]! ^= 1;
    return bytes;
  }
}

export const moodies = (count = 3): [Moody, Moody, Moody, ...Moody[]] =>
  Array.from({ length: count }, (_, at) => new Moody(`store-${at}`)) as [Moody, Moody, Moody, ...Moody[]];

export function vaultOn(
  stores: PasskeyVaultOptions['stores'],
  options: Omit<PasskeyVaultOptions, 'stores'> = {},
): PasskeyVault {
  const vault = new PasskeyVault({ stores, spareThreads: 0, ...options });
  afterTest(() => vault.close());
  return vault;
}

export async function deviceOf(
  name: string,
  options: Partial<XlockDeviceOptions> & { stores?: PasskeyVaultOptions['stores'] } = {},
): Promise<XlockDevice> {
  const { stores = moodies(), ...rest } = options;
  const vault = options.vault ?? vaultOn(stores);
  return new XlockDevice({ identity: await identityOf(name), name, ...rest, vault });
}

export const ORIGIN = 'https://acme.com';

/** A service, and a device that is registered with it. */
export async function registered(
  options: Partial<XlockVerifierOptions> = {},
  deviceOptions: Parameters<typeof deviceOf>[1] = {},
) {
  const clock = clockAt();
  const verifier = new XlockVerifier({
    origin: ORIGIN,
    identity: await identityOf('service'),
    clock,
    denialPauseMs: 0,
    maxPushes: 100,
    ...options,
  });
  const device = await deviceOf('phone', { clock, ...deviceOptions });
  const challenge = await verifier.createRegistrationChallenge({ userId: 'ada' });
  const result = await verifier.verifyRegistration(await device.register(challenge.links.app));
  if (!result.ok) throw result.error;
  return { verifier, device, clock, did: result.value.did };
}
