/** The operator's side of the demo: what an administrator would do by hand or from a console. */
export class Operator {
  #url;
  #token;

  /** @param {string} url @param {string} token */
  constructor(url, token) {
    this.#url = url;
    this.#token = token;
  }

  /**
   * @param {string} name
   * @returns {Promise<{ id: string, apiKey: string }>}
   */
  createCustomer(name) {
    return this.#ask('POST', '/admin/customers', { name });
  }

  /**
   * @param {string} customerId
   * @param {import('@private.me/xlink').KeyRecord} keys
   */
  enroll(customerId, keys) {
    return this.#ask('POST', `/admin/customers/${customerId}/identities`, { keys });
  }

  /** @returns {Promise<{ id: string, name: string, moved: boolean }[]>} */
  async report() {
    return (await this.#ask('GET', '/admin/customers')).customers;
  }

  /** @param {import('@private.me/xlink').Mode} mode @param {string} reason */
  setMode(mode, reason) {
    return this.#ask('PUT', '/admin/mode', { mode, reason });
  }

  /** Refuses keys for some ms, from now on. @param {number} ms */
  brownout(ms) {
    return this.#ask('POST', '/admin/brownouts', { ms });
  }

  /**
   * Clients who are not safe to switch, each with the reason.
   * @returns {Promise<{ client: string, reason: string }[]>}
   */
  async left() {
    return (await this.#ask('GET', '/admin/left')).clients;
  }

  /** Share of xLink among recent requests, 0 to 1, as a dashboard would read it; `NaN` before the first request. */
  async adoption() {
    const text = await (
      await fetch(new URL('/metrics', this.#url), { headers: { Authorization: `Bearer ${this.#token}` } })
    ).text();
    return Number(/^xlink_adoption_ratio (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  /** @param {string} method @param {string} path @param {object} [body] */
  async #ask(method, path, body) {
    const response = await fetch(new URL(path, this.#url), {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const answer = /** @type {any} */ (await response.json());
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.title}`);
    return answer;
  }
}
