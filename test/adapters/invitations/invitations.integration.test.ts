import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Agent, MemoryOperationsStore, type Mode, xlinkFetch } from '@private.me/xlink';
import { FileClientStore } from '@private.me/xlink/file';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { signedSent } from '../../signature/support.js';
import { DAY, HOUR } from '../../support/clock.js';
import { bodyForm, type RefusalText, type Sent } from '../../support/http.js';
import { thrownBy } from '../../support/results.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { World } from '../../support/world.js';
import { made as madeService } from '../clients/enrollment-support.js';
import { enrollmentEnvelope, sealed } from '../requests.js';

const SCOPES = ['orders:read'];
const SCOPE = { scope: 'orders:read' };
const CALL = { client: 'newco', scopes: SCOPES, by: 'mia', why: 'ticket 42' };

async function made(setup: object = {}) {
  const operations = new MemoryOperationsStore();
  const parts = await madeService({ mode: 'xlink-only', operations, ...setup });
  const invite = (more: object = {}) => parts.service.adapter.invite({ ...CALL, ...more });
  return { ...parts, operations, invite };
}

/** What a new customer sends: an envelope that is made for the invitation, and the invitation. */
async function enrolling(from: Agent, to: Agent, invitation: string, proofKey = invitation): Promise<Sent> {
  const envelope = await enrollmentEnvelope(from, to, proofKey);
  return bodyForm(envelope, { path: ENROLL_PATH, headers: { 'xlink-invitation': invitation } });
}

describe('[E9] an invitation', () => {
  test.each(['hybrid', 'deprecation', 'xlink-only'] as Mode[])(
    'lets a new customer in without a key, in %s, and its requests are good',
    async (mode) => {
      const { world, api, service, invite } = await made({ mode });
      const device = await world.stranger('device');
      const { invitation, ...report } = await invite();
      expect(invitation).toMatch(/^xinv_[\w-]{51}$/);
      expect(report).toMatchObject({ client: 'newco', scopes: SCOPES, state: 'open', by: 'mia' });
      const answer = await service.send(enrolling(device, api, invitation));
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        { did: device.did, client: 'newco', scopes: SCOPES },
      ]);
      const { auth } = await service.accepted(sealed(device, api, {}, SCOPE));
      expect(auth).toMatchObject({ mode: 'xlink', client: 'newco', scopes: SCOPES });
      await service.refused(sealed(device, api, {}, { scope: 'orders:write' }), '403 SCOPE_DENIED');
      expect(await service.adapter.invitations()).toMatchObject([{ state: 'used', did: device.did }]);
      expect(service.of('operation')).toEqual([
        { type: 'operation', operation: 'invite', target: 'newco', by: 'mia', why: 'ticket 42' },
      ]);
      expect(service.of('enrollment')).toMatchObject([{ client: 'newco', did: device.did }]);
    },
  );

  test('in memory beside clients that last is warned of, once', async () => {
    const clients = await FileClientStore.open(join(await temporaryFolder(), 'clients.jsonl'));
    const { service, invite } = await made({ clients });
    for (let i = 0; i < 2; i++) await invite();
    const warnings = service.of('warning').filter(({ code }) => code === 'INVITATION_REFUSED:UNKNOWN');
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining('FileOperationsStore')]);
    const all = await made();
    await all.invite();
    expect(all.service.of('warning')).toEqual([]);
  });

  test('is kept as a hash alone', async () => {
    const { operations, invite, service } = await made();
    const { invitation, number } = await invite();
    const kept = JSON.stringify([operations.list('invitation'), await service.adapter.invitations()]);
    expect(kept).toContain(number);
    expect(kept).not.toContain(invitation.slice(13));
  });

  test('is good for one identity; for the same one again, as after an answer that got lost', async () => {
    const { world, api, service, invite, refused } = await made();
    const [first, second] = [await world.stranger('first'), await world.stranger('second')];
    const { invitation } = await invite();
    expect((await service.send(enrolling(first, api, invitation))).status).toBe(200);
    expect((await service.send(enrolling(first, api, invitation))).status).toBe(200);
    await refused(enrolling(second, api, invitation), '403 INVITATION_REFUSED:USED', second);
    expect(world.clients.get('newco')?.dids).toEqual([first.did]);
  });

  test('does not bring back an identity that the operator took from its client', async () => {
    const { world, api, service, invite } = await made();
    const device = await world.stranger('device');
    const { invitation } = await invite();
    await service.send(enrolling(device, api, invitation));
    await service.adapter.unlink(device.did, { keep: true });
    await service.refused(enrolling(device, api, invitation), '403 INVITATION_REFUSED:USED');
    expect(world.clients.clientOf(device.did)).toBeUndefined();
  });

  test.each<
    [string, RefusalText, (text: string, parts: Awaited<ReturnType<typeof made>>) => Promise<string> | string]
  >([
    [
      'that expired',
      '403 INVITATION_REFUSED:EXPIRED',
      (text, { clock }) => {
        clock.advance(7 * DAY);
        return text;
      },
    ],
    [
      'that was taken back',
      '403 INVITATION_REFUSED:REVOKED',
      async (text, { service }) => {
        const [one] = await service.adapter.invitations();
        await service.adapter.revokeInvitation(one!.number, { by: 'mia', why: 'wrong address' });
        return text;
      },
    ],
    [
      'that nobody made',
      '403 INVITATION_REFUSED:UNKNOWN',
      (text) => text.slice(0, -1) + (text.endsWith('A') ? 'E' : 'A'),
    ],
    [
      'of another service',
      '403 INVITATION_REFUSED:OTHER_SERVICE',
      async () => {
        const other = await madeService({ agent: await new World().agent('somebody') });
        return (await other.service.adapter.invite(CALL)).invitation;
      },
    ],
    ['that was cut', '400 INVITATION_REFUSED:MALFORMED', (text) => text.slice(0, -1)],
    ['that is a key', '400 INVITATION_REFUSED:MALFORMED', () => 'acme-key-1234567890'],
  ])('%s is refused', async (_, refusal, changed) => {
    const parts = await made();
    const { world, api, invite, refused } = parts;
    const device = await world.stranger('device');
    const text = await changed((await invite()).invitation, parts);
    await refused(enrolling(device, api, text), refusal, device);
  });

  test('an envelope that was made for another invitation is refused, and uses none up', async () => {
    const { world, api, service, invite, refused } = await made();
    const device = await world.stranger('device');
    const [one, two] = [await invite(), await invite()];
    const mixed = enrolling(device, api, one.invitation, two.invitation);
    await refused(mixed, '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
    expect((await service.send(enrolling(device, api, one.invitation))).status).toBe(200);
  });

  test('used up by nobody if the enrollment fails', async () => {
    const { world, api, service, invite } = await made({ maxDidsPerClient: 1 });
    const [first, second] = [await world.stranger('first'), await world.stranger('second')];
    const [one, two] = [await invite(), await invite()];
    await service.send(enrolling(first, api, one.invitation));
    await service.refused(enrolling(second, api, two.invitation), '409 ENROLLMENT_REFUSED:TOO_MANY');
    await service.adapter.unlink(first.did);
    expect((await service.send(enrolling(second, api, two.invitation))).status).toBe(200);
  });

  test('an identity whose enrollment ended comes back with another one, and renews by itself before that', async () => {
    const { world, api, service, invite, clock } = await made({ enrollmentValidMs: HOUR });
    const device = await world.stranger('device');
    const first = (await invite()).invitation;
    await service.send(enrolling(device, api, first));
    clock.advance(HOUR / 2);
    const renewed = await service.send(enrolling(device, api, first));
    expect(JSON.parse(renewed.text).validUntil).toBe(new Date(clock() + HOUR).toISOString());
    clock.advance(HOUR);
    await service.refused(sealed(device, api, {}, SCOPE), '403 ENROLLMENT_EXPIRED');
    await service.refused(enrolling(device, api, first), '403 ENROLLMENT_EXPIRED');
    await service.send(enrolling(device, api, (await invite()).invitation));
    await service.accepted(sealed(device, api, {}, SCOPE));
  });

  test('none is made for, and none is good for, a client that is revoked', async () => {
    const { world, api, service, invite } = await made();
    const { invitation } = await invite();
    await service.adapter.revokeClient('newco', { allowUnknown: true, by: 'mia' });
    const device = await world.stranger('device');
    await service.refused(enrolling(device, api, invitation), '403 CLIENT_REVOKED');
    expect((await thrownBy(() => invite())).id).toBe('CLIENT_REVOKED');
  });

  test.each([
    [{ client: 7 }, 'client'],
    [{ scopes: undefined }, 'scopes'],
    [{ scopes: ['xlink:key'] }, 'scopes'],
    [{ scopes: 'orders:read' }, 'scopes'],
    [{ expires: new Date(0) }, 'expires'],
    [{ expires: 86_400_000 }, 'expires'],
    [{ scope: 'orders:read' }, 'scope'],
  ])('%j is refused by name', async (more, field) => {
    const { invite, service } = await made();
    const error = await thrownBy(() => invite(more));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
    expect(await service.adapter.invitations()).toEqual([]);
  });

  test('one that nobody knows, or that was used, is not taken back', async () => {
    const { world, api, service, invite } = await made();
    const revoke = (number: string) => thrownBy(() => service.adapter.revokeInvitation(number));
    expect((await revoke('A'.repeat(43))).id).toBe('INVITATION_UNKNOWN');
    const { invitation, number } = await invite();
    await service.send(enrolling(await world.stranger('device'), api, invitation));
    expect((await revoke(number)).id).toBe('INVITATION_REFUSED:USED');
  });

  test('is taken by the signed way, if the signature covers it', async () => {
    const { world, api, service, clock, invite } = await made({ signatures: true });
    const device = await world.stranger('device');
    const { invitation } = await invite();
    const sent = { method: 'POST', path: ENROLL_PATH, headers: { 'xlink-invitation': invitation } };
    const signed = (covers: string[]) =>
      signedSent({ api, caller: device, clock }, sent, { scope: 'xlink:enroll', covers });
    await service.refused(signed([]), '401 ENROLLMENT_REFUSED:KEY_PROOF');
    const answer = await service.send(signed(['xlink-invitation']));
    expect([answer.status, JSON.parse(answer.text).client]).toEqual([200, 'newco']);
    const { auth } = await service.accepted(signedSent({ api, caller: device, clock }, {}, SCOPE));
    expect(auth).toMatchObject({ client: 'newco', form: 'signature' });
  });

  test('xlinkFetch takes it, enrolls once, and never sends it again', async () => {
    const { service, invite, clock } = await made();
    const { invitation } = await invite();
    const url = `http://127.0.0.1:${service.port}`;
    const seen: [string, string | null][] = [];
    const spied: typeof fetch = (input, init) => {
      const request = new Request(input, init);
      seen.push([new URL(request.url).pathname, request.headers.get('xlink-invitation')]);
      return fetch(input, init);
    };
    const options = { baseUrl: url, clock, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
    const call = xlinkFetch({ ...options, invitation, fetch: spied });
    const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"item":"tea"}' };
    for (let times = 0; times < 2; times++) expect((await call('/orders', order)).status).toBe(200);
    expect(seen.filter(([, text]) => text !== null)).toEqual([[ENROLL_PATH, invitation]]);
    const late = xlinkFetch({ ...options, invitation });
    await expect(late('/orders', order)).rejects.toMatchObject({ code: 'INVITATION_REFUSED' });
  });
});
