import { readCheckpoint, signCheckpoint, verifyCheckpoint } from '../../audit/checkpoint.js';
import { type DataKey, newDataKey, type Organization, organizationOf } from '../../audit/data-key.js';
import { encodeEntry } from '../../audit/entry.js';
import { tokenOf } from '../../audit/export.js';
import { HeadSigner } from '../../audit/head-signer.js';
import { chainKeyOf, entryKeyOf } from '../../audit/record.js';
import { isExpired, monthOf } from '../../audit/retention.js';
import { formatTlogProof } from '../../audit/tlog-proof.js';
import { equalBytes } from '../../crypto/bytes.js';
import type { Hmac } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import { Identity } from '../../identity/identity.js';
import { createKeyRecord } from '../../identity/key-record.js';
import type { AuditEntry, AuditSink, DisclosedEntry, RecordedEntry } from '../../types/audit.js';
import { encodeBase64url } from '../../util/base64url.js';
import { announceErasure } from '../audit/announce-erasure.js';
import { CheckpointTimer, DEFAULT_CHECKPOINT_INTERVAL_MS } from '../audit/checkpoint-timer.js';
import { EntryQueue } from '../audit/entry-queue.js';
import {
  type AuditExportOptions,
  type AuditSelection,
  checkExportOptions,
  checkSelection,
  exportLog,
  type Reader,
  readEntries,
} from '../audit/export-log.js';
import { badEntry, LinkedTree } from '../audit/linked-tree.js';
import { itself, type SealedBatch, sealBatch, seqOf, type Written } from '../audit/sealed-batch.js';
import { type AuditVerdict, verifyLog } from '../audit/verify-log.js';
import {
  type CosignOptions,
  checkCosignOptions,
  cosignatureBy,
  isSameTree,
  type Witness,
  withCosignature,
} from '../audit/witnessed.js';
import { wrappedKeysIn } from './audit-keys.js';
import {
  checkPostgresAuditLogOptions,
  checkPostgresAuditTables,
  type PostgresAuditLogOptions,
  type PostgresAuditTables,
} from './audit-options.js';
import { AuditRows, type LockedRows } from './audit-rows.js';
import type { PostgresAuditLogStatus } from './audit-status.js';

/**
 * An append-only log in PostgreSQL (10 or later) that any number of processes append to: one tree, without a gap. Records, chain, tree, checkpoints
 * and exports are those of `AuditLog`. A batch of entries is one transaction, which locks the row of the log and ends with its `COMMIT`; a process takes what others
 * wrote into its tree only once the chain shows that the service wrote it. 64 bytes an entry in the memory of each process.
 */
export class PostgresAuditLog implements AuditSink {
  /** Which log: `<DID of the service>/<name>`. */
  readonly origin: string;
  readonly #options: PostgresAuditLogOptions;
  readonly #rows: AuditRows;
  readonly #chain: Hmac;
  readonly #linked: LinkedTree;
  readonly #heads: HeadSigner;
  readonly #organization: Organization;
  readonly #queue: EntryQueue<Written>;
  readonly #timer: CheckpointTimer;
  #dataKey: DataKey | undefined;
  #checkpoint: { readonly size: number; readonly text: string } | undefined;
  /** The tree grows in one place at a time. */
  #work: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(
    options: PostgresAuditLogOptions,
    parts: {
      readonly origin: string;
      readonly rows: AuditRows;
      readonly chain: Hmac;
      readonly organization: Organization;
    },
  ) {
    const { identity, onOverload = 'fail-closed', maxPending = 10_000 } = options;
    this.#options = options;
    this.origin = parts.origin;
    this.#rows = parts.rows;
    this.#chain = parts.chain;
    this.#organization = parts.organization;
    this.#linked = new LinkedTree(identity.crypto, parts.chain);
    this.#heads = new HeadSigner(identity, parts.origin, this.#linked.tree);
    const { checkpointIntervalMs = DEFAULT_CHECKPOINT_INTERVAL_MS } = options;
    this.#timer = new CheckpointTimer(checkpointIntervalMs, () => this.checkpoint());
    this.#queue = new EntryQueue({
      onOverload,
      maxPending,
      write: (entries) => this.#inTurn(() => this.#write(entries)),
      gap: (count) => encodeEntry({ type: 'dropped', data: { count } }, this.#now()),
    });
  }

  /**
   * Opens a log, or begins one, and reads all of it. The tables are made at the first call; a role that may not do that needs them made by one
   * that may. Rejects with `INVALID_OPTION`, `KEY_RECORD_INVALID`, `AUDIT_UNAVAILABLE`, or `AUDIT_INVALID…` for a log that is not the one
   * that was written.
   */
  static async open(options: PostgresAuditLogOptions): Promise<PostgresAuditLog> {
    checkPostgresAuditLogOptions(options);
    const { identity, organization: to, name = 'main', pool, table, timeoutMs } = options;
    const { crypto } = identity;
    const organization = await organizationOf(
      crypto,
      to instanceof Identity ? await createKeyRecord(to) : to,
    );
    const origin = `${identity.did}/${name}`;
    const rows = new AuditRows(origin, {
      pool,
      ...(table === undefined ? {} : { table }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const chain = await chainKeyOf(crypto, identity.privateKey, origin);
    const log = new PostgresAuditLog(options, { origin, rows, chain, organization });
    await log.#start();
    return log;
  }

  /**
   * Makes the tables, or brings them to the latest version, without opening a log; any number of instances may do so at once. May take a minute.
   * Rejects with `INVALID_OPTION`, or `AUDIT_UNAVAILABLE` whose hint says what to run if this role may not do it.
   */
  static async migrate(options: PostgresAuditTables): Promise<void> {
    checkPostgresAuditTables(options);
    return new AuditRows('', options).migrate();
  }

  /** Whether it was opened with `onOverload: 'drop'`. */
  get mayDrop(): boolean {
    return this.#options.onOverload === 'drop';
  }

  /** How it stands. */
  get status(): PostgresAuditLogStatus {
    return { size: this.#linked.tree.size, ...this.#queue.counts };
  }

  /**
   * Resolves to the number of the entry when it is durable; to `undefined` if it was dropped. Rejects with `AUDIT_ENTRY_INVALID`,
   * `AUDIT_UNAVAILABLE` or `AUDIT_UNAVAILABLE:OVERLOADED`. After `AUDIT_UNAVAILABLE` the entry may be there all the same, if the connection broke while it was committed.
   */
  append(entry: AuditEntry): Promise<number | undefined> {
    return this.#add(entry, seqOf);
  }

  /**
   * As {@link PostgresAuditLog.append}, and resolves to what proves the entry to others: with that, the DID of the service and nothing else they can read
   * this one entry, and see that it is in the log that the service signed.
   */
  async appendProven(entry: AuditEntry): Promise<DisclosedEntry | undefined> {
    const written = await this.#add(entry, itself);
    if (!written) return undefined;
    const { record, dataKey } = written;
    const { seq } = record;
    const { size, checkpoint } = await this.#heads.over(seq);
    const secret = encodeBase64url(await entryKeyOf(dataKey.hmac, seq));
    const proof = this.#linked.tree.inclusionProof(seq, size).map(encodeBase64url);
    return { seq, proof: tokenOf({ record, secret, proof }), checkpoint };
  }

  /** Keeps any JSON value as evidence, such as a receipt; the entry has the type `evidence`. */
  store(evidence: unknown): Promise<number | undefined> {
    return this.append({ type: 'evidence', data: evidence });
  }

  /** Waits for what this process has pending, and signs the log as it stands, entries of all processes included. Kept in the database. */
  async checkpoint(): Promise<string> {
    await this.#queue.flushed();
    return this.#inTurn(async () => {
      await this.#sync();
      const { tree } = this.#linked;
      const { size } = tree;
      if (this.#checkpoint?.size === size) return this.#checkpoint.text;
      const root = tree.root(size);
      return this.#keep(
        size,
        await signCheckpoint(this.#options.identity, { origin: this.origin, size, root }),
      );
    });
  }

  /** Has a checkpoint signed by a witness as well. Rejects with `AUDIT_INVALID:CHECKPOINT` if the witness refuses: it has seen another history; with `AUDIT_UNAVAILABLE` if it does not answer in time. */
  async cosign(witness: Witness, options: CosignOptions = {}): Promise<string> {
    checkCosignOptions('PostgresAuditLog.cosign', options);
    const checkpoint = await this.checkpoint();
    const { crypto } = this.#options.identity;
    const line = await cosignatureBy(crypto, witness, this.#linked.tree, checkpoint, options);
    return this.#inTurn(async () => {
      const now = (await this.#rows.checkpoint()) ?? checkpoint;
      if (!isSameTree(now, checkpoint)) return withCosignature(checkpoint, line);
      const cosigned = withCosignature(now, line);
      return this.#keep(readCheckpoint(cosigned).size, cosigned);
    });
  }

  /** That an entry is in the log (C2SP tlog-proof), with a checkpoint that has it. Rejects with `AUDIT_INVALID` if there is none. */
  async prove(seq: number): Promise<string> {
    const checkpoint = await this.checkpoint();
    const { size } = readCheckpoint(checkpoint);
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= size)
      throw xlinkError('AUDIT_INVALID', { field: 'seq', hint: `There are entries 0 to ${size - 1}.` });
    return formatTlogProof({ index: seq, hashes: this.#linked.tree.inclusionProof(seq, size), checkpoint });
  }

  /**
   * Reads the rows again and compares them with the chain, the checkpoint in the database and what this process has seen. `checkpoint`:
   * another one, kept elsewhere, that the log must contain.
   */
  async verify({ checkpoint }: { readonly checkpoint?: string } = {}): Promise<AuditVerdict> {
    await this.#queue.flushed();
    const { crypto } = this.#options.identity;
    const kept = [await this.#rows.checkpoint(), checkpoint].filter((one) => one !== undefined);
    const heads = await Promise.all(kept.map((one) => this.#read(one)));
    const { tree } = this.#linked;
    const seen = { size: tree.size, root: tree.root() };
    return verifyLog(this.#rows.records(), { crypto, chain: this.#chain, heads: [seen, ...heads] });
  }

  /** The entries, oldest first. Needs the identity of the organization; those whose data key was erased are left out. */
  async *entries(selection: AuditSelection = {}): AsyncGenerator<RecordedEntry> {
    checkSelection('PostgresAuditLog.entries', selection);
    await this.#queue.flushed();
    const { from = 0 } = selection;
    for await (const { entry } of readEntries(this.#rows.records(from), this.#reader(), selection))
      if (entry) yield entry;
  }

  /** Entries with what proves each, and the checkpoint that they are proven by. Needs the identity of the organization. */
  async export(
    options: AuditExportOptions = {},
  ): Promise<{ readonly text: string; readonly checkpoint: string }> {
    checkExportOptions('PostgresAuditLog.export', options);
    const checkpoint = await this.checkpoint();
    const records = this.#rows.records(options.from);
    const head = await this.#read(checkpoint);
    const text = await exportLog(records, this.#reader(), this.#linked.tree, head, options);
    return { text, checkpoint };
  }

  /**
   * Erases the data keys of months whose `retention` is over, after an entry that says so; resolves to their names. Entries under them
   * can never be read again; the tree and all proofs stay. WAL archives and backups of the database hold the keys for as long as they are kept.
   */
  async eraseExpired(): Promise<string[]> {
    const { retention } = this.#options;
    if (retention === undefined) return [];
    const ids = (await this.#rows.keyIds()).filter(monthOf);
    const now = this.#now();
    const expired = ids.filter((id) => isExpired(id, retention, now)).sort();
    if (expired.length === 0) return [];
    await announceErasure(this.#rows.records(), { retention, now, expired }, (entry) => this.append(entry));
    await this.#rows.eraseKeys(expired);
    return expired;
  }

  /** Writes what is pending, and signs a last checkpoint. The pool stays yours to end. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.checkpoint();
    this.#timer.end();
  }

  async #start(): Promise<void> {
    await this.#rows.begin();
    const text = await this.#rows.checkpoint(); // before the entries, to which others append meanwhile
    await this.#sync();
    if (text === undefined) return this.#startNew();
    await this.#startFrom(text);
    if (this.#checkpoint!.size < this.#linked.tree.size) await this.checkpoint();
  }

  /** A log has a checkpoint before it has anything else, so that one without is new, or was cut off. */
  async #startNew(): Promise<void> {
    const { size } = this.#linked.tree;
    if (size > 0 || (await this.#rows.keyIds()).length > 0) {
      const text = await this.#rows.checkpoint(); // another process may have begun it meanwhile
      if (text === undefined) throw badEntry(size, 'cut');
      return this.#startFrom(text);
    }
    await this.checkpoint();
  }

  async #startFrom(text: string): Promise<void> {
    const { origin, size, root } = await this.#read(text);
    const { tree } = this.#linked;
    if (origin !== this.origin) throw xlinkError('AUDIT_INVALID:CHECKPOINT', { field: 'checkpoint' });
    if (size > tree.size) throw badEntry(tree.size, 'cut');
    if (!equalBytes(tree.root(size), root)) throw badEntry(0, 'rewritten');
    this.#checkpoint = { size, text };
  }

  /** Takes what others wrote since. */
  async #sync(): Promise<void> {
    for await (const { records } of this.#rows.records(this.#linked.end.size))
      await this.#linked.take(records);
  }

  /** The same while nobody else can write; then the tree is that of the head. */
  async #catchUp({ head, page }: LockedRows): Promise<void> {
    const { tree } = this.#linked;
    while (tree.size < head.size) {
      const records = await page(tree.size);
      if (records.length === 0) throw badEntry(tree.size, 'cut');
      await this.#linked.take(records);
    }
    if (tree.size > head.size) throw badEntry(head.size, 'cut');
    if (this.#linked.mac !== head.mac) throw badEntry(Math.max(0, head.size - 1), 'rewritten');
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
    let batch: SealedBatch | undefined;
    const dataKey = await this.#currentKey();
    const { crypto } = this.#options.identity;
    try {
      await this.#rows.locked(async (rows) => {
        await this.#catchUp(rows);
        const keys = { dataKey, chain: this.#chain };
        batch = await sealBatch(crypto, keys, this.#linked.end, entries);
        await rows.insert(batch.records);
      });
    } catch (error) {
      this.#dataKey = undefined; // it was used for these numbers
      if (!(await this.#isThere(batch))) throw error;
    }
    this.#linked.add(batch!);
    this.#timer.begin();
    return batch!.records.map((record) => ({ record, dataKey }));
  }

  /** Whether a batch was committed, though that was not heard. */
  async #isThere(batch: SealedBatch | undefined): Promise<boolean> {
    const last = batch?.records.at(-1);
    return last !== undefined && this.#rows.has(last).catch(() => false);
  }

  async #currentKey(): Promise<DataKey> {
    const now = this.#now();
    const month = new Date(now).toISOString().slice(0, 7);
    if (this.#dataKey && monthOf(this.#dataKey.id) === month) return this.#dataKey;
    const { id, hmac, wrapped } = await newDataKey(
      this.#options.identity,
      this.#organization,
      this.origin,
      now,
    );
    await this.#rows.keepKey(id, wrapped);
    return (this.#dataKey = { id, hmac });
  }

  async #keep(size: number, text: string): Promise<string> {
    await this.#rows.keepCheckpoint(size, text);
    this.#checkpoint = { size, text };
    return text;
  }

  #reader(): Reader {
    const { organization, identity } = this.#options;
    if (!(organization instanceof Identity))
      throw xlinkError('AUDIT_INVALID:KEY', {
        hint: 'Entries can be read where `organization` is its identity.',
      });
    return { organization, service: identity.did, keys: wrappedKeysIn(this.#rows, this.origin) };
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
