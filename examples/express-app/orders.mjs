import express, { Router } from 'express';
import { requireScope } from './current-customer.mjs';
import { ApiError } from './errors.mjs';

/** Cents. */
const PRICES = new Map([
  ['espresso-1kg', 2190],
  ['filter-250g', 890],
  ['decaf-500g', 1290],
  ['paper-filters', 450],
  ['hand-grinder', 12900],
]);
const COLUMNS = `id, product, quantity, amount_cents AS amountCents, created_at AS createdAt,
  iif(EXISTS (SELECT 1 FROM payments WHERE order_id = orders.id), 'paid', 'open') AS status`;

/** @param {import('./database.mjs').Database} database */
export function orders(database) {
  const router = Router();

  router.get('/', requireScope('orders:read'), (req, res) => {
    const sql = `SELECT ${COLUMNS} FROM orders WHERE customer_id = ? ORDER BY id DESC LIMIT 20`;
    res.json({ orders: database.all(sql, req.customer.id) });
  });

  router.get('/:id', requireScope('orders:read'), (req, res) => {
    res.json(findOrder(database, req.customer.id, String(req.params.id)));
  });

  router.post('/', requireScope('orders:write'), (req, res) => {
    const { product, quantity } = req.body ?? {};
    const price = PRICES.get(product);
    if (price === undefined) throw new ApiError(422, `product is one of ${[...PRICES.keys()].join(', ')}.`);
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1000)
      throw new ApiError(422, 'quantity is a whole number from 1 to 1000.');
    const { lastInsertRowid } = database.run(
      'INSERT INTO orders (customer_id, product, quantity, amount_cents, created_at) VALUES (?, ?, ?, ?, ?)',
      [req.customer.id, product, quantity, price * quantity, Date.now()],
    );
    const order = findOrder(database, req.customer.id, String(lastInsertRowid));
    res.status(201).location(`/orders/${order.id}`).json(order);
  });

  router.put(
    '/:id/document',
    requireScope('orders:write'),
    express.raw({ type: '*/*', limit: '1mb' }),
    (req, res) => {
      const { id } = findOrder(database, req.customer.id, String(req.params.id));
      if (!Buffer.isBuffer(req.body)) throw new ApiError(415, 'A document is bytes, and no JSON.');
      const type = req.get('content-type') ?? 'application/octet-stream';
      database.run('INSERT OR REPLACE INTO documents (order_id, type, bytes) VALUES (?, ?, ?)', [
        id,
        type,
        req.body,
      ]);
      res.status(201).json({ id, type, bytes: req.body.length });
    },
  );

  router.get('/:id/document', requireScope('orders:read'), (req, res) => {
    const { id } = findOrder(database, req.customer.id, String(req.params.id));
    const row = database.get('SELECT type, bytes FROM documents WHERE order_id = ?', id);
    if (!row) throw new ApiError(404, 'The order has no document.');
    res.type(String(row.type)).send(Buffer.from(/** @type {Uint8Array} */ (row.bytes)));
  });

  router.delete('/:id', requireScope('orders:write'), (req, res) => {
    const order = findOrder(database, req.customer.id, String(req.params.id));
    if (order.status === 'paid') throw new ApiError(409, 'The order is paid.');
    database.run('DELETE FROM orders WHERE id = ?', order.id);
    res.status(204).end();
  });

  return router;
}

/**
 * An order of this customer; those of others do not exist as far as it is concerned.
 * @param {import('./database.mjs').Database} database
 * @param {string} customerId
 * @param {string} id
 */
export function findOrder(database, customerId, id) {
  const row = database.get(`SELECT ${COLUMNS} FROM orders WHERE id = ? AND customer_id = ?`, [
    Number(id),
    customerId,
  ]);
  if (!row) throw new ApiError(404, 'There is no such order.');
  return /** @type {{ id: number, amountCents: number, status: string }} */ (row);
}
