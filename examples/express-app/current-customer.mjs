import { authOf } from '@private.me/xlink';
import { customerOfIdentity, findCustomer } from './customers.mjs';
import { ApiError } from './errors.mjs';

/**
 * Says in `req.customer` who is calling and what they may do, whichever credential they came with. Behind this line
 * nobody asks about credentials any more.
 * @param {import('./database.mjs').Database} database
 * @returns {import('express').RequestHandler}
 */
export const currentCustomer = (database) => (req, _res, next) => {
  const auth = authOf(req);
  const customer =
    auth?.mode === 'xlink'
      ? customerOfIdentity(database, auth.did)
      : findCustomer(database, String(auth?.customerId));
  if (!customer) throw new ApiError(403, 'This credential belongs to no customer.');
  req.customer = { ...customer, scopes: /** @type {readonly string[]} */ (auth?.scopes) };
  next();
};

/**
 * @param {string} scope
 * @returns {import('express').RequestHandler}
 */
export const requireScope = (scope) => (req, _res, next) => {
  if (!req.customer.scopes.includes(scope)) throw new ApiError(403, `This needs the scope ${scope}.`);
  next();
};
