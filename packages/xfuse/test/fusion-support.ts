import { createHash, randomBytes } from 'node:crypto';
import {
  DeviceSecret,
  FusionManager,
  type FusionOptions,
  type FusionRecord,
  type FusionStore,
  type StoredSignal,
  userVerified,
} from '../src/index.js';

/** The floor: what tests can afford. */
export const CHEAP = { memoryKiB: 19_456, passes: 2, parallelism: 1 };

export const PASSWORD = 'correct horse battery staple';

/** 32 bytes that follow from a name. */
export const keyOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`xfuse ${name}`).digest());

/** A key file that follows from a name. */
export const device = (name: string): DeviceSecret => new DeviceSecret('key-file', keyOf(name));

const assertion = (name: string, flags: number) => ({
  id: Buffer.from(name).toString('base64url'),
  response: {
    authenticatorData: Buffer.concat([randomBytes(32), Buffer.of(flags, 0, 0, 0, 1)]).toString('base64url'),
  },
});

/** A passkey used by fingerprint; `flags`: user present and verified. */
export const fingerprint = (name: string, flags = 5): DeviceSecret =>
  userVerified({ prf: keyOf(`prf ${name}`), assertion: assertion(name, flags) });

/** A store that a test can change as a thief of it would. */
export class OpenStore implements FusionStore {
  readonly records = new Map<string, FusionRecord>();

  load(account: string): FusionRecord | undefined {
    return structuredClone(this.records.get(account));
  }

  save(record: FusionRecord, ifGeneration: number | undefined): boolean {
    if (this.records.get(record.account)?.generation !== ifGeneration) return false;
    this.records.set(record.account, structuredClone(record));
    return true;
  }

  /** Changes a record in place. */
  change(account: string, edit: (record: Writable) => void): void {
    edit(this.records.get(account) as unknown as Writable);
  }
}

type Writable = { -readonly [K in Exclude<keyof FusionRecord, 'signals'>]: FusionRecord[K] } & {
  signals: { -readonly [K in keyof StoredSignal]: StoredSignal[K] }[];
};

/** Password, fingerprint and key file of one account, any two of which are enough. */
export async function enrolled(account: string, options: Partial<FusionOptions> = {}) {
  const store = (options.store as OpenStore | undefined) ?? new OpenStore();
  const settings = { threshold: 2, totalSignals: 3, argon2: CHEAP, account, store, ...options };
  const fusion = new FusionManager(settings);
  const signals = {
    password: { type: 'password', value: PASSWORD },
    biometric: { type: 'biometric', value: fingerprint(account) },
    device: { type: 'device', value: device(account) },
  } as const;
  for (const signal of Object.values(signals)) await fusion.enrollSignal(signal);
  return { fusion, store, settings, ...signals };
}
