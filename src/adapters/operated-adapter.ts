import { xlinkError } from '../errors/service-errors.js';
import type { AdapterMetrics } from '../http/adoption-counter.js';
import type { OperationName, XlinkEvent } from '../types/events.js';
import type { ClientId, Clock, Did } from '../types/protocol.js';
import { given } from '../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../util/operator.js';
import { checkOptions, isString } from '../util/options.js';
import type { Auditor } from './auditing.js';
import {
  ClientAdministration,
  type RestoreClientOptions,
  type RevokeClientOptions,
  type UnlinkOptions,
} from './clients/administration.js';
import type { Clients } from './clients/clients.js';
import {
  type CutoverReport,
  checkReportOptions,
  cutoverReport,
  type ReportOptions,
} from './clients/cutover-report.js';
import { MemoryClientStore } from './clients/memory-store.js';
import {
  checkOutreachOptions,
  type OutreachOptions,
  type OutreachRow,
  outreachOf,
} from './clients/outreach.js';
import type { ClientRestoration, ClientRevocation } from './clients/revocation.js';
import type { ClientRecord } from './clients/store.js';
import { type AdapterHealth, clockMovedMs, storesHealth, whyNot } from './health.js';
import {
  checkInviteOptions,
  type InvitationReport,
  type InviteOptions,
  type NewInvitation,
} from './invitations/invitation.js';
import type { Invitations } from './invitations/invitations.js';
import type { KeyUse } from './key-use/key-use.js';
import { checkPreviewOptions, type PreviewOptions, previewOf, type StepPreview } from './key-use/preview.js';
import { withSoftware } from './key-use/report.js';
import type { ModeControl } from './mode-control.js';
import { MemoryOperationsStore } from './operations/memory-store.js';
import type { OperationsStore } from './operations/store.js';
import type { DualModeOptions } from './options.js';
import { dumpedSessions, sessionProbes, sessionWarnings } from './sessions-health.js';
import { setUpWarner, type WarnOfSetUp } from './set-up-warnings.js';
import {
  checkDumpOptions,
  dumpedClients,
  plainOptions,
  runtimeFacts,
  type SupportDump,
  type SupportDumpOptions,
} from './support-dump.js';

/** What operators work with. */
export interface OperatedParts {
  readonly options: DualModeOptions;
  readonly clock: Clock;
  readonly clients: Clients | undefined;
  readonly modes: ModeControl;
  readonly operations: OperationsStore;
  readonly invitations: Invitations;
  readonly keyUse: KeyUse | undefined;
  readonly auditor: Auditor | undefined;
  readonly warn: WarnOfSetUp;
}

const UNKEPT = 'entries of the audit log cannot be kept, and requests go on without them';

/** What is asked for to see whether a store answers: nobody is called so. */
const NOBODY = '(health)';
const neverUsed = (did: Did, timestamp: number) => ({
  recipient: did,
  sender: did,
  nonce: 'A'.repeat(22),
  timestamp,
});

/** What an operator asks of an adapter and does to it. */
export abstract class OperatedAdapter {
  /** @internal */
  protected abstract readonly operated: OperatedParts;

  /** Tells all observers. For parts that work beside the adapter, such as a {@link MigrationPlan}. */
  abstract emit(event: XlinkEvent): void;

  /** Writes what was counted and not yet written. Call it before an orderly stop. */
  abstract close(): Promise<void>;

  /** Requests since the process started, those that are open included. */
  abstract getMetrics(): AdapterMetrics;

  /** Who still uses keys, and who is safe to switch. Needs the option `clients`. Rejects with `INVALID_OPTION`. */
  async report(options: ReportOptions = {}): Promise<CutoverReport> {
    checkReportOptions('report', options);
    const { clock, keyUse } = this.operated;
    const report = cutoverReport(await this.clientRecords(), clock(), options);
    return keyUse ? withSoftware(report, await keyUse.all()) : report;
  }

  /** What is known about each client, up to this moment. Needs the option `clients`. */
  async clientRecords(): Promise<readonly ClientRecord[]> {
    const { store } = this.#clientsFor('The report').parts;
    await this.close();
    return store.list();
  }

  /**
   * Ends a client: its API keys are refused in every mode (`CLIENT_REVOKED`), and so are its DIDs, which are revoked in the
   * trust registry, too; on all instances that share `clients`, at once. A DID that was never enrolled is a client of its own, by
   * its own name. Rejects with `REVOCATION_INCOMPLETE` if not all of its DIDs are ended in the registry: call it again; with
   * `CLIENT_UNKNOWN` if nothing is known by this id. Needs the option `clients`.
   */
  async revokeClient(client: ClientId, options: RevokeClientOptions = {}): Promise<ClientRevocation> {
    return this.administration('revokeClient').revoke(client, options);
  }

  /**
   * Takes a revocation back: keys count again. DIDs stay revoked and make room for others, but for those in `reactivate`, which must
   * be given for a client that has revoked DIDs. Rejects with `INVALID_OPTION`, and with `CLIENT_UNKNOWN` if nothing is known by this id.
   */
  async restoreClient(client: ClientId, options: RestoreClientOptions = {}): Promise<ClientRestoration> {
    return this.administration('restoreClient').restore(client, options);
  }

  /**
   * Takes a DID from its client, which may enroll another one in its place, and revokes it in the trust registry, as the DID
   * itself does by `DELETE /.well-known/xlink/enroll`. Resolves to the client. Needs the option `clients`. Rejects with
   * `ENROLLMENT_REFUSED:NOT_ENROLLED` for a DID that is linked to none.
   */
  async unlink(did: Did, options: UnlinkOptions = {}): Promise<ClientId> {
    return this.administration('unlink').unlink(did, options);
  }

  /**
   * Makes an invitation: with it a new customer enrolls one identity without a key, in every mode. Each is good once, until it
   * expires. Needs the option `clients`; give `operations` a store that the instances share, or only this process knows of it.
   * Rejects with `INVALID_OPTION`, `CLIENT_REVOKED` or `OPERATIONS_STORE_UNAVAILABLE`.
   */
  async invite(options: InviteOptions): Promise<NewInvitation> {
    const clients = this.#clientsFor('invite');
    checkInviteOptions(options);
    const { operations, warn, options: set } = this.operated;
    if (operations instanceof MemoryOperationsStore && !(set.clients instanceof MemoryClientStore))
      warn(
        'INVITATION_REFUSED:UNKNOWN',
        'Invitations are in the memory of this process, and the clients are not: after a restart nobody can enroll with one. Give the adapter a store that lasts as the option operations, such as FileOperationsStore.',
      );
    await clients.unrevoked(options.client);
    const made = await this.operated.invitations.invite(options);
    this.#tell('invite', made.client, options);
    return made;
  }

  /** The invitations, the newest first; those that were over for 90 days are forgotten. Rejects with `OPERATIONS_STORE_UNAVAILABLE`. */
  async invitations(): Promise<readonly InvitationReport[]> {
    return this.operated.invitations.list();
  }

  /**
   * Takes an invitation back, by its number. Rejects with `INVITATION_UNKNOWN`, and with `INVITATION_REFUSED:USED` for one with which an
   * identity has enrolled: {@link OperatedAdapter.unlink} ends that.
   */
  async revokeInvitation(number: string, options: Operator = {}): Promise<InvitationReport> {
    checkOptions('revokeInvitation', options, OPERATOR_CHECKS);
    if (isString(number)) throw xlinkError('INVITATION_UNKNOWN');
    const revoked = await this.operated.invitations.revoke(number);
    this.#tell('revoke-invitation', number, options);
    return revoked;
  }

  /**
   * What a step would have refused in the last seven days, by client. Needs the options `clients` and `keyUse`, and counts from when that
   * was set. Rejects with `INVALID_OPTION` or `OPERATIONS_STORE_UNAVAILABLE`.
   */
  async preview(options: PreviewOptions): Promise<StepPreview> {
    checkPreviewOptions(options);
    const { keyUse, clock } = this.operated;
    if (!keyUse)
      throw xlinkError('INVALID_OPTION', { field: 'keyUse', hint: 'preview needs the option keyUse.' });
    return previewOf(await keyUse.all(), clock(), options);
  }

  /** Whom to write to, and what, those whose keys were used last first; {@link outreachCsv} makes a table of it. Needs the option `clients`. */
  async outreach(options: OutreachOptions = {}): Promise<readonly OutreachRow[]> {
    checkOutreachOptions(options);
    const { agent, deprecation = {} } = this.operated.options;
    const { sunset, migrationUrl } = deprecation;
    const known = given({ api: agent.name, sunset, migrationUrl });
    return outreachOf(await this.report(), { ...known, ...given(options) });
  }

  /** Whether the stores answer, and what comes next. Asks each of them once, for at most two seconds. Never rejects. */
  async health(): Promise<AdapterHealth> {
    const { options, clock, modes, operations, clients, auditor } = this.operated;
    const { agent } = options;
    const now = clock();
    const did = await agent.ready().catch(() => undefined);
    const stores = await storesHealth({
      identity: () => agent.ready(),
      ...(did === undefined ? {} : { registry: () => agent.registry.lookup(did) }),
      ...(did === undefined ? {} : { nonces: () => agent.nonceStore.seen(neverUsed(did, now)) }),
      ...(did === undefined ? {} : sessionProbes(options, did, now)),
      ...(clients ? { clients: () => clients.parts.store.get(NOBODY) } : {}),
      ...(clients ? { operations: () => operations.load('health/none') } : {}),
      ...modes.probes(),
      ...(auditor ? { audit: () => auditor.probe() } : {}),
    });
    const { audit, ...needed } = stores;
    const why = whyNot(auditor?.refusesUnkept ? stores : needed);
    const unkept = audit?.ok === false && !auditor?.refusesUnkept ? [UNKEPT] : [];
    const [brownout] = modes.brownouts.upcoming(now);
    const { rotatesAt } = agent.keyEpoch ?? {};
    return {
      ready: why.length === 0,
      why,
      warnings: [...sessionWarnings(options), ...unkept],
      at: new Date(now).toISOString(),
      mode: modes.policy.global,
      stores,
      clockMovedMs: clockMovedMs(),
      ...(rotatesAt === undefined ? {} : { nextRotation: new Date(rotatesAt).toISOString() }),
      ...(brownout
        ? { nextBrownout: { from: brownout.from.toISOString(), until: brownout.until.toISOString() } }
        : {}),
    };
  }

  /** The state of the adapter for whoever helps, without secrets: to be written as JSON. Rejects with `INVALID_OPTION`. */
  async supportDump(options: SupportDumpOptions = {}): Promise<SupportDump> {
    checkDumpOptions(options);
    const { options: own, clients, clock } = this.operated;
    const rows = clients
      ? await this.report()
          .then((report) => dumpedClients(report, options.clients ?? 'hashed'))
          .catch(() => undefined)
      : undefined;
    return {
      at: new Date(clock()).toISOString(),
      runtime: runtimeFacts(),
      health: await this.health(),
      metrics: this.getMetrics(),
      options: plainOptions(own),
      ...given({ sessions: dumpedSessions(own), clients: rows }),
    };
  }

  #clientsFor(what: string): Clients {
    const { clients } = this.operated;
    if (clients) return clients;
    throw xlinkError('INVALID_OPTION', { field: 'clients', hint: `${what} needs the option clients.` });
  }

  /** @internal */
  protected administration(what: string): ClientAdministration {
    const { clock, store } = this.#clientsFor(what).parts;
    const { agent, observers } = this.operated.options;
    const emit = (event: XlinkEvent) => this.emit(event);
    const warn = (text: string) => setUpWarner(observers, emit)('CLIENT_UNKNOWN', text); // each time
    const flush = () => this.close();
    return new ClientAdministration({ store, registry: agent.registry, clock, warn, flush }, emit);
  }

  #tell(operation: OperationName, target: string, { by, why }: Operator): void {
    this.emit({ type: 'operation', operation, target, ...given({ by, why }) });
  }
}
