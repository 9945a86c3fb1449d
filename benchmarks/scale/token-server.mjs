// A token endpoint of OAuth (client credentials, JWT by RS256), limited on demand, and an API that checks its tokens. Forked by tokens.mjs.
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { LIMITS } from './storm.mjs';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEADER = encode({ alg: 'RS256', typ: 'at+jwt' });
let isLetThrough = () => true;

function issue(sub) {
  const iat = Math.floor(Date.now() / 1000);
  const signed = `${HEADER}.${encode({ iss: 'bench', aud: 'orders', sub, iat, exp: iat + 3600 })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

function isValid(token) {
  const [header, claims, signature] = token.split('.');
  const signed = Buffer.from(`${header}.${claims}`);
  if (!verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))) return false;
  const { iss, aud, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
  return iss === 'bench' && aud === 'orders' && exp * 1000 > Date.now();
}

const ROUTES = {
  '/token': (_req, body, answer) => {
    if (!isLetThrough(performance.now())) return answer(429, { error: 'slow_down' }, { 'Retry-After': '1' });
    const form = new URLSearchParams(body);
    answer(200, { access_token: issue(form.get('client_id')), token_type: 'Bearer', expires_in: 3600 });
  },
  '/orders': (req, body, answer) => {
    if (!isValid(req.headers.authorization.slice('Bearer '.length)))
      return answer(401, { error: 'invalid_token' });
    answer(201, { id: 'order-1', accepted: JSON.parse(body).text.length });
  },
};

const server = createServer({ keepAliveTimeout: 600_000 }, async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const answer = (status, value, headers = {}) => {
    const body = JSON.stringify(value);
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers });
    res.end(body);
  };
  ROUTES[req.url](req, Buffer.concat(chunks).toString(), answer);
}).listen(0, '127.0.0.1');
await once(server, 'listening');

process.on('message', ({ perSecond }) => {
  isLetThrough = perSecond ? LIMITS['in each second'](perSecond) : () => true;
  process.send({});
});
process.on('disconnect', () => process.exit());
process.send({ port: server.address().port });
