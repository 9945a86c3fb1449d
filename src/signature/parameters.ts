import { looksLikeDidKey } from '../identity/did.js';
import type { Did } from '../types/protocol.js';
import { ML_DSA_65, SIGNATURE_INPUT, type SignatureKind, wrongComponent, wrongParameter } from './profile.js';
import type { ReceivedSignature } from './signature-input.js';

const NONCE = /^[A-Za-z0-9_-]{22,86}$/;
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 43;

/** What each parameter may be; `expires` may be left out. */
const PARAMETERS: Readonly<Record<string, (value: unknown, kind: SignatureKind) => boolean>> = {
  created: isTime,
  expires: (value) => value === undefined || isTime(value),
  nonce: (value) => typeof value === 'string' && NONCE.test(value),
  keyid: looksLikeDidKey,
  alg: (value, { alg }) => value === alg,
  tag: (value, { tag }) => value === tag,
};

const CHECKS = Object.entries(PARAMETERS);

/** Throws `SIGNATURE_MALFORMED:PARAMETERS` for one that is missing, wrong or unknown. */
export function parametersOf({ parameters }: ReceivedSignature, kind: SignatureKind) {
  for (const [name, isGood] of CHECKS) if (!isGood(parameters.get(name), kind)) throw wrongParameter(name);
  for (const name of parameters.keys()) if (!Object.hasOwn(PARAMETERS, name)) throw wrongParameter(name);
  return {
    created: parameters.get('created') as number,
    expires: parameters.get('expires') as number | undefined,
    nonce: parameters.get('nonce') as string,
    keyid: parameters.get('keyid') as Did,
  };
}

/** The second signature says the same as the first one. Throws `SIGNATURE_MALFORMED…`. */
export function assertBeside(main: ReceivedSignature, second: ReceivedSignature): void {
  parametersOf(second, ML_DSA_65);
  for (const name of ['created', 'expires', 'nonce', 'keyid'])
    if (main.parameters.get(name) !== second.parameters.get(name)) throw wrongParameter(name);
  if (main.components.join(' ') !== second.components.join(' ')) throw wrongComponent(SIGNATURE_INPUT);
}
