import { concat, EMPTY } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { InboundRequest, Pass } from '../../http/decision.js';
import { openedHeaders } from '../../http/opened-headers.js';

/** A request of the Fetch standard as the adapter sees it, and the same one as handlers are to see it. */
export class FetchRequest {
  readonly inbound: InboundRequest;
  readonly #request: Request;
  #body: Uint8Array | undefined;

  /** `raw`: what stands for the request in the framework. `remoteAddress`: of the other end of the connection, where it is known. */
  constructor(request: Request, raw: unknown, remoteAddress: string | undefined) {
    const { pathname, search } = new URL(request.url);
    this.#request = request;
    this.inbound = {
      method: request.method,
      target: pathname + search,
      hasBody: request.body !== null,
      raw,
      remoteAddress,
      header: (name) => request.headers.get(name) ?? undefined,
      readBody: (maxBytes, checkStart) => this.#read(maxBytes, checkStart),
    };
  }

  /** The request that a caller with a key would have made. */
  opened(pass: Pass): Request {
    const body = pass.content?.bytes ?? this.#body;
    const headers = new Headers(this.#request.headers);
    const changes = openedHeaders(pass, this.inbound.header, () => [...headers.keys()]);
    if (changes.size === 0 && body === undefined) return this.#request;
    for (const [name, value] of changes) {
      if (value === undefined) headers.delete(name);
      else headers.set(name, value);
    }
    return new Request(this.#request, {
      headers,
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
  }

  async #read(maxBytes: number, checkStart: (start: Uint8Array) => void = () => {}): Promise<Uint8Array> {
    if (this.#request.bodyUsed) throw xlinkError('BODY_CONSUMED');
    if (Number(this.#request.headers.get('content-length')) > maxBytes) throw xlinkError('BODY_TOO_LARGE');
    const reader = this.#request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for (let next = await reader?.read(); next && !next.done; next = await reader!.read()) {
        if (chunks.length === 0) checkStart(next.value);
        size += next.value.length;
        if (size > maxBytes) throw xlinkError('BODY_TOO_LARGE');
        chunks.push(next.value);
      }
    } catch (error) {
      void reader?.cancel().catch(() => {});
      throw error instanceof TypeError ? xlinkError('BODY_ABORTED', { cause: error }) : error;
    }
    this.#body = chunks.length === 0 ? EMPTY : concat(chunks);
    return this.#body;
  }
}
