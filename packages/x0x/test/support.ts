import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Identity } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import { afterTest } from '../../../test/support/after-test.js';
import { temporaryFolder } from '../../../test/support/temporary-folder.js';
import { type X0xEvent, X0xKeyPair, X0xNode, type X0xNodeOptions } from '../src/index.js';

export { afterTest } from '../../../test/support/after-test.js';
export { temporaryFolder } from '../../../test/support/temporary-folder.js';
export { untilFound as until } from '../../../test/support/until.js';

/** 32 bytes that follow from a name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`x0x ${name}`).digest());

/** Keys that follow from a name. */
export const keysOf = (name: string): X0xKeyPair => X0xKeyPair.fromSeed(seedOf(name));

/** The directories of an instance below a folder. */
export const placesIn = (folder: string, name = 'agent') => ({
  identityDir: join(folder, name, 'identity'),
  dataDir: join(folder, name, 'data'),
});

/** A relay that anybody may use, on a free port; its URL. */
export async function startRelay(): Promise<string> {
  const folder = await temporaryFolder();
  const store = await FileRelayStore.open({ path: join(folder, 'messages.jsonl') });
  const identity = await Identity.fromSeed(seedOf('relay'));
  const relay = await createRelay({ identity, store, open: true });
  const server = createServer(relay.handler).on('upgrade', relay.upgrade).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(async () => {
    server.close();
    await relay.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export type TestNode = X0xNode & { readonly events: X0xEvent[] };

/** An instance that ends with the test, and what it told. */
export async function openNode(
  folder: string,
  name: string,
  options: X0xNodeOptions = {},
): Promise<TestNode> {
  const events: X0xEvent[] = [];
  const observers = [(event: X0xEvent) => void events.push(event)];
  const node = await X0xNode.open({ ...placesIn(folder, name), observers, ...options });
  afterTest(() => node.close());
  return Object.assign(node, { events });
}

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
