import { GroupError } from '../errors.js';
import type { MlsSuite } from '../suites.js';
import { Bell } from './bell.js';
import { GroupLog } from './group-log.js';
import { Invitations } from './invitations.js';
import { KeyPackageDirectory } from './key-packages.js';
import type { Asked } from './server-types.js';
import { LIMITS, type WireCommit, type WireEntry, type WireGroup, type WireNews } from './wire.js';

/** How often a call that waits looks for what other servers of the store took, in ms. */
const LOOK_EVERY_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Server = Asked['server'];

/** The delivery service of one identity server. */
export class DeliveryService {
  readonly keyPackages: KeyPackageDirectory;
  readonly invitations: Invitations;
  readonly #log: GroupLog;
  readonly #bell = new Bell();
  readonly #server: Server;

  constructor(server: Server) {
    const { documents, limits } = server.storage;
    this.#server = server;
    this.keyPackages = new KeyPackageDirectory(documents, limits);
    this.invitations = new Invitations(documents);
    this.#log = new GroupLog(documents, server.clock);
  }

  /** Throws `GROUP_EXISTS`, `TOO_MANY`. */
  async create(
    by: string,
    group: string,
    suite: MlsSuite,
    groupInfo: string | undefined,
  ): Promise<WireGroup> {
    await this.#count(`mls create ${by}`, LIMITS.groupsPerHour, HOUR_MS);
    return this.#log.create(group, by, suite, groupInfo);
  }

  get log(): Pick<GroupLog, 'get' | 'read' | 'welcome' | 'info'> {
    return this.#log;
  }

  /** Takes a commit, and tells those it adds. Throws what {@link GroupLog.commit} throws, `TOO_MANY`, `MEMBER_REVOKED`. */
  async commit(group: string, by: string, commit: WireCommit): Promise<WireEntry> {
    await this.#count(`mls post ${by}`, LIMITS.postsPerMinute);
    await Promise.all(commit.added.map((did) => this.assertActive(did)));
    const entry = await this.#log.commit(group, by, commit);
    const { publicUrl } = this.#server;
    if (commit.welcome !== undefined)
      await Promise.all(
        commit.added.map((did) =>
          this.invitations.add(did, { group, server: publicUrl, by, seq: entry.seq }),
        ),
      );
    this.#bell.ring([...(await this.#membersOf(group, by)), ...commit.added, ...commit.removed]);
    return entry;
  }

  /** Throws what {@link GroupLog.post} throws, `TOO_MANY`. */
  async post(
    group: string,
    by: string,
    kind: 'message' | 'proposal',
    epoch: number,
    data: string,
  ): Promise<WireEntry> {
    await this.#count(`mls post ${by}`, LIMITS.postsPerMinute);
    const entry = await this.#log.post(group, by, kind, epoch, data);
    this.#bell.ring(await this.#membersOf(group, by));
    return entry;
  }

  /** An invitation to a group at another server. Throws `TOO_MANY`, `MEMBER_UNKNOWN`, `MEMBER_REVOKED`. */
  async invite(
    by: string,
    to: string,
    invitation: { group: string; server: string; seq: number },
  ): Promise<void> {
    await this.#count(`mls invite ${by}`, LIMITS.postsPerMinute);
    await this.assertActive(to);
    await this.invitations.add(to, { ...invitation, by });
    this.#bell.ring([to]);
  }

  /** What a DID has not read, once there is something, or after `waitMs`. `known`: log entries that it has, by group. */
  async news(
    did: string,
    known: ReadonlyMap<string, number>,
    waitMs: number,
    gone: AbortSignal,
  ): Promise<WireNews> {
    const over = performance.now() + waitMs;
    if (this.#bell.waiters(did) >= LIMITS.waiters) throw new GroupError('TOO_MANY');
    for (;;) {
      const left = over - performance.now();
      if (gone.aborted) return { groups: [], invitations: false };
      const waiting = left > 0 ? this.#bell.wait(did, Math.min(left, LOOK_EVERY_MS)) : undefined; // before it looks
      const end = () => waiting?.end();
      gone.addEventListener('abort', end);
      try {
        const news = await this.#look(did, known);
        const isNew = news.groups.length > 0 || news.invitations;
        if (isNew || !waiting || this.#server.isStopping()) return news;
        await waiting.rung;
      } finally {
        gone.removeEventListener('abort', end);
        end();
      }
    }
  }

  async #look(did: string, known: ReadonlyMap<string, number>): Promise<WireNews> {
    const groups: string[] = [];
    for (const [group, seq] of known) if ((await this.#log.head(group, did)) > seq) groups.push(group);
    return { groups, invitations: (await this.invitations.list(did)).length > 0 };
  }

  /** Throws `MEMBER_UNKNOWN`, `MEMBER_REVOKED`. */
  async assertActive(did: string): Promise<void> {
    const entry = await this.#server.storage.registry.lookup(did);
    if (!entry) throw new GroupError('MEMBER_UNKNOWN');
    if (entry.status !== 'active') throw new GroupError('MEMBER_REVOKED');
  }

  async #membersOf(group: string, by: string): Promise<readonly string[]> {
    return this.#log.get(group, by).then(
      ({ members }) => members,
      () => [],
    );
  }

  async #count(name: string, most: number, windowMs = MINUTE_MS): Promise<void> {
    const { count } = await this.#server.storage.limits.take(name, windowMs);
    if (count > most) throw new GroupError('TOO_MANY');
  }
}

const services = new WeakMap<object, DeliveryService>();

/** The delivery service of a server: one for each store. */
export function serviceOf(server: Server): DeliveryService {
  let service = services.get(server.storage.documents);
  if (!service) services.set(server.storage.documents, (service = new DeliveryService(server)));
  return service;
}
