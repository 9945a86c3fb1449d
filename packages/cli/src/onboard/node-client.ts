import type { Framework, Project } from './project.js';

/** What the code of a project is written for. */
export interface Connection {
  readonly name: string;
  readonly partner: string;
  readonly partnerUrl: string;
  readonly inboxUrl: string;
  /** What may be sent; the first is the default. */
  readonly scopes: readonly string[];
}

/** In the templates ‹…› is for TypeScript alone. */
const HEAD = `// Written by xlink init; it is yours to change. Sends sealed messages to the partner, and takes those of peers that
// the registry knows. Connection details are in .env; the identity is in the folder XLINK_DIR, and secret.`;

const AGENT = `try {
  process.loadEnvFile();
} catch {
  // there is no .env: the variables are set in another way
}
const { XLINK_DIR = '.xlink', XLINK_PARTNER_DID = '', XLINK_PARTNER_URL = '', XLINK_INBOX_URL = '' } = process.env;

const transport = new HttpsTransportAdapter({ baseUrl: XLINK_PARTNER_URL });

export const agent = new Agent({
  name: NAME,
  identity: () => identityFromFile(\`\${XLINK_DIR}/identity.key\`),
  registry: new FileTrustRegistry({ path: \`\${XLINK_DIR}/registry.jsonl\` }),
  transport,
});

/** Sends a message to the partner. Resolves to its id once the partner has it; throws what is wrong. */
export async function sendToPartner(payload‹: unknown›, scope = SCOPE)‹: Promise<string>› {
  const sent = await agent.send({ to: XLINK_PARTNER_DID, payload, scope });
  if (!sent.ok) throw sent.error;
  return sent.value.envelopeId;
}
`;

const ANSWER = `/** Where messages come in. */
export const inboxPath = new URL(XLINK_INBOX_URL || 'http://localhost/xlink').pathname;

/** In bytes: more than any message has. */
const MAX_BYTES = 2 * 1024 * 1024;

async function answerTo(req‹: IncomingMessage & { originalUrl?: string }›)‹: Promise<Response>› {
  const chunks‹: Buffer[]› = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size <= MAX_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BYTES) return new Response(null, { status: 413 });
  const { method = 'GET', url = '/', originalUrl = url } = req;
  const init = { method, ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}) };
  return transport.handle(new Request(new URL(originalUrl, 'http://localhost'), init));
}
`;

const LISTENER = `/** Answers one request to the inbox, for a server of node:http. Hand it the request before anything reads its body. */
export async function inbox(req‹: IncomingMessage›, res‹: ServerResponse›)‹: Promise<void>› {
  const answer = await answerTo(req);
  res.writeHead(answer.status, Object.fromEntries(answer.headers));
  res.end(Buffer.from(await answer.arrayBuffer()));
}
`;

const HANDLER = '‹: (message: AgentMessage) => void | Promise<void>›';

const IMPORTS = {
  node: [],
  types: "import type { IncomingMessage, ServerResponse } from 'node:http';",
} as const;

interface Template {
  readonly imports: readonly string[];
  /** Imports of types, for TypeScript. */
  readonly types: readonly string[];
  readonly code: string;
  /** How it is used, for the last words. */
  readonly use: string;
}

const withListener = (code: string, use: string): Template => ({
  imports: IMPORTS.node,
  types: [IMPORTS.types],
  code: `${ANSWER}\n${LISTENER}\n${code}`,
  use,
});

const TEMPLATES: Readonly<Record<Framework, Template>> = {
  node: withListener(
    `/** Calls the handler with each message that comes in. */
export function onMessage(handler${HANDLER})‹: void› {
  agent.onMessage(handler);
}
`,
    'onMessage((message) => …), and in your server: if (req.url === inboxPath) return inbox(req, res)',
  ),
  express: withListener(
    `/** Adds the route of the inbox, in front of body parsers. */
export function mountInbox(app‹: { post(path: string, handler: typeof inbox): unknown }›, handler${HANDLER})‹: void› {
  agent.onMessage(handler);
  app.post(inboxPath, inbox);
}
`,
    'mountInbox(app, (message) => …), before app.use(express.json())',
  ),
  nest: withListener(
    `/** Adds the route of the inbox; in main.ts, before app.listen(). For the platform of Express. */
export function mountInbox(app‹: { use(path: string, handler: typeof inbox): unknown }›, handler${HANDLER})‹: void› {
  agent.onMessage(handler);
  app.use(inboxPath, inbox);
}
`,
    'mountInbox(app, (message) => …) in main.ts, before app.listen()',
  ),
  koa: {
    imports: IMPORTS.node,
    types: ["import type { IncomingMessage } from 'node:http';"],
    code: `${ANSWER}
‹interface Context {
  readonly method: string;
  readonly path: string;
  readonly req: IncomingMessage;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

›/** Middleware for the inbox; use it in front of body parsers. */
export function inbox(handler${HANDLER}) {
  agent.onMessage(handler);
  return async (ctx‹: Context›, next‹: () => Promise<unknown>›)‹: Promise<void>› => {
    if (ctx.method !== 'POST' || ctx.path !== inboxPath) return void (await next());
    const answer = await answerTo(ctx.req);
    ctx.status = answer.status;
    ctx.set(Object.fromEntries(answer.headers));
    ctx.body = Buffer.from(await answer.arrayBuffer());
    if (answer.status === 204) ctx.body = null;
  };
}
`,
    use: 'app.use(inbox((message) => …)), before body parsers',
  },
  fastify: {
    imports: IMPORTS.node,
    types: [
      "import type { IncomingMessage } from 'node:http';",
      "import type { FastifyInstance } from 'fastify';",
    ],
    code: `${ANSWER}
/** Adds the route of the inbox. */
export function mountInbox(app‹: FastifyInstance›, handler${HANDLER})‹: void› {
  agent.onMessage(handler);
  app.addContentTypeParser('application/xlink-envelope', (_request, _payload, done) => done(null)); // it is read below
  app.post(inboxPath, async (request, reply) => {
    const answer = await answerTo(request.raw);
    reply.code(answer.status).headers(Object.fromEntries(answer.headers));
    return reply.send(answer.status === 204 ? undefined : Buffer.from(await answer.arrayBuffer()));
  });
}
`,
    use: 'mountInbox(app, (message) => …), before app.listen()',
  },
  hono: {
    imports: [],
    types: ["import type { Hono } from 'hono';"],
    code: `/** Where messages come in. */
export const inboxPath = new URL(XLINK_INBOX_URL || 'http://localhost/xlink').pathname;

/** Adds the route of the inbox. */
export function mountInbox(app‹: Hono›, handler${HANDLER})‹: void› {
  agent.onMessage(handler);
  app.post(inboxPath, (c) => transport.handle(c.req.raw));
}
`,
    use: 'mountInbox(app, (message) => …)',
  },
};

const ROOT =
  "import { Agent, FileTrustRegistry, HttpsTransportAdapter, identityFromFile } from '@private.me/xlink';";
const ROOT_TYPES = "import type { AgentMessage } from '@private.me/xlink';";

/** The file that connects a project: its name, its text, and how it is used. */
export function nodeClient(project: Project, { name, scopes }: Connection) {
  const { framework, isTypeScript, isEsm, folder } = project;
  const { imports, types, code, use } = TEMPLATES[framework];
  const [scope = '*'] = scopes;
  const values = { NAME: `'${name}'`, SCOPE: `'${scope === '*' ? 'default' : scope}'` };
  const body = `${AGENT}\n${code}`.replace(
    /\b(NAME|SCOPE)\b/g,
    (mark) => values[mark as keyof typeof values],
  );
  const typed = isTypeScript ? body.replace(/[‹›]/g, '') : body.replace(/‹[^›]*›/g, '');
  const lines = [...imports, ...(isTypeScript ? types : []), ROOT, ...(isTypeScript ? [ROOT_TYPES] : [])];
  const isRequired = !isTypeScript && !isEsm;
  const text = [
    HEAD,
    (isRequired ? lines.map(required) : lines).join('\n'),
    '',
    isRequired ? unexported(typed) : typed,
  ];
  return { path: `${folder}xlink-client.${isTypeScript ? 'ts' : 'js'}`, text: text.join('\n'), use };
}

const required = (line: string): string =>
  line.replace(/^import (\{.*\}) from ('.*');$/, 'const $1 = require($2);');

/** CommonJS has its exports at the end. */
function unexported(code: string): string {
  const names = [...code.matchAll(/^export (?:async )?(?:const|function) (\w+)/gm)].map(([, name]) => name);
  return `${code.replace(/^export /gm, '')}\nmodule.exports = { ${names.join(', ')} };\n`;
}
