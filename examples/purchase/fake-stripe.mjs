// What this example needs of Stripe's API, for tests and the demo: a server of 127.0.0.1 that real clients of Stripe talk to.
// It heeds idempotency keys as Stripe does: the same answer for 24 hours, declines and faults included; other parameters are refused.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const KEPT_MS = 24 * 3_600_000;

/** @typedef {'drop' | 'unavailable' | 'error' | 'error-after' | 'drop-after' | 'hang-after'} Trouble */
/** @typedef {{ status: number, body: any }} Answer */
/** @typedef {{ parameters: string, at: number, answer: Answer }} Remembered */

export class FakeStripe {
  /** @type {any[]} */
  subscriptions = [];
  /** @type {any[]} */
  customers = [];
  /** Requests that came in, `POST /v1/customers`, repeated ones included. @type {string[]} */
  requests = [];
  /**
   * What goes wrong at a request: it never arrives (`drop`), is not begun (`unavailable`), fails (`error`), or is carried out, and then fails
   * (`error-after`) or is not answered (`drop-after`, `hang-after`). Default: nothing.
   * @type {(request: string) => Trouble | undefined}
   */
  trouble = () => undefined;
  #clock;
  /** @type {Map<string, Remembered>} */
  #remembered = new Map();
  /** @type {Map<string, { id: string, customer: string }>} */
  #attached = new Map();
  #server = createServer((req, res) => void this.#serve(req, res));

  /** @param {() => number} [clock] */
  constructor(clock = Date.now) {
    this.#clock = clock;
  }

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return new URL(`http://127.0.0.1:${port}`);
  }

  async stop() {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
  async #serve(req, res) {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const request = `${req.method} ${req.url}`;
    this.requests.push(request);
    const trouble = this.trouble(request);
    if (trouble === 'drop') return req.socket.destroy();
    if (trouble === 'unavailable') return send(res, BROKEN);
    const key = String(req.headers['idempotency-key'] ?? '');
    const answer = this.#once({ request, key, parameters: String(Buffer.concat(chunks)), trouble });
    if (trouble === 'drop-after') return req.socket.destroy();
    if (trouble !== 'hang-after') send(res, answer);
  }

  /** @param {{ request: string, key: string, parameters: string, trouble: Trouble | undefined }} call */
  #once({ request, key, parameters, trouble }) {
    const now = this.#clock();
    const remembered = this.#remembered.get(key);
    if (key !== '' && remembered && now - remembered.at < KEPT_MS) {
      if (remembered.parameters === request + parameters) return remembered.answer;
      return failed(400, 'idempotency_error', 'Keys can only be used with the same parameters.');
    }
    const done = trouble === 'error' ? BROKEN : this.#carryOut(request, new URLSearchParams(parameters));
    const answer = trouble === 'error-after' ? BROKEN : done;
    if (key !== '') this.#remembered.set(key, { parameters: request + parameters, at: now, answer });
    return answer;
  }

  /**
   * @param {string} request
   * @param {URLSearchParams} sent
   * @returns {Answer}
   */
  #carryOut(request, sent) {
    const given = Object.fromEntries(sent);
    const [, customer] = /^GET \/v1\/customers\/(\w+)\/payment_methods\?/.exec(request) ?? [];
    if (customer) {
      const data = [...this.#attached.values()].filter((card) => card.customer === customer);
      return done({ object: 'list', data });
    }
    const [, card] = /^POST \/v1\/payment_methods\/(\w+)\/attach$/.exec(request) ?? [];
    if (card) return this.#attach(card, String(given['customer']));
    if (request === 'POST /v1/customers') {
      const made = { id: `cus_${this.customers.length + 1}`, object: 'customer', email: given['email'] };
      this.customers.push(made);
      return done(made);
    }
    if (request === 'POST /v1/subscriptions') return this.#subscribe(given);
    return failed(404, 'invalid_request_error', 'Unrecognized request URL.');
  }

  /** @param {string} card @param {string} customer */
  #attach(card, customer) {
    if (card === 'pm_card_declined') return declined();
    if (!card.startsWith('pm_')) return failed(404, 'invalid_request_error', 'No such PaymentMethod.');
    const id = `pm_${createHash('sha256')
      .update(card + customer)
      .digest('hex')
      .slice(0, 16)}`; // a test card gets an id of its own
    if (this.#attached.has(id))
      return failed(400, 'invalid_request_error', 'It is attached to a customer already.');
    const attached = {
      id,
      object: 'payment_method',
      customer,
      declinesAtFirst: card === 'pm_card_declined_once',
    };
    this.#attached.set(id, attached);
    return done(attached);
  }

  /** @param {Record<string, string>} given */
  #subscribe(given) {
    const card = this.#attached.get(String(given['default_payment_method']));
    if (!card || card.customer !== given['customer'])
      return failed(400, 'invalid_request_error', 'The customer has no such payment method.');
    const first = /** @type {{ declinesAtFirst?: boolean }} */ (card);
    if (first.declinesAtFirst) {
      first.declinesAtFirst = false;
      return declined();
    }
    const metadata = Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => {
        const [, member] = /^metadata\[(\w+)\]$/.exec(name) ?? [];
        return member ? [[member, value]] : [];
      }),
    );
    const { customer, trial_end: trialEnd } = given;
    const price = given['items[0][price]'];
    const made = {
      id: `sub_${this.subscriptions.length + 1}`,
      object: 'subscription',
      status: 'trialing',
      customer,
      trial_end: Number(trialEnd),
      items: { data: [{ price: { id: price } }] },
      metadata,
    };
    this.subscriptions.push(made);
    return done(made);
  }
}

/** @param {any} body @returns {Answer} */
const done = (body) => ({ status: 200, body });

/** @param {number} status @param {string} type @param {string} message @returns {Answer} */
const failed = (status, type, message) => ({ status, body: { error: { type, message } } });

const BROKEN = failed(500, 'api_error', 'Something is wrong at Stripe.');

/** @returns {Answer} */
const declined = () => ({
  status: 402,
  body: { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } },
});

/** @param {import('node:http').ServerResponse} res @param {Answer} answer */
function send(res, { status, body }) {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Request-Id': 'req_fake' });
  res.end(JSON.stringify(body));
}
