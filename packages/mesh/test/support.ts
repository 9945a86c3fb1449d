import { createHash } from 'node:crypto';
import { createKeyRecord, Identity, type IdentityOptions, MemoryTrustRegistry } from '@private.me/xlink';
import { afterTest } from '../../../test/support/after-test.js';
import { untilFound as until } from '../../../test/support/until.js';
import {
  MeshError,
  type NoiseEvent,
  type NoiseListener,
  type NoiseOptions,
  NoiseProvider,
  type SecureChannel,
} from '../src/index.js';

export { afterTest } from '../../../test/support/after-test.js';
export { until };

/** 32 bytes that follow from a name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`mesh ${name}`).digest());

/** The identity of a name. */
export const identityOf = (name: string, options: IdentityOptions = {}): Promise<Identity> =>
  Identity.fromSeed(seedOf(name), options);

/** A registry that knows these identities. */
export async function registryOf(...identities: readonly Identity[]): Promise<MemoryTrustRegistry> {
  const registry = new MemoryTrustRegistry();
  for (const identity of identities) await enroll(registry, identity);
  return registry;
}

export async function enroll(registry: MemoryTrustRegistry, identity: Identity): Promise<void> {
  const done = await registry.register({ did: identity.did, keys: await createKeyRecord(identity) });
  if (!done.ok) throw done.error;
}

export type TestProvider = NoiseProvider & { readonly events: NoiseEvent[]; readonly faults: () => string[] };

/** A provider that keeps what it tells. */
export function providerOf(options: NoiseOptions): TestProvider {
  const events: NoiseEvent[] = [];
  const provider = new NoiseProvider({ onEvent: (event) => void events.push(event), ...options });
  afterTest(() => provider.close());
  const faults = () =>
    events.flatMap(({ type, error }: { type: string; error?: unknown }) =>
      type === 'fault' ? [error instanceof MeshError ? error.id : String(error)] : [],
    );
  return Object.assign(provider, { events, faults });
}

export type Listening = NoiseListener & {
  readonly channels: SecureChannel[];
  next(): Promise<SecureChannel>;
};

/** Listens, and keeps the channels that come. */
export async function listen(
  provider: NoiseProvider,
  address: string,
  options: { readonly peer?: string } = {},
): Promise<Listening> {
  const channels: SecureChannel[] = [];
  let taken = 0;
  const listener = await provider.listen(address, (channel) => void channels.push(channel), options);
  afterTest(async () => {
    for (const channel of channels) await channel.close();
    await listener.close();
  });
  const next = async () => {
    const channel = await until('a channel', () => channels[taken]);
    taken++;
    return channel;
  };
  return Object.defineProperties({ channels, next } as unknown as Listening, {
    address: { get: () => listener.address },
    handshakes: { get: () => listener.handshakes },
    close: { value: () => listener.close() },
  });
}

/** The messages of a channel, as texts. */
export function heard(channel: SecureChannel): string[] {
  const texts: string[] = [];
  channel.onMessage((data) => void texts.push(Buffer.from(data).toString()));
  return texts;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What an operation fails with; an error of the test if it does not. */
export async function failureOf(work: () => unknown): Promise<Error & { id?: string; field?: string }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

export const idOfFailure = async (work: () => unknown): Promise<string | undefined> =>
  (await failureOf(work)).id;
