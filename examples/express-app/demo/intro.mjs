import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { paint } from './paint.mjs';

const SIGN = relative(process.cwd(), fileURLToPath(new URL('../sign.mjs', import.meta.url)));

/**
 * Where to look, and what to type in another terminal.
 * @param {string} url
 * @param {string} apiKey
 * @param {string} password
 */
export const intro = (url, apiKey, password) => `
  ${paint.bold('Orders and payments API')} on ${paint.cyan(url)}. Ctrl-C stops it.
  Dashboard: ${paint.cyan(`${url}/dashboard`)}  user operator  password ${paint.cyan(password)}

  From another terminal: by API key, by xLink, by xLink with a sealed body:

  ${paint.cyan(`curl -H 'X-API-Key: ${apiKey}' ${url}/orders`)}
  ${paint.cyan(`curl ${url}/orders \\
    -H "Authorization: Xlink $(node ${SIGN} GET /orders)"`)}
  ${paint.cyan(`node ${SIGN} --seal POST /orders \\
    '{"product":"decaf-500g","quantity":1}' | curl --data-binary @- \\
    -H 'Content-Type: application/xlink-envelope' ${url}/orders`)}
`;
