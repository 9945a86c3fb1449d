import { defaultProvider } from '#provider';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import { LimitCounter } from '../limits/counter.js';
import type { PolicyDecisionEvent, PolicyEvent } from '../types/events.js';
import type { PolicyContext, PolicyDecision, PolicyDecisionPoint, PolicyRequest } from '../types/policy.js';
import { encodeBase64url } from '../util/base64url.js';
import { canonicalJson } from '../util/canonical-json.js';
import { given } from '../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../util/operator.js';
import { checkOptions, oneOf } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import { type DryRun, dryRun } from './dry-run.js';
import { evaluate, type PolicyVerdict } from './evaluate.js';
import { type FulfilParts, type Unmet, unmetOf } from './fulfil.js';
import { type ReadyRule, readyRule } from './match.js';
import { OpenApprovals } from './open-approvals.js';
import { checkEngineOptions, type PolicyEngineOptions, type PolicyMode } from './options.js';
import { type ParsedPolicy, parsePolicy, parsePolicyFrom } from './parse.js';
import { keepReading } from './reload.js';
import { type PolicyFinding, reviewPolicy } from './review.js';
import { DEFAULT_POLICY_LIMITS, type PolicyDocument } from './rule.js';

/** Findings that are warned of, each on a line. */
const MAX_WARNINGS = 20;

/** The policy in force. */
interface Loaded extends ParsedPolicy {
  readonly ready: readonly ReadyRule[];
  readonly revision: number;
  readonly digest: string;
  readonly findings: readonly PolicyFinding[];
}

/**
 * Decides by rules that are data. It narrows what scopes grant and never widens it. All rules are looked at: one that denies wins,
 * and what the others require adds up. What cannot be found out counts against the request.
 */
export class PolicyEngine implements PolicyDecisionPoint {
  readonly #options: PolicyEngineOptions;
  readonly #counter: LimitCounter;
  readonly #approvals: OpenApprovals;
  readonly #listeners = new Set<(event: PolicyEvent | PolicyDecisionEvent) => void>();
  #mode: PolicyMode;
  #loaded!: Loaded;
  /** Whether the last change was: that it is over is told, even if nothing changed. */
  #isRefused = false;
  #stop: () => void = () => {};
  #changing: Promise<void> = Promise.resolve();

  private constructor(options: PolicyEngineOptions) {
    this.#options = options;
    this.#mode = options.mode ?? 'enforce';
    const { limitStore, clock, maxOpenApprovals = 10 } = options;
    this.#approvals = new OpenApprovals(maxOpenApprovals);
    this.#counter = new LimitCounter(limitStore, clock, (error) => options.onFault?.(error));
  }

  /** Loads the policy. Rejects with `INVALID_OPTION`, with `POLICY_INVALID` and the path of what is wrong, or with `POLICY_INVALID:UNREADABLE`. */
  static async create(options: PolicyEngineOptions): Promise<PolicyEngine> {
    checkEngineOptions(options);
    const engine = new PolicyEngine(options);
    const { source, rules, otherwise } = options;
    const document = { rules, otherwise } as PolicyDocument;
    await engine.#use(source ? await parsePolicyFrom(source) : parsePolicy(document));
    if (source)
      engine.#stop = keepReading(
        source,
        options.reloadIntervalMs ?? 5000,
        () => void engine.#reload({}).catch(() => {}),
      );
    return engine;
  }

  /** `Infinity`: approvals have a limit of their own (`approvalTimeoutMs`). */
  readonly timeoutMs = Infinity;

  /** How often the policy was changed here: 1 after it was loaded. */
  get revision(): number {
    return this.#loaded.revision;
  }

  /** SHA-256 over the canonical JSON of the rules, base64url: the same policy has the same on all instances. */
  get digest(): string {
    return this.#loaded.digest;
  }

  /** `observe` or `enforce`. */
  get mode(): PolicyMode {
    return this.#mode;
  }

  /** What in the policy does not do what it seems to: contradictions, rules that never decide, requirements that nothing can meet. */
  get findings(): readonly PolicyFinding[] {
    return this.#loaded.findings;
  }

  /** From the next request on. Throws `INVALID_OPTION`. */
  setMode(mode: PolicyMode, operator: Operator = {}): void {
    checkOptions(
      'PolicyEngine.setMode',
      { mode, ...operator },
      { mode: oneOf('observe', 'enforce'), ...OPERATOR_CHECKS },
    );
    this.#mode = mode;
    this.#tellLoaded(operator);
  }

  /**
   * Puts another policy in the place of this one, from the next request on. Rejects with `POLICY_INVALID`; the old one stays in force then. With
   * `INVALID_OPTION` if there is a `source`: that would be read again, and decide.
   */
  async replace(document: PolicyDocument, operator: Operator = {}): Promise<void> {
    checkOptions('PolicyEngine.replace', operator, OPERATOR_CHECKS);
    if (this.#options.source)
      throw xlinkError('INVALID_OPTION', {
        field: 'source',
        hint: 'This policy is read from its source: write it there, and call reload().',
      });
    await this.#changed(operator, () => parsePolicy(document));
  }

  /** Reads the source again, now. Rejects with what is wrong with what it holds; the old policy stays in force then. */
  async reload(operator: Operator = {}): Promise<void> {
    checkOptions('PolicyEngine.reload', operator, OPERATOR_CHECKS);
    await this.#reload(operator);
  }

  /** Which rules are about a request, what they require, and why it is allowed or denied. Asks nobody and counts nothing. */
  explain(request: PolicyRequest): PolicyVerdict {
    const { ready, otherwise } = this.#loaded;
    return evaluate(ready, otherwise, request, this.#options.defaultLimits ?? DEFAULT_POLICY_LIMITS);
  }

  /** What a policy would have done with recorded traffic: this one, or the document. */
  async dryRun(
    requests: Iterable<PolicyRequest> | AsyncIterable<PolicyRequest>,
    document?: PolicyDocument,
  ): Promise<DryRun> {
    const { defaultLimits = DEFAULT_POLICY_LIMITS } = this.#options;
    return dryRun(document ? parsePolicy(document) : this.#loaded, requests, defaultLimits);
  }

  /** Judges a request, counts it, has it approved and written down as its rules require. In observe mode it refuses nothing. */
  async decide(asked: PolicyRequest, { signal }: PolicyContext = {}): Promise<PolicyDecision> {
    const { clock } = this.#options;
    const request = clock ? { ...asked, at: clock() } : asked;
    try {
      this.#options.record?.(request);
    } catch (error) {
      this.#options.onFault?.(error);
    }
    const { revision } = this.#loaded;
    const isDry = this.#mode === 'observe';
    const unmet = await this.#unmetOf(request, { revision, isDry, signal });
    if (!unmet) return { effect: 'allow' };
    const { error, rule } = unmet;
    const { from, client } = request;
    this.#tell({
      type: 'policy-decision',
      outcome: isDry ? 'would-refuse' : 'refused',
      reason: error.id,
      revision,
      ...given({ rule, did: from, client }),
    });
    return isDry ? { effect: 'allow' } : { effect: 'deny', error };
  }

  /** Tells changes of the policy, beginning with the one in force, and what it refuses. Returns how to stop it. */
  onEvent(listener: (event: PolicyEvent | PolicyDecisionEvent) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#event({}));
    return () => this.#listeners.delete(listener);
  }

  /** Reads the source no more. */
  close(): void {
    this.#stop();
  }

  async #unmetOf(
    request: PolicyRequest,
    facts: Pick<FulfilParts, 'revision' | 'isDry' | 'signal'>,
  ): Promise<Unmet | undefined> {
    const verdict = this.explain(request);
    const { effect, rule } = verdict;
    if (effect === 'deny') return { error: xlinkError('POLICY_DENIED'), ...given({ rule }) };
    const { approve, audit, approvalTimeoutMs = 30_000 } = this.#options;
    return unmetOf(verdict, request, {
      approve,
      audit,
      approvalTimeoutMs,
      ...facts,
      open: this.#approvals,
      counter: this.#counter,
    });
  }

  #reload(operator: Operator): Promise<void> {
    const { source } = this.#options;
    if (!source)
      throw xlinkError('INVALID_OPTION', {
        field: 'source',
        hint: 'This policy has no source; see replace().',
      });
    return this.#changed(operator, () => parsePolicyFrom(source));
  }

  /** One after the other, so that an older document never takes the place of a newer one. */
  #changed(operator: Operator, read: () => ParsedPolicy | Promise<ParsedPolicy>): Promise<void> {
    const changing = this.#changing.then(() => this.#change(operator, read));
    this.#changing = changing.catch(() => {});
    return changing;
  }

  async #change(operator: Operator, read: () => ParsedPolicy | Promise<ParsedPolicy>): Promise<void> {
    try {
      const isOther = await this.#use(await read());
      if (isOther || this.#isRefused) this.#tellLoaded(operator);
      this.#isRefused = false;
    } catch (thrown) {
      const error = toXlinkError(thrown);
      this.#options.onFault?.(error);
      this.#tell({
        ...this.#event(operator),
        outcome: 'refused',
        reason: error.id,
        ...given({ field: error.field }),
      });
      this.#isRefused = true;
      throw error;
    }
  }

  /** False if it is the same policy. */
  async #use(policy: ParsedPolicy): Promise<boolean> {
    const { rules, otherwise } = policy;
    const digest = encodeBase64url(
      await defaultProvider().sha256(encodeUtf8(canonicalJson({ rules, otherwise }))),
    );
    if (this.#loaded?.digest === digest) return false;
    const ready = rules.map(readyRule);
    const findings = [...(await reviewPolicy(ready, otherwise)), ...this.#unmeetable(policy)];
    const revision = (this.#loaded?.revision ?? 0) + 1;
    this.#loaded = { rules, otherwise, ready, revision, digest, findings };
    const { onWarning = (text) => console.warn(`xlink: ${text}`) } = this.#options;
    for (const { text } of findings.slice(0, MAX_WARNINGS)) onWarning(text);
    const others = findings.length - MAX_WARNINGS;
    if (others > 0) onWarning(`A policy has ${others} more findings; see policy.findings.`);
    return true;
  }

  #unmeetable({ rules }: ParsedPolicy): PolicyFinding[] {
    const { approve, audit } = this.#options;
    return rules.flatMap(({ id, require = [] }) => {
      const lacks = (requirement: string, port: string, isThere: boolean): PolicyFinding[] =>
        isThere || !require.includes(requirement as never)
          ? []
          : [
              {
                kind: 'unmeetable',
                rule: id,
                text: `Rule ${id} requires ${requirement}, and there is no ${port}: what it is about is refused.`,
              },
            ];
      return [
        ...lacks('2FA', 'approve', approve !== undefined),
        ...lacks('audit-log', 'audit', audit !== undefined),
      ];
    });
  }

  #event(operator: Operator): PolicyEvent {
    const { revision, digest, rules } = this.#loaded;
    return {
      type: 'policy',
      outcome: 'in-force',
      mode: this.#mode,
      revision,
      digest,
      rules: rules.length,
      ...operator,
    };
  }

  #tellLoaded(operator: Operator): void {
    this.#tell(this.#event(operator));
  }

  #tell(event: PolicyEvent | PolicyDecisionEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // an observer changes nothing
      }
    }
  }
}
