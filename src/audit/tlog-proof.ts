import { decodeBase64, encodeBase64 } from './base64.js';

const FIRST = 'c2sp.org/tlog-proof@v1';

/** The proof that an entry is in a log (C2SP tlog-proof): its index, its inclusion proof, and the checkpoint. */
export interface TlogProof {
  readonly index: number;
  /** Hashes of 32 bytes, nearest the leaf first. */
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}

export const formatTlogProof = ({ index, hashes, checkpoint }: TlogProof): string =>
  `${FIRST}\nindex ${index}\n${hashes.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`;

/** `undefined` for anything but a proof. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const end = text.indexOf('\n\n');
  const [first, second, ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  const index = /^index (0|[1-9]\d{0,15})$/.exec(second ?? '')?.[1];
  const hashes = lines.map(decodeBase64);
  if (first !== FIRST || index === undefined || hashes.some((hash) => hash?.length !== 32)) return undefined;
  return { index: Number(index), hashes: hashes as Uint8Array[], checkpoint: text.slice(end + 2) };
}
