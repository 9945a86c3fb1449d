import type { Service } from '../discovery/discover.js';
import { xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { DIRECT, fetchOrPlatform } from '../http/fetch.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import type { Transport } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';

/** Delivers the envelopes for one service by POST to its URL, as `application/xlink-envelope`. Nothing arrives this way. */
export class PostTransport implements Transport {
  readonly #service: Service;
  readonly #fetch: typeof fetch;

  /** `fetch`: default that of the platform. */
  constructor(service: Service, fetch_?: typeof fetch) {
    this.#service = service;
    this.#fetch = fetchOrPlatform(fetch_);
  }

  /** Messages are bound to the POST that brings them. */
  get binding(): string {
    return requestBinding('POST', targetOf(new URL(this.#service.url)));
  }

  /** Fails with `SEND_FAILED` for other recipients, and for any status but 200 to 299. */
  async send(envelope: Envelope, to: Did): Promise<Result<void>> {
    if (to !== this.#service.did) return err(xlinkError('SEND_FAILED', { field: 'to' }));
    try {
      const response = await this.#fetch(this.#service.url, {
        method: 'POST',
        headers: { 'Content-Type': ENVELOPE_TYPE },
        body: JSON.stringify(envelope),
        ...DIRECT,
      });
      void response.body?.cancel().catch(() => {});
      if (response.ok) return ok(undefined);
      return err(xlinkError('SEND_FAILED', { cause: new Error(`HTTP status ${response.status}`) }));
    } catch (cause) {
      return err(xlinkError('SEND_FAILED', { cause }));
    }
  }

  onReceive(): void {}

  dispose(): void {}
}
