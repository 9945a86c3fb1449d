import { writeFileSync } from 'node:fs';
import { createKeyRecord, generateIdentity } from '@private.me/xlink';
import { createXlinkClient } from '../xlink-client.mjs';
import { visitorFile } from './running.mjs';

/**
 * You, who type curl in another terminal: a customer with both an API key and an identity, and an order to look at.
 * @param {import('./operator.mjs').Operator} operator
 * @param {{ url: string, serviceDid: string, folder: string }} demo
 */
export async function welcomeVisitor(operator, { url, serviceDid, folder }) {
  const { id, apiKey } = await operator.createCustomer('visitor');
  await placeOrder(url, apiKey);
  const identity = await generateIdentity();
  if (!identity.ok) throw identity.error;
  await operator.enroll(id, await createKeyRecord(identity.value));
  const pkcs8 = identity.value.exportPKCS8();
  writeFileSync(visitorFile(folder), pkcs8, { mode: 0o600 });
  const { call } = await createXlinkClient({ url, serviceDid, pkcs8 });
  return { apiKey, call };
}

/** @param {string} url @param {string} apiKey */
const placeOrder = (url, apiKey) =>
  fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ product: 'espresso-1kg', quantity: 2 }),
  });
