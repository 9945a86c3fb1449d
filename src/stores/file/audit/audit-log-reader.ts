import { defaultProvider } from '#provider';
import { type SignedCheckpoint, verifyCheckpoint } from '../../../audit/checkpoint.js';
import { MerkleTree } from '../../../audit/merkle-tree.js';
import { formatTlogProof } from '../../../audit/tlog-proof.js';
import { equalBytes } from '../../../crypto/bytes.js';
import { xlinkError } from '../../../errors/service-errors.js';
import type { Identity } from '../../../identity/identity.js';
import type { RecordedEntry } from '../../../types/audit.js';
import type { Did } from '../../../types/protocol.js';
import { checkOptions, isObject, isString, requireOption } from '../../../util/options.js';
import {
  type AuditExportOptions,
  type AuditSelection,
  checkExportOptions,
  checkSelection,
  exportLog,
  readEntries,
} from '../../audit/export-log.js';
import { type AuditVerdict, verifyLog } from '../../audit/verify-log.js';
import { bytesOfFile } from '../private-file.js';
import { readOrigin } from './about.js';
import { DataKeys } from './data-keys.js';
import { places } from './places.js';
import { isSameFolder, publishLog } from './publish.js';
import { readLog } from './read-log.js';
import { treeOfTiles } from './tile-files.js';

/** Options of {@link AuditLogReader.open}. */
export interface AuditLogReaderOptions {
  /** Folder of the log, or a copy of it. */
  readonly folder: string;
  /** The DID of the service, from a source that is trusted. */
  readonly service: Did;
  /** Opens entries. Default: nobody does; the log can be verified and proven all the same. */
  readonly organization?: Identity;
}

/** Options of {@link AuditLogReader.publish}. */
export interface AuditPublishOptions {
  /** Where to: made if it is not there, with the modes that the process gives new files. */
  readonly folder: string;
}

/** Reads the folder of a log, also while another process writes it: neither the key of the service nor the lock is needed. */
export class AuditLogReader {
  /** Which log. */
  readonly origin: string;
  /** The checkpoint in the folder. Proofs and exports go as far as that. */
  readonly checkpoint: string;
  readonly #options: AuditLogReaderOptions;
  readonly #head: SignedCheckpoint;

  private constructor(options: AuditLogReaderOptions, checkpoint: string, head: SignedCheckpoint) {
    this.#options = options;
    this.checkpoint = checkpoint;
    this.#head = head;
    this.origin = head.origin;
  }

  /** Rejects with `AUDIT_INVALID:CHECKPOINT` where there is no checkpoint by the service, or one of another log. */
  static async open(options: AuditLogReaderOptions): Promise<AuditLogReader> {
    checkOptions('AuditLogReader.open', options, {
      folder: isString,
      service: isString,
      organization: isObject,
    });
    for (const key of ['folder', 'service']) requireOption('AuditLogReader.open', options, key);
    const source = (await bytesOfFile(places(options.folder).checkpoint))?.toString();
    const hint = `There is no checkpoint of this log in ${options.folder}.`;
    if (source === undefined) throw xlinkError('AUDIT_INVALID:CHECKPOINT', { hint });
    const head = await verifyCheckpoint(defaultProvider(), source, options.service);
    if ((await readOrigin(options.folder)) !== head.origin)
      throw xlinkError('AUDIT_INVALID:CHECKPOINT', { hint });
    return new AuditLogReader(options, source, head);
  }

  /** Entries that the checkpoint covers. */
  get size(): number {
    return this.#head.size;
  }

  /**
   * Compares the files with the checkpoint in the folder and, if it is given, with another one that was kept elsewhere. The first bad entry is
   * named where the tiles of the tree tell it. Only the service can verify the HMAC chain, which also covers what no checkpoint does yet.
   */
  async verify({ checkpoint }: { readonly checkpoint?: string } = {}): Promise<AuditVerdict> {
    const { folder, service } = this.#options;
    const crypto = defaultProvider();
    const tiles = await treeOfTiles(folder, this.size, crypto);
    const reference = tiles && equalBytes(tiles.root(), this.#head.root) ? tiles : undefined;
    const other = checkpoint === undefined ? [] : [await verifyCheckpoint(crypto, checkpoint, service)];
    if (other.some(({ origin }) => origin !== this.origin)) throw xlinkError('AUDIT_INVALID:CHECKPOINT');
    return verifyLog(readLog(folder), { crypto, reference, heads: [this.#head, ...other] });
  }

  /** That an entry is in the log (C2SP tlog-proof). Rejects with `AUDIT_INVALID`. */
  async prove(seq: number): Promise<string> {
    const tree = await this.#tree();
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= this.size)
      throw xlinkError('AUDIT_INVALID', { field: 'seq', hint: `The checkpoint has ${this.size} entries.` });
    const hashes = tree.inclusionProof(seq, this.size);
    return formatTlogProof({ index: seq, hashes, checkpoint: this.checkpoint });
  }

  /** The entries, oldest first, those behind the checkpoint included. Needs `organization`. */
  async *entries(selection: AuditSelection = {}): AsyncGenerator<RecordedEntry> {
    checkSelection('AuditLogReader.entries', selection);
    for await (const { entry } of readEntries(readLog(this.#options.folder), this.#reader(), selection))
      if (entry) yield entry;
  }

  /** Entries with what proves each. `behind`: how many entries of the log are behind the checkpoint, and can be in no export yet. Needs `organization`. */
  async export(
    options: AuditExportOptions = {},
  ): Promise<{ readonly text: string; readonly checkpoint: string; readonly behind: number }> {
    checkExportOptions('AuditLogReader.export', options);
    const tree = await this.#tree();
    const text = await exportLog(readLog(this.#options.folder), this.#reader(), tree, this.#head, options);
    return { text, checkpoint: this.checkpoint, behind: tree.size - this.size };
  }

  /**
   * Writes the log, as far as the checkpoint, into another folder, as C2SP tlog-tiles lays it out: `checkpoint`, `tile/<level>/…` and the entry
   * bundles `tile/entries/…`. Any reader of that format can verify it from there, and any HTTP server serve it: entries are sealed, and no keys are
   * among it. Called again, it adds what is new; tiles that are full by then leave their partial ones behind. Rejects with `INVALID_OPTION`, or with
   * `AUDIT_INVALID…` if the files are not those of the checkpoint, or the folder has a later checkpoint or another log.
   */
  async publish(options: AuditPublishOptions): Promise<void> {
    checkOptions('AuditLogReader.publish', options, { folder: isString });
    requireOption('AuditLogReader.publish', options, 'folder');
    const { folder, service } = this.#options;
    if (await isSameFolder(folder, options.folder))
      throw xlinkError('INVALID_OPTION', {
        field: 'folder',
        hint: 'AuditLogReader.publish: folder must be another one than that of the log, which has its keys.',
      });
    const { origin, size, checkpoint } = this;
    const tree = await this.#tree();
    const published = { crypto: defaultProvider(), tree, origin, service, size, checkpoint };
    await publishLog(readLog(folder), published, options.folder);
  }

  /** Rejects with `AUDIT_INVALID` if the files are not those of the checkpoint. */
  async #tree(): Promise<MerkleTree> {
    const crypto = defaultProvider();
    const tree = new MerkleTree(crypto);
    const verdict = await verifyLog(readLog(this.#options.folder), { crypto, heads: [this.#head] }, tree);
    if (verdict.ok) return tree;
    throw xlinkError('AUDIT_INVALID', { hint: `Entry ${verdict.seq} is bad (${verdict.fault}).` });
  }

  #reader() {
    const { folder, service, organization } = this.#options;
    if (!organization)
      throw xlinkError('AUDIT_INVALID:KEY', { hint: 'Entries are opened by the option organization.' });
    return { organization, service, keys: new DataKeys(places(folder).keys, this.origin) };
  }
}
