const PRODUCTS = ['espresso-1kg', 'filter-250g', 'decaf-500g', 'paper-filters', 'hand-grinder'];

/** @template T @param {readonly T[]} list @returns {T} */
const oneOf = (list) => /** @type {T} */ (list[Math.floor(Math.random() * list.length)]);

/**
 * @typedef {object} Errand
 * @property {string} method
 * @property {string} path
 * @property {unknown} [payload]
 * @property {number} status what the API should answer
 * @property {(answer: any) => void} [done] what to remember of the answer
 */

/** What a client does all day: looks at orders, places some, pays for some, cancels the rest. */
export class Shopper {
  /** @type {number[]} */
  #open = [];
  /** @type {number | undefined} */
  #payment;

  /** @returns {Errand} */
  next() {
    if (this.#open.length === 0) return this.#place();
    if (this.#open.length > 4) return this.#cancel();
    return oneOf([
      this.#list,
      this.#list,
      this.#look,
      this.#receipt,
      this.#place,
      this.#pay,
      this.#cancel,
    ]).call(this);
  }

  /** @returns {Errand} */
  #list() {
    return { method: 'GET', path: '/orders', status: 200 };
  }

  /** @returns {Errand} */
  #look() {
    return { method: 'GET', path: `/orders/${oneOf(this.#open)}`, status: 200 };
  }

  /** @returns {Errand} */
  #place() {
    const payload = { product: oneOf(PRODUCTS), quantity: oneOf([1, 2, 3, 5]) };
    const done = (/** @type {{ id: number }} */ { id }) => this.#open.push(id);
    return { method: 'POST', path: '/orders', payload, status: 201, done };
  }

  /** @returns {Errand} */
  #pay() {
    const payload = { orderId: this.#open.shift(), method: oneOf(['card', 'transfer']) };
    const done = (/** @type {{ id: number }} */ { id }) => {
      this.#payment = id;
    };
    return { method: 'POST', path: '/payments', payload, status: 201, done };
  }

  /** @returns {Errand} */
  #receipt() {
    if (this.#payment === undefined) return this.#list();
    return { method: 'GET', path: `/payments/${this.#payment}`, status: 200 };
  }

  /** @returns {Errand} */
  #cancel() {
    return { method: 'DELETE', path: `/orders/${this.#open.pop()}`, status: 204 };
  }
}
