import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openFileState } from '@private.me/xlink/file';
import { call } from './support/call.js';

const DID = 'did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw';

describe('xlink report and migrate, through the stores', () => {
  let folder: string;
  let state: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-operate-'));
    state = join(folder, 'state');
    const opened = await openFileState(state);
    await opened.clients.add([
      { client: 'acme', keyRequests: 3, xlinkRequests: 0, failures: {}, lastKeyUse: Date.now() },
      { client: 'bolt', keyRequests: 0, xlinkRequests: 9, failures: {}, lastXlinkUse: Date.now() },
    ]);
    await opened.clients.link(DID, 'bolt');
    await opened.agent.registry.add(DID, { scopes: ['orders'], name: 'bolt' });
    await opened.modes.save({ mode: 'hybrid', since: Date.now() - 1000, reason: 'began' }, 0);
    await opened.operations.save('invitation/x', '{}', 0);
    await opened.close();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const at = (...args: string[]) => call(...args, '--state', state);
  const data = async (...args: string[]) => JSON.parse((await at(...args, '--json', '--yes')).out);

  test('report shows who still uses keys; --check is for scripts', async () => {
    const { code, out } = await at('report');
    expect([code, out]).toEqual([0, expect.stringMatching(/acme/)]);
    expect((await at('report', '--check')).code).toBe(1);
    expect(await data('report')).toMatchObject({
      safeToSwitch: false,
      clients: [{ client: 'acme' }, { client: 'bolt' }],
    });
    expect((await at('report', '--outreach')).out).toMatch(/^client,[\s\S]*\nacme,/);
  });

  test('mode is shown and set, and says who and why', async () => {
    expect(await data('migrate', 'mode')).toMatchObject({ mode: 'hybrid', reason: 'began' });
    const wrong = await at('migrate', 'mode', 'deprecation');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--why is required')]);
    expect((await at('migrate', 'mode', 'off', '--why', 'x')).code).toBe(2);
    expect(await data('migrate', 'mode', 'deprecation', '--why', 'ticket 42', '--by', 'mia')).toMatchObject({
      mode: 'deprecation',
      reason: 'ticket 42',
      by: 'mia',
    });
    expect(await data('migrate', 'mode')).toMatchObject({ mode: 'deprecation' });
  });

  test('plan says what blocks, apply is refused while gates are closed, and forced by name', async () => {
    expect(await data('migrate', 'plan')).toMatchObject({
      mode: 'hybrid',
      next: 'deprecation',
      ready: false,
      blockers: expect.any(Array),
    });
    const closed = await at('migrate', 'apply', '--by', 'mia', '--why', 'now', '--yes');
    expect([closed.code, closed.err]).toEqual([1, expect.stringContaining('xlink migrate: ')]);
    expect(await data('migrate', 'mode')).toMatchObject({ mode: 'hybrid' });
    expect(
      await data('migrate', 'apply', '--by', 'mia', '--why', 'now', '--force', 'deprecation'),
    ).toMatchObject({ changed: true });
    expect(await data('migrate', 'mode')).toMatchObject({
      mode: 'deprecation',
      by: 'mia',
      wayBack: 'hybrid',
    });
  });

  test('revoke-client ends keys and identities', async () => {
    expect(await data('migrate', 'revoke-client', 'bolt', '--reason', 'contract ended')).toMatchObject({
      dids: [DID],
    });
    const opened = await openFileState(state);
    expect(opened.clients.get('bolt')?.revokedSince).toEqual(expect.any(Number));
    expect(await opened.agent.registry.lookup(DID)).toMatchObject({
      status: 'revoked',
      revocationReason: 'contract ended',
    });
    await opened.close();
    const unknown = await at('migrate', 'revoke-client', 'nobody', '--yes');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('Nothing is known')]);
  });

  test('brownout computes a schedule, and touches no store', async () => {
    const { out } = await call(
      'migrate',
      'brownout',
      '--from',
      '2027-03-01',
      '--until',
      '2027-06-01',
      '--json',
    );
    expect(JSON.parse(out).length).toBe(5);
    expect((await call('migrate', 'brownout', '--from', 'soon', '--until', '2027-06-01')).code).toBe(2);
  });

  test('doctor looks at the stores, and what is not there is no success', async () => {
    const good = await call('doctor', '--dir', join(folder, 'none'), '--state', state);
    expect([good.code, good.out]).toEqual([
      0,
      expect.stringMatching(/ok {4}store clients +file:.*: 2 entries/),
    ]);
    const absent = await call('doctor', '--dir', join(folder, 'none'), '--state', join(folder, 'absent'));
    expect([absent.code, absent.out]).toEqual([1, expect.stringContaining('FAIL  store clients')]);
    expect((await call('report', '--state', join(folder, 'absent'))).code).toBe(1);
    expect((await call('report')).code).toBe(2);
  });
});
