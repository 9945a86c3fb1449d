/**
 * The script of the page: makes an Ed25519 identity, signs the acceptance as `agent.sign` does (LP of the label, the context and the
 * SHA-256 of the text; docs/PROTOCOL.md section 8.1), and hands it in. No key leaves the browser but in the file that is saved.
 */
export const PAGE_SCRIPT = String.raw`const button = document.getElementById('accept');
const status = document.getElementById('status');
const encoder = new TextEncoder();

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
function base58(bytes) {
  let number = 0n;
  for (const byte of bytes) number = number * 256n + BigInt(byte);
  let text = '';
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  return text;
}

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
const base64url = (bytes) => base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

function lengthPrefixed(parts) {
  const bytes = [];
  for (const part of parts) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    bytes.push(...length, ...part);
  }
  return new Uint8Array(bytes);
}

async function accept({ code, id, server }) {
  if (!crypto.subtle) throw new Error('Open this page over https: this browser makes no keys without.');
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const did = 'did:key:z' + base58(new Uint8Array([0xed, 0x01, ...publicKey]));
  const context = 'xlink-invite-acceptance/1';
  const text = JSON.stringify({ type: context, server, code: id, did });
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)));
  const signed = lengthPrefixed([encoder.encode('xlink/1 application'), encoder.encode(context), digest]);
  const signature = base64url(new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, signed)));
  const response = await fetch('/v1/invite/' + encodeURIComponent(code) + '/accept', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text, signature }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.title ?? 'The server refused.');
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const pem = '-----BEGIN PRIVATE KEY-----\n' + base64(pkcs8) + '\n-----END PRIVATE KEY-----\n';
  return { did, pem };
}

button.addEventListener('click', async () => {
  button.disabled = true;
  status.textContent = 'Connecting…';
  try {
    const { did, pem } = await accept(button.dataset);
    document.getElementById('did').textContent = did;
    document.getElementById('download').href = URL.createObjectURL(
      new Blob([pem], { type: 'application/x-pem-file' }),
    );
    document.getElementById('result').hidden = false;
    button.hidden = true;
    status.textContent = 'Accepted.';
  } catch (error) {
    status.textContent = error.message;
    button.disabled = false;
  }
});
`;
