import { XlockError } from '../errors.js';
import { invalidOption } from '../util/options.js';
import { isDid } from '../util/signed-by.js';
import type { AccountRecord } from '../verifier/records.js';
import { issued, shown } from './issued.js';
import { type XlockServerParts, xlockRoute } from './kit.js';
import { DEVICE, DID, PASSKEY, TEXT } from './shapes.js';

const POST = {
  method: 'POST',
  tag: 'Devices',
  access: 'devices:write',
  errors: ['PASSKEY_NOT_FOUND'],
} as const;
const ROTATED = {
  title: 'Rotated',
  type: 'object',
  properties: {
    ok: { type: 'boolean' },
    sessions: { type: 'string', enum: ['ended'] },
    shares: { type: 'string', enum: ['on-device'], description: 'made anew there, by `xlock rotate`' },
  },
  required: ['ok', 'sessions', 'shares'],
} as const;

interface Whose {
  readonly did?: string;
  readonly userId?: string;
}

/** What operators do for a user whom they know by name. */
export const recoveryRoutes = [
  xlockRoute(
    {
      ...POST,
      id: 'recover',
      path: '/v1/recover',
      summary:
        'Revokes a lost device, and makes a challenge that adds another to the passkey, also where no device is left. `userId`: the passkey that has the lost device, or else the newest that is not revoked',
      body: {
        title: 'Recovery',
        type: 'object',
        properties: { did: DID, userId: TEXT, lostDeviceId: DEVICE },
      },
      answer: issued,
    },
    async ({ server, body }) => {
      const { lostDeviceId } = body;
      const { did } = newest(await passkeysOf(server, body), lostDeviceId);
      // First the challenge: where none can be made, nothing is revoked.
      const made = await server.verifier.createRegistrationChallenge({ did });
      if (lostDeviceId !== undefined) await server.verifier.revokeDevice(did, lostDeviceId);
      return shown(made);
    },
  ),
  xlockRoute(
    {
      ...POST,
      id: 'rotate',
      path: '/v1/rotate',
      summary:
        'Ends all sessions of a passkey, or of all passkeys of a user. New shares are made on the device (`xlock rotate`): the server has none, and does not learn where they are',
      body: { title: 'Rotation', type: 'object', properties: { did: PASSKEY, userId: TEXT } },
      answer: { status: 200, description: 'What was done, and what is left', schema: ROTATED },
    },
    async ({ server, body }) => {
      for (const { did } of await passkeysOf(server, body)) await server.verifier.endSessions(did);
      return { ok: true, sessions: 'ended', shares: 'on-device' } as const;
    },
  ),
] as const;

async function passkeysOf(
  { verifier }: XlockServerParts,
  { did, userId }: Whose,
): Promise<readonly AccountRecord[]> {
  if ((did === undefined) === (userId === undefined))
    throw invalidOption('did', 'Pass one of did and userId.');
  const found =
    did === undefined ? await verifier.accounts({ userId: userId! }) : [await verifier.account(did)];
  if (found.length === 0) throw new XlockError('PASSKEY_NOT_FOUND');
  return found;
}

function newest(passkeys: readonly AccountRecord[], lostDeviceId: string | undefined): AccountRecord {
  const hasLost = ({ devices }: AccountRecord) => devices.some(({ id }) => id === lostDeviceId);
  const lasting = passkeys.filter(({ did, revokedAt }) => isDid(did) && revokedAt === undefined);
  const meant = lostDeviceId === undefined ? lasting : lasting.filter(hasLost);
  const [first] = [...meant].sort((a, b) => madeAt(b) - madeAt(a));
  if (!first) throw new XlockError('PASSKEY_NOT_FOUND');
  return first;
}

const madeAt = ({ devices }: AccountRecord): number => devices[0]?.addedAt ?? 0;
