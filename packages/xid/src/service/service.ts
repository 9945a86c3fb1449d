import type {
  ClientId,
  ClientStore,
  DualModeOptions,
  EnrollmentAdmission,
  EnrollmentClaim,
  EnrollmentVerifier,
  ManagedTrustRegistry,
  TrustRegistry,
} from '@private.me/xlink';
import { copyRevocation, verifyRevocation } from '../certificate/revocation.js';
import { isXidError, XidError } from '../errors.js';
import { overlapEnd } from '../identity/epochs.js';
import { invalidOption } from '../util/options.js';
import { CredentialCheck, type GoodCredential } from './check-credential.js';
import { XidClientStore } from './client-store.js';
import { clientOfClass, Members, type XidMember } from './members.js';
import { type CheckedServiceOptions, checkedServiceOptions, type XidServiceOptions } from './options.js';
import { XidRegistry } from './registry.js';
import { type TakenSuccession, type TakeOptions, takeSuccession } from './succession.js';

/** The part of an adapter's options that lets identities of epochs in. */
export type XidAdapterOptions = Required<Pick<DualModeOptions, 'clients' | 'enrollment'>>;

/**
 * What a service needs to let in whom a registrar vouches for, without knowing who it is: in front of its registry and its client store.
 *
 * ```ts
 * const agent = await Agent.quickstart({ registry: xid.registry(registry) });
 * const adapter = new DualModeAdapter({ agent, legacyKeyValidator, ...xid.adapter(clients) });
 * ```
 *
 * All of a class are one client, `xid:` and its name, in `req.auth`, counts, limits and the report. Identities end with their epoch and the one behind it, and
 * are forgotten then.
 */
export class XidService implements EnrollmentVerifier {
  /** The member of the introduction's payload: `xidCertificate`, for certificates and tokens alike. */
  readonly member = 'xidCertificate';
  /** Introductions that are checked, per minute and process. */
  readonly attemptsPerMinute: number;
  readonly #options: CheckedServiceOptions;
  readonly #members: Members;
  readonly #check: CredentialCheck;
  #registry: TrustRegistry | undefined;

  /** Throws `INVALID_OPTION`, `VERIFIER_INVALID`. */
  constructor(options: XidServiceOptions) {
    this.#options = checkedServiceOptions(options);
    this.attemptsPerMinute = this.#options.attemptsPerMinute;
    const { store, registrars } = this.#options;
    this.#members = new Members(
      store,
      registrars.map(({ did }) => did),
    );
    this.#check = new CredentialCheck(this.#options);
  }

  /** The registry of the agent, with the identities of epochs beside what it holds: those leave no entry in it. Who is in it is never a pseudonym. Caches go inside: `xid.registry(new CachedTrustRegistry(…))`. */
  registry(inner: ManagedTrustRegistry): ManagedTrustRegistry {
    this.#registry = inner;
    return new XidRegistry(inner, this.#members, this.#options.clock, (now) => this.#remembered(now));
  }

  /** Options for the adapter: `clients`, in which a class is one client, and `enrollment`. Throws `INVALID_OPTION` before {@link registry} was called. */
  adapter(clients: ClientStore): XidAdapterOptions {
    if (!this.#registry)
      throw invalidOption(
        'registry',
        'XidService: give the agent xid.registry(registry) first: what it holds would never end.',
      );
    return { clients: new XidClientStore(clients, this.#members, this.#options.clock), enrollment: [this] };
  }

  /** Asked by the adapter. What is wrong is answered by its code; rejects with `STORE_UNAVAILABLE` where that cannot be told. */
  async verify(claim: EnrollmentClaim): Promise<EnrollmentAdmission | { readonly refused: string }> {
    try {
      return await this.#admit(claim);
    } catch (error) {
      if (!isXidError(error) || error.status >= 500) throw error;
      return { refused: error.id };
    }
  }

  /** Takes a revocation of a registrar: from now on, on all instances that share the store, and for `revocationMemoryMs`. In any order, and more than once. Rejects with `REVOCATION_INVALID`, `STORE_UNAVAILABLE`. */
  async revoke(statement: unknown): Promise<void> {
    const revocation = copyRevocation(statement);
    const registrar = this.#options.registrars.find(({ did }) => did === revocation.registrar);
    if (!registrar) throw new XidError('REVOCATION_INVALID', { field: 'registrar' });
    await verifyRevocation(revocation, registrar);
    const now = this.#options.clock();
    await this.#members.revoke(revocation.registrar, revocation.did, this.#remembered(now), now);
  }

  /**
   * Checks a statement by which a holder carries an account on to the identity of a later epoch, and says from whom to whom. Each counts once. Rejects with
   * `SUCCESSION_…`, `STORE_UNAVAILABLE`, or what `carry` rejects with.
   */
  takeSuccession(statement: unknown, options: TakeOptions): Promise<TakenSuccession> {
    const { store, clock, maxSkewMs } = this.#options;
    return takeSuccession(statement, options, { store, members: this.#members, clock, maxSkewMs });
  }

  /** How many identities of a class are in force. */
  count(name: string): Promise<number> {
    return this.#members.count(clientOfClass(name), this.#options.clock());
  }

  /** Until when a revocation is remembered: past the end of every certificate that may count, and as long as an account may be carried on. */
  #remembered(now: number): number {
    const { epochDurationMs, maxSkewMs, revocationMemoryMs } = this.#options;
    const last = overlapEnd(Math.floor(now / epochDurationMs) + 1, epochDurationMs);
    return Math.max(last + maxSkewMs, now + revocationMemoryMs);
  }

  async #admit({ did, keys, proof }: EnrollmentClaim): Promise<EnrollmentAdmission> {
    const now = this.#options.clock();
    const good = await this.#check.check(proof, did, now);
    if (await this.#registry?.lookup(did)) throw new XidError('IDENTITY_KNOWN');
    const client = clientOfClass(good.class);
    const { scopes, epoch, until, registrar, by } = good;
    const member: XidMember = { did, client, scopes, epoch, until, registrar, by, ...(keys ? { keys } : {}) };
    if (await this.#members.isRevokedBy(registrar, did, now)) throw new XidError('CERTIFICATE_REVOKED');
    const undo = await this.#enter(member, good, now);
    if (await this.#members.isRevokedBy(registrar, did, now)) {
      await undo(); // it came while the entry was written
      await this.#members.retire(did, now);
      throw new XidError('CERTIFICATE_REVOKED');
    }
    return { client, scopes, validUntil: until, maxDids: good.maxIdentities, undo };
  }

  /** What is spent stays spent unless nothing comes of it. */
  async #enter(member: XidMember, { token, maxIdentities, until }: GoodCredential, now: number) {
    if (token !== undefined && !(await this.#members.spend(token, until, now)))
      throw new XidError('TOKEN_SPENT');
    const giveBack = async () => {
      if (token !== undefined) await this.#members.unspend(token);
    };
    try {
      const outcome = await this.#members.add(member, maxIdentities, now);
      if (outcome === 'full') throw new XidError('CLASS_FULL');
      if (outcome === 'taken') return await this.#renew(member, now, giveBack);
    } catch (error) {
      await giveBack();
      throw error;
    }
    return async () => {
      await this.#members.remove(member);
      await giveBack();
    };
  }

  /** It shows once more what it may do: the same identity of the same class, so nobody new. */
  async #renew(member: XidMember, now: number, giveBack: () => Promise<void>): Promise<() => Promise<void>> {
    const { member: before } = await this.#members.find(member.did, now);
    if (before && before.client !== member.client) throw new XidError('IDENTITY_KNOWN');
    await this.#members.renew(member, now);
    return async () => {
      if (before) await this.#members.renew(before, now);
      await giveBack();
    };
  }
}

/** The client of a class, as the adapter calls it. */
export const xidClient = (name: string): ClientId => clientOfClass(name);
