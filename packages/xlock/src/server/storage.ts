import { join } from 'node:path';
import { Identity, type LimitStore, MemoryLimitStore, type OperationsStore } from '@private.me/xlink';
import { AuditLog } from '@private.me/xlink/audit';
import { bytesOfFile, FileOperationsStore, identityFromFile, makeFolder } from '@private.me/xlink/file';
import { isOrigin } from '../challenge/challenge.js';
import { checkNames, checkValue, invalidOption, isText } from '../util/options.js';
import { markService, otherService, serviceOf } from './service-mark.js';
import { openSharedStores, type SharedStores } from './shared-stores.js';
import { isStoreUrl } from './store-url.js';

/** What the auth server keeps. */
export interface XlockStorage {
  /** Signs challenges; the same for all instances. */
  readonly identity: Identity;
  /** Challenges, devices, sessions and tokens. */
  readonly documents: OperationsStore;
  readonly limits: LimitStore;
  /** Of this instance. */
  readonly audit: AuditLog;
  readonly close: () => Promise<void>;
}

/** Where {@link openXlockStorage} finds it. */
export interface XlockStorageOptions {
  /** Folder of the identity and the audit log, and, without `store`, of everything else; made if absent. */
  readonly data: string;
  /** `redis://…` or `postgres://…`, for several instances; passwords come by `REDIS_PASSWORD` and `PGPASSWORD`. Default: files in the folder, for one. */
  readonly store?: string | undefined;
  /**
   * File of the identity; instances that share a store share it. Made for a store that is new; for one that is in use it must be there. Default
   * `identity.der` in the folder.
   */
  readonly identityFile?: string | undefined;
  /** Where the service is reached. It is kept in the store, and another one refused. Default: not compared. */
  readonly origin?: string | undefined;
}

/** Opens all; nothing stays open where it rejects. Rejects with `INVALID_OPTION`, also for a store of another service, `STORE_UNAVAILABLE`, or a `FileStoreError`. */
export async function openXlockStorage(options: XlockStorageOptions): Promise<XlockStorage> {
  checkStorageOptions(options);
  const { data, store, identityFile = join(data, 'identity.der'), origin } = options;
  await makeFolder(data);
  const shared = store === undefined ? openFiles(data) : await openSharedStores(store);
  try {
    const whole = await identityIn(identityFile, shared.documents);
    const identity = await Identity.fromSeed(whole.privateKey, { maxVersion: 1 });
    await markService(shared.documents, { did: identity.did, ...(origin === undefined ? {} : { origin }) });
    const audit = await AuditLog.open({
      folder: join(data, 'audit'),
      identity: whole,
      organization: whole,
    });
    const close = async () => {
      await audit.close();
      await shared.close();
    };
    return { ...shared, identity, audit, close };
  } catch (error) {
    await shared.close().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
}

function checkStorageOptions(options: XlockStorageOptions): void {
  const OWNER = 'openXlockStorage';
  checkNames(OWNER, options, ['data', 'store', 'identityFile', 'origin']);
  const { data, store, identityFile, origin } = options;
  if (!isText(data)) throw invalidOption('data', `${OWNER}: data must be a folder.`);
  checkValue(OWNER, 'store', store, isStoreUrl, 'redis://… or postgres://…');
  checkValue(OWNER, 'identityFile', identityFile, isText, 'a file');
  checkValue(OWNER, 'origin', origin, isOrigin, 'one as browsers write it, such as https://login.example');
}

/** None is made beside a store that has one: that would be a typo, or a key that is lost. */
async function identityIn(file: string, documents: OperationsStore): Promise<Identity> {
  const known = await serviceOf(documents);
  if (known !== undefined && !(await bytesOfFile(file)))
    throw otherService(known, `There is no key at ${file}`);
  return identityFromFile(file);
}

function openFiles(data: string): SharedStores {
  const documents = new FileOperationsStore(join(data, 'xlock.jsonl'), { lockWaitMs: 10_000 });
  return { documents, limits: new MemoryLimitStore(), close: async () => documents.close() };
}
