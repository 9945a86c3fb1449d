// Makes the test vectors beside it. From the root of the repository: node test/vectors/generate.mjs
// Everything is fixed (seeds, clock, randomness), so running it again changes no byte.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { answerFile } from './cases/answers.mjs';
import { sessionCheckpointFile } from './cases/checkpoints.mjs';
import { discoveryFile } from './cases/discovery.mjs';
import { envelopeFiles } from './cases/envelopes.mjs';
import { identityFile } from './cases/identity.mjs';
import { keyRecordFile } from './cases/key-records.mjs';
import { receiptFile } from './cases/receipts.mjs';
import { requestBindingFile } from './cases/request-binding.mjs';
import {
  sessionHandshakeFile,
  sessionMessageFile,
  sessionReplyFile,
  sessionRequestFile,
} from './cases/sessions.mjs';
import { shareFile } from './cases/shares.mjs';
import { signatureAnswerFile } from './cases/signature-answers.mjs';
import { signatureRequestFile } from './cases/signature-requests.mjs';
import { successionFile } from './cases/successions.mjs';

/** File name -> text. */
export function generate() {
  const files = {
    ...envelopeFiles(),
    'answers.json': answerFile(),
    'shares.json': shareFile(),
    'session/handshake.json': sessionHandshakeFile(),
    'session/requests.json': sessionRequestFile(),
    'session/messages.json': sessionMessageFile(),
    'session/replies.json': sessionReplyFile(),
    'session/checkpoints.json': sessionCheckpointFile(),
    'key-record.json': keyRecordFile(),
    'succession.json': successionFile(),
    'discovery.json': discoveryFile(),
    'receipts.json': receiptFile(),
    'identity.json': identityFile(),
    'request-binding.json': requestBindingFile(),
    'signature/requests.json': signatureRequestFile(),
    'signature/answers.json': signatureAnswerFile(),
  };
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, `${print(content)}\n`]));
}

const WIDTH = 110;

/** JSON as the formatter of this repository leaves it: two spaces, lists of texts and numbers on one line if they fit. */
function print(value, indent = '', before = indent.length) {
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('hex'));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item) => print(item)).join(', ')}]`;
    const isFlat = value.every((item) => typeof item !== 'object' || Array.isArray(item));
    if (isFlat && before + line.length <= WIDTH) return line;
    return `[\n${value.map((item) => deeper + print(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  const lines = members.map(([name, member], at) => {
    const start = `${deeper}${JSON.stringify(name)}: `;
    const comma = at < members.length - 1 ? 1 : 0;
    return start + print(member, deeper, start.length + comma);
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, text] of Object.entries(generate())) {
    writeFileSync(new URL(name, import.meta.url), text);
    console.log(`${name}: ${text.length} characters`);
  }
}
