import { MeshError } from '../../errors/mesh-error.js';
import { lengthPrefixed } from '../../util/bytes.js';
import { sharedSecret } from '../crypto/agreement.js';
import type { Kem } from '../crypto/kem.js';
import { agree, type KeyPair, newKeyPair, sha256 } from '../crypto/primitives.js';
import { PQXDH_INFO, PQXDH_KEM_RATCHET_INFO, SESSION_LABEL } from '../labels.js';
import type { PrivateKeys } from '../prekeys/pool.js';
import type { VerifiedBundle } from '../prekeys/signed.js';
import { beginReceiving, beginSending } from '../ratchet/ratchet.js';
import type { RatchetState } from '../ratchet/state.js';
import { type Preamble, SESSION_BYTES } from './message.js';

/** The own side of all handshakes. */
export interface OwnKeys {
  readonly did: string;
  /** X25519 identity key of Signal channels. */
  readonly identity: KeyPair;
  /** What the DID signed about it, 64 bytes. */
  readonly signature: Uint8Array;
}

/** A session that has begun. */
export interface Begun {
  /** 16 bytes. */
  readonly session: Uint8Array;
  readonly ratchet: RatchetState;
}

const infoOf = (kemRatchet: boolean): string => (kemRatchet ? PQXDH_KEM_RATCHET_INFO : PQXDH_INFO);

/** Who talks to whom, by which keys: authenticated with every message. */
export const associatedData = (
  caller: { readonly did: string; readonly identity: Uint8Array },
  owner: { readonly did: string; readonly identity: Uint8Array },
  kemPrekey: Uint8Array,
): Uint8Array => lengthPrefixed(caller.did, owner.did, caller.identity, owner.identity, sha256(kemPrekey));

/** The name of a session follows from everything public in its handshake. */
export const sessionName = (
  associated: Uint8Array,
  { ephemeral, ciphertext }: Pick<Preamble, 'ephemeral' | 'ciphertext'>,
  signedPrekey: Uint8Array,
  oneTime: Uint8Array | undefined,
): Uint8Array =>
  sha256(
    lengthPrefixed(
      SESSION_LABEL,
      associated,
      ephemeral,
      ciphertext,
      signedPrekey,
      oneTime ?? new Uint8Array(0),
    ),
  ).slice(0, SESSION_BYTES);

/** Begins a session with the owner of a verified bundle (PQXDH, caller's side). Throws `SIGNAL_PREKEY_SIGNATURE` for keys that are none. */
export async function beginWith(
  own: OwnKeys,
  bundle: VerifiedBundle,
  kem: Kem,
  {
    kemRatchet,
    now,
    newKeyPair: make = newKeyPair,
  }: { readonly kemRatchet: boolean; readonly now: number; readonly newKeyPair?: () => KeyPair },
): Promise<Begun & { readonly preamble: Preamble }> {
  const ephemeral = make();
  const made = await kem.encapsulate(bundle.kem.key);
  if (!made) throw new MeshError('SIGNAL_PREKEY_SIGNATURE');
  const { oneTime } = bundle;
  const dh = all([
    agree(own.identity.secret, bundle.signedPrekey.key),
    agree(ephemeral.secret, bundle.identity),
    agree(ephemeral.secret, bundle.signedPrekey.key),
    ...(oneTime ? [agree(ephemeral.secret, oneTime.key)] : []),
  ]);
  const preamble: Preamble = {
    ...{ identity: own.identity.public, signature: own.signature, ephemeral: ephemeral.public },
    ...{ ciphertext: made.ciphertext, signedPrekey: bundle.signedPrekey.id, kem: bundle.kem.id },
    ...{ lastResort: bundle.kem.lastResort, oneTime: oneTime !== undefined, kemRatchet },
  };
  const associated = associatedData({ did: own.did, identity: own.identity.public }, bundle, bundle.kem.key);
  const secret = sharedSecret({ dh, kemSecret: made.secret }, infoOf(kemRatchet));
  return {
    session: sessionName(associated, preamble, bundle.signedPrekey.key, oneTime?.key),
    ratchet: beginSending({ secret, associated, kem: kemRatchet, now }, bundle.signedPrekey.key),
    preamble,
  };
}

/** The other side, from the first message. */
export async function beginFrom(
  own: OwnKeys,
  caller: string,
  preamble: Preamble,
  keys: PrivateKeys & { readonly kemPublic: Uint8Array; readonly oneTimePublic?: Uint8Array },
  kem: Kem,
  now: number,
): Promise<Begun> {
  const { signedPrekey, oneTime } = keys;
  const dh = all([
    agree(signedPrekey.secret, preamble.identity),
    agree(own.identity.secret, preamble.ephemeral),
    agree(signedPrekey.secret, preamble.ephemeral),
    ...(oneTime ? [agree(oneTime, preamble.ephemeral)] : []),
  ]);
  const kemSecret = await kem.decapsulate(keys.kem, preamble.ciphertext);
  const associated = associatedData(
    { did: caller, identity: preamble.identity },
    { did: own.did, identity: own.identity.public },
    keys.kemPublic,
  );
  const secret = sharedSecret({ dh, kemSecret }, infoOf(preamble.kemRatchet));
  return {
    session: sessionName(associated, preamble, signedPrekey.public, keys.oneTimePublic),
    ratchet: beginReceiving({ secret, associated, kem: preamble.kemRatchet, now }, signedPrekey),
  };
}

function all(secrets: readonly (Uint8Array | undefined)[]): readonly Uint8Array[] {
  if (secrets.some((secret) => secret === undefined)) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  return secrets as readonly Uint8Array[];
}
