import { equalBytes } from '../crypto/bytes.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { Did, Registration, Scope } from '../types/protocol.js';

/** The arguments of the long form of `register`. */
export type PositionalRegistration = [
  did: Did,
  publicKey: Uint8Array,
  name?: string,
  sendScopes?: readonly Scope[],
  x25519?: undefined,
  mlKem768?: undefined,
  mlDsa65?: undefined,
  xchange?: boolean,
  receiveScopes?: readonly Scope[],
];

/** The one object that the arguments of `register` stand for. Throws `INVALID_DID` or `REGISTRATION_FAILED:KEYS_UNSIGNED`. */
export const registrationOf = (args: [entry: Registration] | PositionalRegistration): Registration =>
  typeof args[0] === 'string' ? fromPositional(args as PositionalRegistration) : args[0];

function fromPositional(args: PositionalRegistration): Registration {
  const [did, publicKey, name, sendScopes, x25519, mlKem768, mlDsa65, xchange, receiveScopes] = args;
  if ([x25519, mlKem768, mlDsa65].some((key) => key !== undefined))
    throw xlinkError('REGISTRATION_FAILED:KEYS_UNSIGNED');
  if (!(publicKey instanceof Uint8Array) || !equalBytes(decodeDidKey(did), publicKey))
    throw xlinkError('INVALID_DID', { field: 'publicKey' });
  return {
    did,
    ...(name === undefined ? {} : { name }),
    ...(sendScopes ? { sendScopes } : {}),
    ...(receiveScopes ? { receiveScopes } : {}),
    ...(xchange ? { xchange } : {}),
  };
}
