import { Router } from 'express';
import { requireScope } from './current-customer.mjs';
import { ApiError } from './errors.mjs';
import { findOrder } from './orders.mjs';

const METHODS = ['card', 'transfer'];
const COLUMNS = 'id, order_id AS orderId, method, amount_cents AS amountCents, created_at AS createdAt';

/** @param {import('./database.mjs').Database} database */
export function payments(database) {
  const router = Router();

  router.post('/', requireScope('payments:write'), (req, res) => {
    const { orderId, method } = req.body ?? {};
    if (!METHODS.includes(method)) throw new ApiError(422, `method is one of ${METHODS.join(', ')}.`);
    const order = findOrder(database, req.customer.id, orderId);
    if (order.status === 'paid') throw new ApiError(409, 'The order is paid already.');
    const { lastInsertRowid } = database.run(
      'INSERT INTO payments (order_id, customer_id, method, amount_cents, created_at) VALUES (?, ?, ?, ?, ?)',
      [order.id, req.customer.id, method, order.amountCents, Date.now()],
    );
    const payment = findPayment(database, req.customer.id, String(lastInsertRowid));
    res.status(201).location(`/payments/${payment.id}`).json(payment);
  });

  router.get('/:id', requireScope('payments:read'), (req, res) => {
    res.json(findPayment(database, req.customer.id, String(req.params.id)));
  });

  return router;
}

/**
 * @param {import('./database.mjs').Database} database
 * @param {string} customerId
 * @param {string} id
 */
function findPayment(database, customerId, id) {
  const row = database.get(`SELECT ${COLUMNS} FROM payments WHERE id = ? AND customer_id = ?`, [
    Number(id),
    customerId,
  ]);
  if (!row) throw new ApiError(404, 'There is no such payment.');
  return row;
}
