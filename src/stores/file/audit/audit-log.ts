import { signCheckpoint, verifyCheckpoint } from '../../../audit/checkpoint.js';
import { type DataKey, type Organization, organizationOf } from '../../../audit/data-key.js';
import { encodeEntry } from '../../../audit/entry.js';
import { tokenOf } from '../../../audit/export.js';
import { HeadSigner } from '../../../audit/head-signer.js';
import { MerkleTree } from '../../../audit/merkle-tree.js';
import { chainKeyOf, entryKeyOf } from '../../../audit/record.js';
import { monthOf } from '../../../audit/retention.js';
import { formatTlogProof } from '../../../audit/tlog-proof.js';
import { EMPTY } from '../../../crypto/bytes.js';
import type { Hmac } from '../../../crypto/provider.js';
import { xlinkError } from '../../../errors/service-errors.js';
import { Identity } from '../../../identity/identity.js';
import { createKeyRecord } from '../../../identity/key-record.js';
import type { AuditEntry, AuditSink, DisclosedEntry, RecordedEntry } from '../../../types/audit.js';
import { encodeBase64url } from '../../../util/base64url.js';
import { announceErasure } from '../../audit/announce-erasure.js';
import { CheckpointTimer, DEFAULT_CHECKPOINT_INTERVAL_MS } from '../../audit/checkpoint-timer.js';
import { EntryQueue } from '../../audit/entry-queue.js';
import {
  type AuditExportOptions,
  type AuditSelection,
  checkExportOptions,
  checkSelection,
  exportLog,
  readEntries,
} from '../../audit/export-log.js';
import { recordText } from '../../audit/record-text.js';
import { itself, sealBatch, seqOf, type Written } from '../../audit/sealed-batch.js';
import { type AuditVerdict, verifyLog } from '../../audit/verify-log.js';
import {
  type CosignOptions,
  checkCosignOptions,
  cosignatureBy,
  isSameTree,
  type Witness,
  withCosignature,
} from '../../audit/witnessed.js';
import { DEFAULT_LOCK_WAIT_MS } from '../file-options.js';
import { bytesOfFile } from '../private-file.js';
import { WriterLock } from '../writer-lock.js';
import { originOf } from './about.js';
import { DataKeys } from './data-keys.js';
import { type EnterpriseAuditOptions, enterpriseOptions } from './enterprise.js';
import { assertNothingLost, damaged } from './lost.js';
import { type AuditLogOptions, checkAuditLogOptions } from './options.js';
import { places } from './places.js';
import { readLog } from './read-log.js';
import { Segments } from './segments.js';
import type { AuditLogStatus } from './status.js';
import { replaceText, treeOfTiles, writeTiles } from './tile-files.js';

/**
 * An append-only log in a folder. Each entry is sealed to the key of the organization, linked to the one before by an HMAC, and a leaf of
 * a Merkle tree (RFC 6962) whose checkpoints the service signs (C2SP tlog-checkpoint), laid out as C2SP tlog-tiles.
 */
export class AuditLog implements AuditSink {
  /** Which log: `<DID of the service>/<name>`. */
  readonly origin: string;
  readonly #options: AuditLogOptions;
  readonly #lock: WriterLock;
  readonly #segments: Segments;
  readonly #tree: MerkleTree;
  readonly #chain: Hmac;
  readonly #organization: Organization;
  readonly #keys: DataKeys;
  readonly #queue: EntryQueue<Written>;
  readonly #heads: HeadSigner;
  readonly #timer: CheckpointTimer;
  #link: Uint8Array;
  #dataKey: DataKey | undefined;
  /** Size of the tree whose tiles are written. */
  #tiled: number;
  #checkpoint: string | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(
    options: AuditLogOptions,
    opened: {
      readonly origin: string;
      readonly lock: WriterLock;
      readonly segments: Segments;
      readonly tree: MerkleTree;
      readonly link: Uint8Array;
      readonly chain: Hmac;
      readonly organization: Organization;
      readonly checkpoint: string | undefined;
      readonly tiled: number;
    },
  ) {
    this.#options = options;
    this.origin = opened.origin;
    this.#lock = opened.lock;
    this.#segments = opened.segments;
    this.#tree = opened.tree;
    this.#link = opened.link;
    this.#chain = opened.chain;
    this.#organization = opened.organization;
    this.#checkpoint = opened.checkpoint;
    this.#tiled = opened.tiled;
    this.#keys = new DataKeys(places(options.folder).keys, this.origin);
    this.#heads = new HeadSigner(options.identity, this.origin, this.#tree);
    const { checkpointIntervalMs = DEFAULT_CHECKPOINT_INTERVAL_MS } = options;
    this.#timer = new CheckpointTimer(checkpointIntervalMs, () => this.checkpoint());
    this.#queue = new EntryQueue({
      onOverload: options.onOverload ?? 'fail-closed',
      maxPending: options.maxPending ?? 10_000,
      write: (entries) => this.#write(entries),
      gap: (count) => encodeEntry({ type: 'dropped', data: { count } }, this.#now()),
    });
  }

  /**
   * Opens the log in a folder, or begins one. Rejects with `INVALID_OPTION`, `KEY_RECORD_INVALID`, or a `FileStoreError`: `ELOCKED` while
   * another process has it open, `EDAMAGED` or `ELOST` for a log that is not the one that was written.
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    checkAuditLogOptions(options);
    const { folder, identity, organization: to, segmentBytes = 64 * 1024 ** 2, onRepair } = options;
    const { crypto } = identity;
    const organization = await organizationOf(
      crypto,
      to instanceof Identity ? await createKeyRecord(to) : to,
    );
    const origin = await originOf(options);
    const lockWaitMs = options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS;
    const lock = await WriterLock.acquire(places(folder).writer, lockWaitMs);
    try {
      const tree = new MerkleTree(crypto);
      let link: Uint8Array = EMPTY;
      const chain = await chainKeyOf(crypto, identity.privateKey, origin);
      const checkpoint = (await bytesOfFile(places(folder).checkpoint))?.toString();
      const head =
        checkpoint === undefined ? undefined : await verifyCheckpoint(crypto, checkpoint, identity.did);
      const segments = await Segments.open({ folder, segmentBytes, lockWaitMs, onRepair });
      try {
        const expected = { crypto, chain, heads: head ? [head] : [] };
        const verdict = await verifyLog(readLog(folder), expected, tree, (last) => (link = last));
        if (!verdict.ok) throw damaged(folder, verdict);
        const keys = await new DataKeys(places(folder).keys, origin).ids();
        await assertNothingLost(folder, { size: tree.size, checkpoint, keys });
        const tiled = head && (await treeOfTiles(folder, head.size, crypto)) ? head.size : 0;
        const log = new AuditLog(options, {
          origin,
          lock,
          segments,
          tree,
          link,
          chain,
          organization,
          checkpoint,
          tiled,
        });
        const signing = log.checkpoint(); // of what no checkpoint has: the process before this one may have been killed
        await (head ? signing.catch(() => log.#timer.begin()) : signing);
        return log;
      } catch (error) {
        await segments.close();
        throw error;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * The same with what is not given taken from the environment: `folder` from `XLINK_AUDIT_DIR` (or `xlink-audit`), `identity` from the
   * PKCS#8 file `XLINK_AUDIT_IDENTITY` (or `service.der` in the folder, made if it is not there), `organization` from
   * the JSON file with its key record `XLINK_ORG_RECORD`, without which there is no log.
   */
  static async enterprise(options: EnterpriseAuditOptions = {}): Promise<AuditLog> {
    return AuditLog.open(await enterpriseOptions(options));
  }

  /** Whether it was opened with `onOverload: 'drop'`. */
  get mayDrop(): boolean {
    return this.#options.onOverload === 'drop';
  }

  /** How it stands. */
  get status(): AuditLogStatus {
    return { size: this.#tree.size, ...this.#queue.counts };
  }

  /**
   * Resolves to the number of the entry when it is durable; to `undefined` if it was dropped. Rejects with `AUDIT_ENTRY_INVALID`,
   * `AUDIT_UNAVAILABLE` or `AUDIT_UNAVAILABLE:OVERLOADED`.
   */
  append(entry: AuditEntry): Promise<number | undefined> {
    return this.#add(entry, seqOf);
  }

  /**
   * As {@link AuditLog.append}, and resolves to what proves the entry to others: with that, the DID of the service and nothing else they can read this
   * one entry, and see that it is in the log that the service signed. Entries that are written together share one signature.
   */
  async appendProven(entry: AuditEntry): Promise<DisclosedEntry | undefined> {
    const written = await this.#add(entry, itself);
    if (!written) return undefined;
    const { record, dataKey } = written;
    const { seq } = record;
    const { size, checkpoint } = await this.#heads.over(seq);
    const secret = encodeBase64url(await entryKeyOf(dataKey.hmac, seq));
    const proof = this.#tree.inclusionProof(seq, size).map(encodeBase64url);
    return { seq, proof: tokenOf({ record, secret, proof }), checkpoint };
  }

  /** Keeps any JSON value as evidence, such as a receipt; the entry has the type `evidence`. */
  store(evidence: unknown): Promise<number | undefined> {
    return this.append({ type: 'evidence', data: evidence });
  }

  /** Waits for what is pending, and signs the log as it stands: so does a timer (`checkpointIntervalMs`), opening and closing. Written to `checkpoint` in the folder, with the tiles of the tree. Rejects with `AUDIT_UNAVAILABLE` if they cannot be. */
  checkpoint(): Promise<string> {
    return this.#inTurn(async () => {
      await this.#queue.flushed();
      const { size } = this.#tree;
      if (this.#checkpoint !== undefined && this.#tiled === size) return this.#checkpoint;
      const root = this.#tree.root(size);
      const { folder, identity } = this.#options;
      const checkpoint = await signCheckpoint(identity, { origin: this.origin, size, root });
      await writeTiles(folder, this.#tree, this.#tiled, size).catch(unavailable);
      await replaceText(places(folder).checkpoint, checkpoint).catch(unavailable);
      this.#tiled = size;
      return (this.#checkpoint = checkpoint);
    });
  }

  /**
   * Has a checkpoint signed by a witness as well, in the `checkpoint` of the folder and in what it resolves to. Rejects with `AUDIT_INVALID:CHECKPOINT`
   * if the witness refuses: it has seen another history; with `AUDIT_UNAVAILABLE` if it does not answer in time.
   */
  async cosign(witness: Witness, options: CosignOptions = {}): Promise<string> {
    checkCosignOptions('AuditLog.cosign', options);
    const checkpoint = await this.checkpoint();
    const { crypto } = this.#options.identity;
    const line = await cosignatureBy(crypto, witness, this.#tree, checkpoint, options);
    return this.#inTurn(async () => {
      const now = this.#checkpoint!;
      if (!isSameTree(now, checkpoint)) return withCosignature(checkpoint, line);
      const cosigned = withCosignature(now, line);
      await replaceText(places(this.#options.folder).checkpoint, cosigned).catch(unavailable);
      return (this.#checkpoint = cosigned);
    });
  }

  /** That an entry is in the log (C2SP tlog-proof), with a checkpoint that has it. Rejects with `AUDIT_INVALID` if there is none. */
  async prove(seq: number): Promise<string> {
    const checkpoint = await this.checkpoint();
    const { size } = await this.#read(checkpoint);
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= size)
      throw xlinkError('AUDIT_INVALID', { field: 'seq', hint: `There are entries 0 to ${size - 1}.` });
    return formatTlogProof({ index: seq, hashes: this.#tree.inclusionProof(seq, size), checkpoint });
  }

  /**
   * Reads the files again and compares them with the chain, the checkpoint in the folder and what this process has written. `checkpoint`:
   * another one, kept elsewhere, that the log must contain.
   */
  async verify({ checkpoint }: { readonly checkpoint?: string } = {}): Promise<AuditVerdict> {
    await this.#queue.idle();
    const { folder, identity } = this.#options;
    const kept = [this.#checkpoint, checkpoint].filter((one) => one !== undefined);
    const heads = await Promise.all(kept.map((one) => this.#read(one)));
    return verifyLog(readLog(folder), {
      crypto: identity.crypto,
      chain: this.#chain,
      reference: this.#tree,
      heads,
    });
  }

  /** The entries, oldest first. Needs the identity of the organization; those whose data key was erased are left out. */
  async *entries(selection: AuditSelection = {}): AsyncGenerator<RecordedEntry> {
    checkSelection('AuditLog.entries', selection);
    await this.#queue.idle();
    for await (const { entry } of readEntries(readLog(this.#options.folder), this.#reader(), selection))
      if (entry) yield entry;
  }

  /** Entries with what proves each, and the checkpoint that they are proven by. Needs the identity of the organization. */
  async export(
    options: AuditExportOptions = {},
  ): Promise<{ readonly text: string; readonly checkpoint: string }> {
    checkExportOptions('AuditLog.export', options);
    const checkpoint = await this.checkpoint();
    const text = await exportLog(
      readLog(this.#options.folder),
      this.#reader(),
      this.#tree,
      await this.#read(checkpoint),
      options,
    );
    return { text, checkpoint };
  }

  /**
   * Erases the data keys of months whose `retention` is over, after an entry that says so; resolves to their names. Entries under them
   * can never be read again; the tree and all proofs stay. Make sure that the clock is right.
   */
  async eraseExpired(): Promise<string[]> {
    const { retention } = this.#options;
    if (retention === undefined) return [];
    const now = this.#now();
    await this.#queue.flushed();
    return this.#keys.eraseExpired(retention, now, (expired) =>
      announceErasure(readLog(this.#options.folder), { retention, now, expired }, (entry) =>
        this.append(entry),
      ),
    );
  }

  /** Writes what is pending, signs a last checkpoint, and lets another process have the log, which it does also if it rejects with `AUDIT_UNAVAILABLE`. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#queue.idle();
    this.#timer.end();
    try {
      await this.checkpoint();
    } finally {
      await this.#segments.close();
      await this.#lock.release();
    }
  }

  #add<T>(entry: AuditEntry, wanted: (written: Written) => T): Promise<T | undefined> {
    try {
      if (this.#closed) throw xlinkError('AUDIT_UNAVAILABLE', { hint: 'The log was closed.' });
      return this.#queue.add(encodeEntry(entry, this.#now()), wanted);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #write(entries: readonly string[]): Promise<readonly Written[]> {
    try {
      return await this.#writeUnder(await this.#currentKey(), entries);
    } catch (error) {
      this.#dataKey = undefined; // it was used for these numbers
      throw error;
    }
  }

  async #writeUnder(dataKey: DataKey, entries: readonly string[]): Promise<readonly Written[]> {
    const { crypto } = this.#options.identity;
    const { size } = this.#tree;
    const from = { size, link: this.#link };
    const { records, leaves, link } = await sealBatch(crypto, { dataKey, chain: this.#chain }, from, entries);
    await this.#segments.append(records.map(recordText), size);
    for (const leaf of leaves) this.#tree.appendHash(leaf);
    this.#link = link;
    this.#timer.begin();
    return records.map((record) => ({ record, dataKey }));
  }

  async #currentKey(): Promise<DataKey> {
    const now = this.#now();
    const month = new Date(now).toISOString().slice(0, 7);
    if (!this.#dataKey || monthOf(this.#dataKey.id) !== month)
      this.#dataKey = await this.#keys.make(this.#options.identity, this.#organization, now);
    return this.#dataKey;
  }

  #reader() {
    const { organization, identity } = this.#options;
    if (organization instanceof Identity) return { organization, service: identity.did, keys: this.#keys };
    throw xlinkError('AUDIT_INVALID:KEY', {
      hint: 'Entries can be read where `organization` is its identity.',
    });
  }

  #read(checkpoint: string) {
    return verifyCheckpoint(this.#options.identity.crypto, checkpoint, this.#options.identity.did);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(work, work);
    this.#work = turn.catch(() => {});
    return turn;
  }

  #now(): number {
    return (this.#options.clock ?? Date.now)();
  }
}

function unavailable(cause: unknown): never {
  throw xlinkError('AUDIT_UNAVAILABLE', { cause });
}
