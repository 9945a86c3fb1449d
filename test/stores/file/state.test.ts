import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Agent, DualModeAdapter } from '@private.me/xlink';
import { openFileState } from '@private.me/xlink/file';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a folder and its files are made, for the owner only, and are the same after a restart', async () => {
  const folder = join(await temporaryFolder(), 'deep/state');
  const first = await openFileState(folder);
  const agent = new Agent(first.agent);
  const legacyKeyValidator = () => ({ clientId: 'acme' });
  const adapter = new DualModeAdapter({ agent, clients: first.clients, legacyKeyValidator });
  await first.clients.link('did:key:z6Mkexample', 'acme');
  await first.modes.save({ mode: 'hybrid', since: 1 }, 0);
  await first.operations.save('invitation/1', '{}', 0);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of ['api-identity.der', 'clients.jsonl', 'mode.jsonl', 'nonces.jsonl', 'operations.jsonl'])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  await adapter.close();
  await first.close();

  const second = await openFileState(folder);
  expect(new Agent(second.agent).did).toBe(agent.did);
  expect(second.clients.clientOf('did:key:z6Mkexample')).toBe('acme');
  expect(await second.modes.load()).toMatchObject({ mode: 'hybrid' });
  expect(await second.operations.load('invitation/1')).toMatchObject({ json: '{}' });
  await second.close();
});

test('anything but a folder is refused', async () => {
  await expect(openFileState(undefined as never)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    field: 'folder',
  });
});
