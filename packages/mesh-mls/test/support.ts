import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from '@jest/globals';
import { Agent, HttpTrustRegistry, MemoryOperationsStore, type TrustRegistry } from '@private.me/xlink';
import { afterTest } from '../../../test/support/after-test.js';
import { freePort } from '../../../test/support/redis-server.js';
import { temporaryFolder } from '../../../test/support/temporary-folder.js';
import { untilFound as until } from '../../../test/support/until.js';
import { MlsClient, type MlsClientOptions, type MlsEvent, type MlsGroup } from '../src/index.js';

export { afterTest, freePort, temporaryFolder, until };

/** 32 bytes that follow from a name; other ones in each test, for tests share a server. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`mls ${expect.getState().currentTestName} ${name}`).digest());

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

export function stopAfterTest(child: ChildProcess, signal: NodeJS.Signals): void {
  afterTest(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  });
}

const XLINK = fileURLToPath(new URL('../../cli/dist/xlink.js', import.meta.url));

export interface Place {
  readonly url: string;
  readonly token: string;
  /** The registry of the server, as one client of it. */
  readonly registry: HttpTrustRegistry;
}

const servers: { readonly child: ChildProcess; readonly folder: string }[] = [];
let shared: Promise<Place> | undefined;

afterAll(async () => {
  for (const { child, folder } of servers) {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
});

/** The identity server of this file. */
export const startServer = (): Promise<Place> => (shared ??= anotherServer());

/** The built identity server, which finds the routes of this package; its address and the token of an admin. */
export async function anotherServer(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'mesh-mls-server-'));
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const args = ['serve', '--port', port, '--public-url', url, '--json', '--data', join(folder, 'data')];
  const limits = ['--requests-per-address', '1000000', '--requests-per-caller', '1000000'];
  const child = spawn(process.execPath, [XLINK, ...args, ...limits], { stdio: ['ignore', 'pipe', 'pipe'] });
  servers.push({ child, folder });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const line = await until('the identity server', () => {
    if (child.exitCode !== null) throw new Error(`ended early: ${output}`);
    return output.split('\n').find((each) => each.startsWith('{"did"') && each.endsWith('}'));
  });
  const token = JSON.parse(line).adminToken as string;
  return { url, token, registry: new HttpTrustRegistry({ baseUrl: url, authToken: token }) };
}

/** An agent that the server knows. */
export async function agentAt(place: Place, name: string, registry?: TrustRegistry): Promise<Agent> {
  const made = await Agent.fromSeed({ seed: seedOf(name), registry: registry ?? place.registry });
  if (!made.ok) throw made.error;
  afterTest(() => made.value.dispose());
  return made.value;
}

export interface TestClient {
  readonly client: MlsClient;
  readonly agent: Agent;
  readonly did: string;
  readonly events: MlsEvent[];
  readonly store: NonNullable<MlsClientOptions['store']>;
  /** What its groups have received, as `sender's last letters: text`. */
  readonly inbox: string[];
}

/** A client that ends with the test. */
export async function clientAt(
  place: Place,
  name: string,
  { agent, ...more }: Partial<MlsClientOptions> = {},
): Promise<TestClient> {
  const who = agent ?? (await agentAt(place, name));
  const events: MlsEvent[] = [];
  const store = more.store ?? new MemoryOperationsStore();
  const inbox: string[] = [];
  const hear = (group: MlsGroup) => group.onMessage(({ data }) => void inbox.push(text(data)));
  const client = await MlsClient.start({
    agent: who,
    server: place.url,
    keyPackages: 4,
    removeDelayMs: 200,
    onEvent: (event) => {
      events.push(event);
    },
    ...more,
    store,
  });
  afterTest(() => client.close());
  client.groups.forEach(hear);
  client.onGroup(hear);
  return { client, agent: who, did: who.did, events, store, inbox };
}

/** The group of this id in a client, once it is there and has this epoch. */
export const groupIn = (
  { client }: TestClient,
  id: string,
  epoch = 0,
  withinMs?: number,
): Promise<MlsGroup> =>
  until(
    `group at epoch ${epoch}`,
    () => {
      const group = client.group(id);
      return group?.isActive && group.epoch >= epoch ? group : undefined;
    },
    withinMs,
  );

/** A group of these clients, all of them in it. */
export async function groupOf(first: TestClient, ...others: readonly TestClient[]): Promise<MlsGroup> {
  const group = await first.client.create();
  if (others.length > 0) await group.add(others.map(({ did }) => did));
  for (const one of others) await groupIn(one, group.id);
  return group;
}

export const revoke = async (place: Place, did: string): Promise<void> => {
  const done = await place.registry.revoke(did);
  if (!done.ok) throw done.error;
};

/** Faults that a client told, as ids. */
export const faultsOf = ({ events }: TestClient): string[] =>
  events.flatMap((event) =>
    event.type === 'fault' ? [String((event.error as { id?: string }).id ?? event.error)] : [],
  );
