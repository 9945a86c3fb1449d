import { readCheckpoint } from '../../audit/checkpoint.js';
import { cosignersOf } from '../../audit/cosignature.js';
import type { MerkleTree } from '../../audit/merkle-tree.js';
import { formatNote, type NoteSignature, parseLine } from '../../audit/note.js';
import { type WitnessAnswer, witnessRequest } from '../../audit/witness.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { Did } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn } from '../../util/options.js';

/** A witness: an {@link AuditWitness}, or one that is reached over HTTP (`add-checkpoint` of C2SP tlog-witness). */
export interface Witness {
  /** Name of its key. */
  readonly did: Did;
  /** Takes the body of a request. */
  addCheckpoint(body: string): Awaitable<WitnessAnswer>;
}

/** Options of {@link AuditLog.cosign}. */
export interface CosignOptions {
  /** How long the witness may take to answer, in ms, 1 to 600,000. Default 30,000. */
  readonly timeoutMs?: number;
}

/** Throws `INVALID_OPTION`. */
export const checkCosignOptions = (owner: string, options: CosignOptions): void =>
  checkOptions(owner, options, { timeoutMs: integerIn(1, 600_000) });

/**
 * The signature line of the witness for a checkpoint. Rejects with `AUDIT_INVALID:CHECKPOINT` if it refuses, and `AUDIT_UNAVAILABLE` if it does
 * not answer.
 */
export async function cosignatureBy(
  crypto: CryptoProvider,
  witness: Witness,
  tree: MerkleTree,
  checkpoint: string,
  options: CosignOptions,
): Promise<NoteSignature> {
  const { timeoutMs = 30_000 } = options;
  const deadline = new Deadline(timeoutMs, () => late(timeoutMs));
  const { size, note } = readCheckpoint(checkpoint);
  const ask = (old: number) =>
    deadline.keep(async () =>
      witness.addCheckpoint(witnessRequest(old, tree.consistencyProof(old, size), checkpoint)),
    );
  let answer = await ask(0);
  const old = /^(\d{1,15})\n$/.exec(answer.body)?.[1];
  if (answer.status === 409 && old !== undefined && Number(old) <= size) answer = await ask(Number(old));
  const line = answer.status === 200 ? parseLine(answer.body.replace(/\n$/, '')) : undefined;
  if (line?.name !== witness.did) throw refused(answer.status);
  if (!(await cosignersOf(crypto, { text: note.text, signatures: [line] }))) throw refused(answer.status);
  return line;
}

/** The checkpoint with this signature in the place of any that it had by the same witness. */
export function withCosignature(checkpoint: string, line: NoteSignature): string {
  const { note } = readCheckpoint(checkpoint);
  const others = note.signatures.filter(({ name }) => name !== line.name);
  return formatNote({ text: note.text, signatures: [...others, line] });
}

/** Whether both are of one tree, whoever cosigned them. */
export const isSameTree = (checkpoint: string, other: string): boolean =>
  readCheckpoint(checkpoint).note.text === readCheckpoint(other).note.text;

const late = (ms: number) =>
  xlinkError('AUDIT_UNAVAILABLE', { field: 'witness', hint: `The witness did not answer within ${ms} ms.` });

const refused = (status: number) =>
  xlinkError('AUDIT_INVALID:CHECKPOINT', {
    field: 'witness',
    hint: `The witness answered ${status}: 409 and 422 mean that it has seen another history of this log.`,
  });
