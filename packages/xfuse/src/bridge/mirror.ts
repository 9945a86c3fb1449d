import { isXfuseError, XfuseError } from '../errors.js';
import { type Captured, capture, readUpTo } from './capture.js';
import { type CompareRules, compareAnswers, type Seen } from './compare.js';
import type { Comparison } from './comparison.js';
import type { NotMirrored } from './events.js';
import type { BridgeRequest } from './request.js';
import { type Answer, aborted, type Sides } from './sides.js';

/** Limits of mirroring. */
export interface MirrorLimits {
  readonly maxMirrors: number;
  readonly maxBodyBytes: number;
}

/** A request that goes to both sides: the legacy answer for the caller, and what came of the comparison. */
export class Mirror {
  #running = 0;
  readonly #waiting = new Set<Promise<Comparison>>();

  constructor(
    readonly sides: Sides,
    readonly rules: CompareRules,
    readonly limits: MirrorLimits,
    readonly told: (comparison: Comparison) => void,
  ) {}

  /** Mirrored requests that are not over. */
  get running(): number {
    return this.#running;
  }

  /** Resolves when those are over that run now. */
  async settle(): Promise<void> {
    await Promise.all(this.#waiting);
  }

  /** The legacy answer, as soon as its head is there; rejects as the legacy side does. */
  async send(request: BridgeRequest): Promise<Answer & { readonly compared: Promise<Comparison> }> {
    const reason = this.#whyNot(request);
    if (reason) {
      const answer = await this.sides.legacy(request);
      return { ...answer, compared: Promise.resolve(this.#skip(request, reason)) };
    }
    this.#running += 1;
    const end = new AbortController();
    // The legacy side is called first; the modern one when the request is on its way.
    const sent = this.sides.legacy(request);
    const early = request.isRead ? this.#modern(request, end) : undefined;
    try {
      const answer = await sent;
      if (!early && answer.response.status >= 500) {
        this.#running -= 1;
        return { ...answer, compared: Promise.resolve(this.#skip(request, 'legacy-failed')) };
      }
      const { response, seen } = capture(answer.response, this.rules.maxBytes);
      // A write goes to the modern side once the legacy one has answered: until then its key is in use.
      const modern = early ?? this.#modern(request, end);
      const compared = this.#compare(request, answer, seen, modern).finally(() => this.#end(compared));
      this.#waiting.add(compared);
      return { ...answer, response, compared };
    } catch (error) {
      end.abort();
      void (early ?? Promise.resolve()).then(() => {
        this.#running -= 1;
        this.#skip(request, 'legacy-failed');
      });
      throw error;
    }
  }

  #end(compared: Promise<Comparison>): void {
    this.#running -= 1;
    this.#waiting.delete(compared);
  }

  #whyNot(request: BridgeRequest): NotMirrored | undefined {
    const mayWrite = request.isRead || request.hasKey || this.sides.dryRunOf(request) !== undefined;
    if (!mayWrite) return 'write-without-key';
    if (request.bodyBytes === undefined) return 'request-stream';
    if (request.bodyBytes > this.limits.maxBodyBytes) return 'request-too-large';
    return this.#running >= this.limits.maxMirrors ? 'busy' : undefined;
  }

  /** The whole modern answer in time, or what went wrong. Never rejects. */
  async #modern(request: BridgeRequest, end: AbortController): Promise<(Seen & { ms: number }) | Error> {
    await new Promise(setImmediate);
    const late = () => end.abort(new XfuseError('MODERN_FAILED:TIMEOUT'));
    const timer = setTimeout(late, this.sides.modernTimeoutMs);
    try {
      return await Promise.race([this.#read(request, end.signal), aborted(end.signal)]);
    } catch (error) {
      return error instanceof Error ? error : new Error('not an error', { cause: error });
    } finally {
      clearTimeout(timer);
      // What is still on its way, such as a body that is too long, ends here.
      end.abort();
    }
  }

  async #read(request: BridgeRequest, signal: AbortSignal): Promise<Seen & { ms: number }> {
    const { response, ms } = await this.sides.modern(request, false, signal);
    const body = await readUpTo(response, this.rules.maxBytes);
    return { status: response.status, headers: response.headers, body, ms };
  }

  async #compare(
    request: BridgeRequest,
    { response, ms: legacyMs }: Answer,
    seen: Promise<Captured | string>,
    answer: Promise<(Seen & { ms: number }) | Error>,
  ): Promise<Comparison> {
    const modern = await answer;
    const base = { route: request.route, differences: [], body: 'none', legacyMs } as const;
    if (modern instanceof Error)
      return this.#tell({ ...base, outcome: 'modern-error', error: codeOf(modern) });
    const body = await inTime(seen, this.sides.modernTimeoutMs);
    const modernMs = modern.ms;
    if (typeof body === 'string') return this.#tell({ ...base, outcome: 'incomplete', modernMs });
    const legacy = { status: response.status, headers: response.headers, body };
    const found = compareAnswers(legacy, modern, this.rules);
    const outcome = found.differences.length ? 'different' : 'same';
    return this.#tell({ ...base, ...found, outcome, modernMs });
  }

  #skip({ route }: BridgeRequest, reason: NotMirrored): Comparison {
    return this.#tell({ outcome: 'not-mirrored', route, reason, differences: [], body: 'none' });
  }

  #tell(comparison: Comparison): Comparison {
    this.told(comparison);
    return comparison;
  }
}

/** What was seen, or `late` if the caller takes longer to read it. */
async function inTime(seen: Promise<Captured | string>, ms: number): Promise<Captured | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ms, 'late').unref();
  });
  return Promise.race([seen, late]).finally(() => clearTimeout(timer));
}

/** The code that tells what kind of error it was; never its message. */
function codeOf(error: Error): string {
  const cause: unknown = isXfuseError(error) && error.cause !== undefined ? error.cause : error;
  if (isXfuseError(cause)) return cause.id;
  const { code, cause: below } = cause as { code?: unknown; cause?: { code?: unknown } };
  const found = [code, below?.code].find(
    (one) => typeof one === 'string' && /^[A-Z][A-Z0-9_:]{1,63}$/.test(one),
  );
  return (found as string | undefined) ?? 'ERROR';
}
