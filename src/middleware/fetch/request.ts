import type { InboundRequest, Pass } from '../../http/decision.js';
import { openedHeaders } from '../../http/opened-headers.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { readNodeBody } from '../node/body.js';
import { whenGone } from '../node/gone.js';
import { announcesBody, mountOf } from '../node/request.js';
import { FetchBody } from './body.js';
import { headerLines, type Native, targetOf } from './native.js';

/** Where the adapter stands in the application, as far as the framework says. */
export type Place = Pick<InboundRequest, 'mount' | 'isOnRoute'>;

/** What there is of a request. */
export interface Asked {
  readonly request: Request;
  /** The object that handlers know the request by. */
  readonly raw: object;
  /** What Node has beside it, where the application runs on Node. */
  readonly native?: Native | undefined;
  readonly place: Place;
}

function whenAborted(signal: AbortSignal, then: () => void): () => void {
  if (signal.aborted) then();
  signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}

/** A request of the Fetch standard as the adapter sees it, and the same one as handlers are to see it. */
export class FetchRequest {
  readonly inbound: InboundRequest;
  readonly #request: Request;
  readonly #isOnNode: boolean;
  readonly #body: FetchBody;
  #bytes: Uint8Array | undefined;

  constructor({ request, raw, native, place }: Asked) {
    const target = targetOf(request, native);
    const mount = mountOf(target, targetOf(request, undefined)) + (place.mount ?? '');
    this.#request = request;
    this.#body = new FetchBody(request);
    this.#isOnNode = native !== undefined;
    this.inbound = {
      ...place,
      method: request.method,
      target,
      ...(mount === '' ? {} : { mount }),
      hasBody: native ? announcesBody(native.incoming) : request.body !== null,
      isBodyGone: () => native?.incoming.readableEnded !== false && request.bodyUsed,
      raw,
      remoteAddress: native?.incoming.socket?.remoteAddress,
      header: (name) =>
        name === ':authority' ? new URL(request.url).host : (request.headers.get(name) ?? undefined),
      lines: (name) => headerLines(request, native, name),
      whenGone: (then) => (native ? whenGone(native.incoming, then) : whenAborted(request.signal, then)),
      readBody: async (maxBytes, checkStart) => {
        this.#bytes =
          native && isBodiless(request)
            ? await readNodeBody(native.incoming, [], maxBytes, checkStart)
            : await this.#body.read(maxBytes, checkStart);
        return this.#bytes;
      },
      openBody: () => (isBodiless(request) ? undefined : this.#body.source()),
    };
  }

  /** The request that a caller with a key would have made. */
  opened(pass: Pass): Request {
    const bytes = pass.content?.bytes ?? this.#bytes;
    const body = pass.stream
      ? this.#body.replaced(pass.stream.pieces)
      : bytes
        ? new Uint8Array(bytes)
        : this.#body.unread();
    const headers = new Headers(this.#request.headers);
    const changes = openedHeaders(pass, this.inbound.header, () => [...headers.keys()]);
    if (changes.size === 0 && body === undefined) return this.#request;
    for (const [name, value] of changes) {
      if (value === undefined) headers.delete(name);
      else headers.set(name, byteString(value));
    }
    return this.#with(headers, body);
  }

  /** For a request that no handler gets: lets go of what was not read. */
  dropped(): void {
    void this.#body.giveUp(this.#isOnNode);
  }

  #with(headers: Headers, body: RequestInit['body'] | undefined): Request {
    const request = this.#request;
    const init = { headers, duplex: 'half', ...(body === undefined || isBodiless(request) ? {} : { body }) };
    if (!this.#isOnNode) return new Request(request, init as RequestInit);
    // A server on Node may have made something that only looks like a request.
    const { url, method, signal } = request;
    const unread = isBodiless(request) ? {} : { body: request.body };
    return new Request(url, { method, signal, ...unread, ...init } as RequestInit);
  }
}

/** Headers of the Fetch standard hold bytes: of a text with other characters its bytes in UTF-8, as they would come over HTTP. */
const byteString = (value: string): string =>
  /[\u0100-\uffff]/.test(value) ? String.fromCharCode(...encodeUtf8(value)) : value;

/** In the Fetch standard: what comes with such a request over HTTP is there to be verified, and no handler sees it. */
const isBodiless = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';
