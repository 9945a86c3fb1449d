import { readCheckpoint } from '../../audit/checkpoint.js';
import { cosignersOf } from '../../audit/cosignature.js';
import type { MerkleTree } from '../../audit/merkle-tree.js';
import { formatNote, parseLine } from '../../audit/note.js';
import { type WitnessAnswer, witnessRequest } from '../../audit/witness.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { Did } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';

/** A witness: an {@link AuditWitness}, or one that is reached over HTTP (`add-checkpoint` of C2SP tlog-witness). */
export interface Witness {
  /** Name of its key. */
  readonly did: Did;
  /** Takes the body of a request. */
  addCheckpoint(body: string): Awaitable<WitnessAnswer>;
}

/** The checkpoint with the signature of the witness in the place of any that it had. Rejects with `AUDIT_INVALID:CHECKPOINT`. */
export async function witnessed(
  crypto: CryptoProvider,
  witness: Witness,
  tree: MerkleTree,
  checkpoint: string,
): Promise<string> {
  const { size, note } = readCheckpoint(checkpoint);
  const ask = (old: number) =>
    witness.addCheckpoint(witnessRequest(old, tree.consistencyProof(old, size), checkpoint));
  let answer = await ask(0);
  const old = /^(\d{1,15})\n$/.exec(answer.body)?.[1];
  if (answer.status === 409 && old !== undefined && Number(old) <= size) answer = await ask(Number(old));
  const line = answer.status === 200 ? parseLine(answer.body.replace(/\n$/, '')) : undefined;
  if (line?.name !== witness.did) throw refused(answer.status);
  const others = note.signatures.filter(({ name }) => name !== witness.did);
  const signed = { text: note.text, signatures: [...others, line] };
  if (!(await cosignersOf(crypto, signed))) throw refused(answer.status);
  return formatNote(signed);
}

const refused = (status: number) =>
  xlinkError('AUDIT_INVALID:CHECKPOINT', {
    field: 'witness',
    hint: `The witness answered ${status}: 409 and 422 mean that it has seen another history of this log.`,
  });
