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
    let answer: Answer;
    try {
      answer = await this.sides.legacy(request);
    } catch (error) {
      this.#running -= 1;
      this.#skip(request, 'legacy-failed');
      throw error;
    }
    const refused = whyRefused(request, answer.response.status);
    if (refused) {
      this.#running -= 1;
      return { ...answer, compared: Promise.resolve(this.#skip(request, refused)) };
    }
    const { response, seen } = capture(answer.response, this.rules.maxBytes);
    const compared = this.#compare(request, answer, seen).finally(() => this.#end(compared));
    this.#waiting.add(compared);
    return { ...answer, response, compared };
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
  async #modern(request: BridgeRequest): Promise<(Seen & { ms: number }) | Error> {
    const end = new AbortController();
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

  /** The modern side is called once the caller has the legacy answer: no work for it comes before. */
  async #compare(
    request: BridgeRequest,
    { response, ms: legacyMs }: Answer,
    seen: Promise<Captured | string>,
  ): Promise<Comparison> {
    const base = { route: request.route, differences: [], body: 'none', legacyMs } as const;
    const body = await inTime(seen, this.sides.modernTimeoutMs);
    if (typeof body === 'string') return this.#tell({ ...base, outcome: 'incomplete' });
    await new Promise(setImmediate);
    const modern = await this.#modern(request);
    if (modern instanceof Error)
      return this.#tell({ ...base, outcome: 'modern-error', error: codeOf(modern) });
    const legacy = { status: response.status, headers: response.headers, body };
    const found = compareAnswers(legacy, modern, this.rules);
    const outcome = found.differences.length ? 'different' : 'same';
    return this.#tell({ ...base, ...found, outcome, modernMs: modern.ms });
  }

  #skip({ route }: BridgeRequest, reason: NotMirrored): Comparison {
    return this.#tell({ outcome: 'not-mirrored', route, reason, differences: [], body: 'none' });
  }

  #tell(comparison: Comparison): Comparison {
    this.told(comparison);
    return comparison;
  }
}

/**
 * A write is mirrored only once the legacy side accepted it: the modern side would carry it out with the rights of the bridge. Of a read
 * that was refused nothing is learned.
 */
function whyRefused({ isRead }: BridgeRequest, status: number): NotMirrored | undefined {
  if (isRead) return status === 401 || status === 403 ? 'legacy-refused' : undefined;
  if (status >= 500) return 'legacy-failed';
  return status >= 200 && status < 300 ? undefined : 'legacy-refused';
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
