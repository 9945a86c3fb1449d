import { concat } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeDidKey, looksLikeDidKey } from '../identity/did.js';
import type { Identity } from '../identity/identity.js';
import type { Clock, Did } from '../types/protocol.js';
import { encodeUtf8 } from '../util/utf8.js';
import { keyIdOf, type Note, type NoteSignature, SIGNATURE_TYPES, signatureLine } from './note.js';

/** What a witness signs (C2SP tlog-cosignature): the time in seconds, and the text of the checkpoint. */
const cosignedText = (seconds: number, text: string): Uint8Array =>
  encodeUtf8(`cosignature/v1\ntime ${seconds}\n${text}`);

/** The signature line of a witness, whose key has its DID as a name. `text`: of the checkpoint. */
export async function cosign(identity: Identity, text: string, clock: Clock): Promise<string> {
  const { crypto, did: name, publicKey, ed25519 } = identity;
  const seconds = Math.floor(clock() / 1000);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds));
  const id = keyIdOf(crypto, name, SIGNATURE_TYPES.cosignature, publicKey);
  const signature = await ed25519.sign(cosignedText(seconds, text));
  return signatureLine({ name, id, bytes: concat([time, signature]) });
}

/** A witness that signed a checkpoint. */
export interface Cosigner {
  /** The DID of its key. */
  readonly witness: Did;
  /** When, as the witness says, in ms since 1970. */
  readonly at: number;
}

/** Who cosigned a note, each once, with the first of its times. `undefined` if a line that bears the name of a DID is not a good cosignature by it. */
export async function cosignersOf(crypto: CryptoProvider, note: Note): Promise<Cosigner[] | undefined> {
  const lines = note.signatures.filter(({ name }) => looksLikeDidKey(name));
  const cosigners = await Promise.all(lines.map((line) => cosignerOf(crypto, note, line)));
  if (cosigners.includes(undefined)) return undefined;
  const inOrder = (cosigners as Cosigner[]).sort((one, other) => one.at - other.at);
  return inOrder.filter(({ witness }, at) => inOrder.findIndex((one) => one.witness === witness) === at);
}

/** The last second of `Date`. */
const LAST_SECOND = 8.64e12;

async function cosignerOf(
  crypto: CryptoProvider,
  { text }: Note,
  { name, id, bytes }: NoteSignature,
): Promise<Cosigner | undefined> {
  if (bytes.length !== 72) return undefined;
  const publicKey = decodeDidKey(name);
  const expected = keyIdOf(crypto, name, SIGNATURE_TYPES.cosignature, publicKey);
  if (expected.some((byte, at) => byte !== id[at])) return undefined;
  const seconds = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (seconds > LAST_SECOND) return undefined;
  const verifier = await crypto.ed25519.verifier(publicKey);
  const isGood = await verifier.verify(cosignedText(seconds, text), bytes.subarray(8));
  return isGood ? { witness: name, at: seconds * 1000 } : undefined;
}
