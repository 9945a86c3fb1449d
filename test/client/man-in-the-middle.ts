import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request as requestOf } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterTest } from '../support/after-test.js';
import { stopServer } from '../support/listen.js';
import { restOf } from '../support/responses.js';

/** A request or an answer as he holds it. */
export interface Held {
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export interface HeldRequest extends Held {
  readonly method: string;
  readonly path: string;
}

export interface HeldAnswer extends Held {
  readonly status: number;
}

/** What he sends in place of an answer; `undefined`: he hangs up. */
export type Forged =
  | { readonly status: number; readonly headers?: IncomingHttpHeaders; readonly body?: string | Buffer }
  | undefined;

/** `forward` hands the request, or another one, to the service and resolves to its answer. */
export type Rule = (
  request: HeldRequest,
  forward: (other?: HeldRequest) => Promise<HeldAnswer>,
) => Promise<Forged> | Forged;

/**
 * Somebody between a client and a service who has broken TLS, or owns the proxy: reads, forges, withholds, delays, swaps and
 * repeats. Honest until `rule` is set.
 */
export class ManInTheMiddle {
  readonly url: string;
  /** All that he could read, both ways. */
  readonly seen: string[] = [];
  rule: Rule = (_request, forward) => forward();

  private constructor(url: string) {
    this.url = url;
  }

  static async before(service: string): Promise<ManInTheMiddle> {
    const server = createServer(async (req, res) => {
      const held = { method: req.method!, path: req.url!, headers: req.headers, body: await restOf(req) };
      man.seen.push(textOf(held));
      const forward = async (request = held) => {
        const answer = await handOver(service, request);
        man.seen.push(textOf(answer));
        return answer;
      };
      const forged = await man.rule(held, forward);
      if (!forged) return void req.socket.destroy();
      const { 'transfer-encoding': _, 'content-length': __, ...headers } = forged.headers ?? {};
      res.writeHead(forged.status, headers).end(forged.body ?? '');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterTest(() => stopServer(server));
    const man = new ManInTheMiddle(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return man;
  }

  /** From now on, for requests of this path only; the others pass. */
  at(path: string, rule: Rule): void {
    this.rule = (request, forward) =>
      request.path.split('?')[0] === path ? rule(request, forward) : forward();
  }

  saw(text: string): boolean {
    const encoded = [text, encodeURIComponent(text), Buffer.from(text).toString('base64').slice(0, -4)];
    return this.seen.some((held) => encoded.some((form) => held.includes(form)));
  }
}

const textOf = ({ headers, body, ...line }: HeldRequest | HeldAnswer): string =>
  `${JSON.stringify(line)}\n${JSON.stringify(headers)}\n${body.toString('latin1')}`;

/** Sends a request as it is to a service. */
export async function handOver(
  service: string,
  { method, path, headers, body }: HeldRequest,
): Promise<HeldAnswer> {
  const { 'transfer-encoding': _, ...rest } = headers;
  const sent = requestOf(service + path, { method, headers: { ...rest, 'content-length': body.length } });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  return { status: answer.statusCode, headers: answer.headers, body: await restOf(answer) };
}
