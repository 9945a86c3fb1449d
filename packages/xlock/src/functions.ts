import type { XlockAnswer } from './challenge/answer.js';
import type { XlockChallenge } from './challenge/challenge.js';
import type { XlockDevice } from './device/device.js';
import { postAnswer } from './device/post-answer.js';
import { XlockError } from './errors.js';
import type { Passkey, PasskeyRequest, PasskeySignature, PasskeyVault } from './passkey/vault.js';
import { checkNames, invalidOption } from './util/options.js';
import type { IssuedChallenge } from './verifier/issue.js';
import type { AuthRequest, XlockVerifier } from './verifier/verifier.js';

/** What the functions of this module use where they are not told otherwise. */
export interface XlockDefaults {
  /** Of `requestXlockAuth`. */
  readonly verifier?: XlockVerifier;
  /** Of `respondXlockChallenge`. */
  readonly device?: XlockDevice;
  /** Of `generatePasskey` and `signChallenge`. */
  readonly vault?: PasskeyVault;
  /** Of `generatePasskey` and `signChallenge`. */
  readonly service?: string;
}

let defaults: XlockDefaults = {};

/** Sets what the functions use, for a program that has one of each. Replaces what was set before. */
export function configureXlock(options: XlockDefaults): void {
  checkNames('configureXlock', options, ['verifier', 'device', 'vault', 'service']);
  defaults = { ...options };
}

function needed<K extends keyof XlockDefaults>(
  owner: string,
  name: K,
  own: XlockDefaults[K],
): NonNullable<XlockDefaults[K]> {
  const value = own ?? defaults[name];
  if (value) return value;
  throw invalidOption(name, `${owner}: pass ${name}, or set it with configureXlock().`);
}

/**
 * Asks a user to approve a login, by a push to the registered devices; the answer is awaited with `verifyAuth` of the verifier. Throws
 * `PUSH_NOTIFICATION_DISABLED` if no device could be sent one, `CHALLENGE_GENERATION_FAILED:FLOOD` or `:PAUSED` if none is to be, and as
 * `createAuthChallenge` does.
 */
export async function requestXlockAuth(
  request: AuthRequest & { readonly verifier?: XlockVerifier },
): Promise<IssuedChallenge> {
  const { verifier, ...rest } = request;
  const issued = await needed('requestXlockAuth', 'verifier', verifier).createAuthChallenge(rest);
  if (issued.held === 'flood') throw new XlockError('CHALLENGE_GENERATION_FAILED:FLOOD');
  if (issued.held === 'paused') throw new XlockError('CHALLENGE_GENERATION_FAILED:PAUSED');
  if (issued.pushed.length === 0) throw new XlockError('PUSH_NOTIFICATION_DISABLED');
  return issued;
}

/** What {@link respondXlockChallenge} is told. */
export interface RespondRequest extends Pick<AuthRequest, 'onProgress'> {
  /** A link, or the text of a push. */
  readonly challenge: string;
  /** The two digits of the login page, as the user typed them. */
  readonly digits?: string;
  /** What the user sees in the address bar. Default: not compared. */
  readonly seenOrigin?: string;
  /** Default: the one of `configureXlock`. */
  readonly device?: XlockDevice;
  /** Hands the answer over. Default: HTTP, to the service. */
  readonly send?: (answer: XlockAnswer, challenge: XlockChallenge) => Promise<unknown>;
}

/** Approves a login that was pushed here, once the user has said so. Throws as `approve` of the device does. */
export async function respondXlockChallenge(request: RespondRequest): Promise<XlockAnswer> {
  checkNames('respondXlockChallenge', request, [
    'challenge',
    'digits',
    'seenOrigin',
    'device',
    'send',
    'onProgress',
  ]);
  const { challenge, device, send = postAnswer, ...approval } = request;
  return needed('respondXlockChallenge', 'device', device).approve(challenge, { ...approval, send });
}

/** Makes a passkey in the vault; see there. `service`: default the one of `configureXlock`. */
export async function generatePasskey(
  request: Omit<PasskeyRequest, 'service'> & {
    readonly service?: string;
    readonly vault?: PasskeyVault;
    readonly verifier?: string;
  },
): Promise<Passkey> {
  const { vault, service, ...rest } = request;
  return needed('generatePasskey', 'vault', vault).generatePasskey({
    ...rest,
    service: needed('generatePasskey', 'service', service),
  });
}

/** Signs bytes with a passkey of the vault; see there. `service`: default the one of `configureXlock`. */
export async function signChallenge(
  request: Omit<PasskeyRequest, 'service'> & {
    readonly service?: string;
    readonly vault?: PasskeyVault;
    readonly message: Uint8Array;
  },
): Promise<PasskeySignature> {
  const { vault, service, ...rest } = request;
  return needed('signChallenge', 'vault', vault).signChallenge({
    ...rest,
    service: needed('signChallenge', 'service', service),
  });
}
