import type { ServiceAgent } from '../agent/service-agent.js';
import type { ApiKeyAuth, InboundRequest } from '../http/decision.js';
import type { AuditSink } from '../types/audit.js';
import type { Observer } from '../types/events.js';
import type { Mode } from '../types/mode.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { EnrollmentVerifier, Tracer } from '../types/ports.js';
import type { ClientId, Clock, Scope } from '../types/protocol.js';
import type { AmountOf } from './amount-of.js';
import type { LegacyKeyValidator } from './api-key-validator.js';
import type { AdapterAudit } from './audit-option.js';
import type { BodyLimit } from './body-limits.js';
import type { ClientLimits } from './client-limits/client-limits.js';
import type { OnDowngrade } from './clients/clients.js';
import type { ClientStore } from './clients/store.js';
import type { ApiKeySources } from './credentials.js';
import type { DeprecationOptions } from './deprecation.js';
import type { KeyUseOptions } from './key-use/key-use.js';
import type { Brownout } from './modes/brownouts.js';
import type { RouteMode } from './modes/policy.js';
import type { OperationsStore } from './operations/store.js';
import type { RouteEncryption } from './route-encryption.js';
import type { SessionOptions } from './sessions-option.js';

/** `Customer` is inferred from `legacyKeyValidator`: what it returns for a key that is good. */
export interface DualModeOptions<Customer extends object = object> {
  /** The identity of the API: envelopes are addressed to its DID. */
  readonly agent: ServiceAgent;
  /** The application's own check of API keys. */
  readonly legacyKeyValidator: LegacyKeyValidator<Customer>;
  /**
   * Default `observe`: keys decide, as before the adapter was there; envelopes are verified and counted beside them.
   * `hybrid` takes both, `deprecation` warns those who use keys, `xlink-only` refuses keys.
   */
  readonly mode?: Mode;
  /** Where keys are looked for. Default: `X-API-Key`, then `Authorization: ApiKey` and `Authorization: Bearer`. */
  readonly apiKey?: ApiKeySources;
  /** Dates and link for the headers of `deprecation` and the refusals of `xlink-only`. Default: no date and no link. */
  readonly deprecation?: DeprecationOptions;
  /** Refuses envelopes that are not bound to method, path and query. Default `true`. */
  readonly requireRequestBinding?: boolean;
  /** Accepts signed-only envelopes in bodies. Default `false`. Envelopes in headers are always signed only. */
  readonly allowCleartext?: boolean;
  /**
   * Takes requests that are signed by RFC 9421 in the place of envelopes, from callers without a library of ours (docs/signatures.md).
   * They are not encrypted, and neither are the answers. Default `false`.
   */
  readonly signatures?: boolean;
  /**
   * Lets clients open sessions: one signed handshake, and then requests that are encrypted, single-use, scoped and revocable as before at
   * the price of symmetric cryptography. A request in a session is not signed: it proves its sender to this service, and to nobody else.
   * `true`, or options such as `{ never: ['payments'] }`. Default `false`.
   */
  readonly sessions?: boolean | SessionOptions;
  /**
   * Parts of the API that take only what is encrypted end to end, such as `[{ path: '/payments', encryption: 'required' }]`. There
   * signatures, bodies beside an envelope and callers that ask for no sealed answer are refused (`ENCRYPTION_REQUIRED`) before
   * their nonces are used. API keys are a matter of `routeModes`. Default none.
   */
  readonly routeEncryption?: readonly RouteEncryption[];
  /** Largest envelope in a body, in bytes; that of the agent counts as well. Default 1.5 MiB. */
  readonly maxEnvelopeBytes?: number;
  /** Largest body beside an envelope in a header, in bytes: it is held in memory until its digest is checked. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * How large bodies may be in parts of the API, such as `[{ path: '/uploads', methods: ['POST'], maxBytes: 50 * 1024 * 1024 }]`, in
   * the place of the two above and of the agent's limit. Such a body is held in memory, sealed and opened. Default none.
   */
  readonly bodyLimits?: readonly BodyLimit[];
  /**
   * Bytes of enveloped bodies held at once while their signatures are not verified, in each process. An address may hold as
   * much as stays free, so at most half; what does not fit is refused with `INTAKE_FULL` before it is read. At least twice
   * the largest envelope that is taken anywhere. Default 32 MiB, or four times that if it is more.
   */
  readonly maxUnauthenticatedBytes?: number;
  /**
   * Refusals of one address that are answered without waiting, per second, in each process; 64 KiB of a body count as one
   * more. Further ones are answered up to two seconds late, so that a flood waits for its own answers. Nothing that is
   * accepted waits, nor does a caller that is known, or one whose key is good and no longer taken. Default 100.
   */
  readonly refusalsPerSecond?: number;
  /**
   * The IP address that counts for both. Default: the other end of the connection, so behind a proxy all callers share one
   * part: return what that proxy says, and only if nobody gets past it. `(request) => (request.raw as Request).ip` in
   * Express with `trust proxy`. `undefined` means the default. All of an IPv6 /64 is one address.
   */
  readonly addressOf?: (request: InboundRequest) => string | undefined;
  /**
   * Path and query as the client saw them, for APIs behind a proxy that rewrites paths: modes, limits and all other options that name
   * a path go by it. The routes of the library, such as `/.well-known/xlink.json`, are also answered as they come. Default: the framework's original URL.
   */
  readonly requestTarget?: (request: InboundRequest) => string;
  /**
   * Headers that only the API's own proxies may set, such as `x-internal-user`; `*` at the end of a name stands for anything.
   * A caller that seals or signs one is refused (`FIELD_NOT_ALLOWED`), for it would replace what the proxy says. The
   * well-known ones (`x-forwarded-*`, `x-real-*`, `cf-*` and others, see docs/PROTOCOL.md 12.1) count always. Default: none
   * but those.
   */
  readonly proxyHeaders?: readonly string[];
  /**
   * Hosts under which callers reach the API, such as `api.example.com`, for the signed discovery document: callers take none that
   * speaks for others. Set it in production. Default: the one that the request for the document names, so that strangers get one
   * signed for any host they name; up to 20 new ones a minute for an address, 60 for all, and without limit for those that
   * authenticated requests came for. A `warning` event says so when one of them is not this machine.
   */
  readonly hosts?: readonly string[];
  /**
   * Paths that are answered without credentials, so that clients take plain answers from them; `/*` at the end stands for all
   * below. For the discovery document only: `skip` decides which requests are let through. Default none.
   */
  readonly publicPaths?: readonly string[];
  /**
   * Serves the agent's Ed25519 key at `/.well-known/http-message-signatures-directory`, signed, for those that recognize signers by
   * Web Bot Auth (docs/signatures.md). Needs `hosts`. Default `false`.
   */
  readonly keyDirectory?: boolean;
  /**
   * Requests that are let through without any credentials, such as health checks: those for which it returns `true`. Default none;
   * browsers' preflights always are. It answers at once, as all callbacks of the adapter but the validator do: a promise, or a
   * value of another type, is a `fault` event and 500.
   */
  readonly skip?: (request: InboundRequest) => boolean;
  /** How long the validator may take, in ms. Default 5000. */
  readonly validatorTimeoutMs?: number;
  /** Adds hint and field to problem bodies. Default `false`. */
  readonly exposeDetails?: boolean;
  /** `realm` in WWW-Authenticate. Default `api`. */
  readonly realm?: string;
  /** Modes of their own for parts of the API. Guards such as `requireXlink()` on the route itself are stricter. Default none. */
  readonly routeModes?: readonly RouteMode[];
  /** Modes of their own for clients, by the validator's id. Needs `clients`. Default none. */
  readonly clientModes?: Readonly<Record<ClientId, Mode>>;
  /** Times in which keys are refused while the mode is `deprecation`. Default none. */
  readonly brownouts?: readonly Brownout[];
  /** Keeps what is known about each client, for the cut-over report, enrollment and client modes. Default: nothing is kept. */
  readonly clients?: ClientStore;
  /**
   * The id of the client a key belongs to, from what the validator returned: a text, or a number that counts as one.
   * Default: `clientId`, `customerId`, `userId` or `id`.
   */
  readonly clientId?: (auth: ApiKeyAuth<NoInfer<Customer>>) => ClientId | undefined;
  /** The scopes that a DID inherits when it is enrolled with a key. Default: `scopes`; absent means none. */
  readonly clientScopes?: (auth: ApiKeyAuth<NoInfer<Customer>>) => readonly Scope[] | undefined;
  /** What happens when a client that works on xLink uses its key again. Default `report`: a `downgrade` event. */
  readonly onDowngrade?: OnDowngrade;
  /** DIDs a client may have at a time, in all instances together. Default 20. */
  readonly maxDidsPerClient?: number;
  /**
   * How long an enrollment is good, in ms; an identity renews it by enrolling again before it ends, with or without a key.
   * Default: it does not end. Where enrollments end, no envelope is accepted while `clients` is down.
   */
  readonly enrollmentValidMs?: number;
  /**
   * Until when the key that enrolls a DID vouches for it; the earlier of the two times counts. Only a key renews such an
   * enrollment. `undefined`: no end of this kind. Default: no end.
   */
  readonly enrollmentValidUntil?: (auth: ApiKeyAuth<NoInfer<Customer>>) => Date | undefined;
  /**
   * Nonces of one client that may live at a time, all of its DIDs together, in each process: envelopes of the last six to
   * eight minutes, with the default time window. A DID that is not enrolled counts for itself. More are refused
   * with 429 and `Retry-After` before they are claimed. Default 100 000, which is more than 200 requests a second.
   */
  readonly maxNoncesPerClient?: number;
  /**
   * Other ways to enroll than with an API key or an invitation: each takes introductions whose payload has the member that it names.
   * Needs `clients`. Default none.
   */
  readonly enrollment?: readonly EnrollmentVerifier[];
  /** Enrollments a client may try per minute, in each process. Default 10. */
  readonly enrollmentsPerMinute?: number;
  /**
   * How many requests each client may send, by key, envelope and signature together; more are refused with `CLIENT_LIMIT_EXCEEDED` (429,
   * `Retry-After`). Answers carry `RateLimit` and `RateLimit-Policy`. Requests that are refused for another reason count
   * nothing, and neither do the routes of the library. Default: no limit, and nothing is counted.
   */
  readonly clientLimits?: ClientLimits;
  /**
   * Decides whether a request may go on, once its sender is known and counted: by key, envelope, session and signature alike. A
   * {@link PolicyEngine}, or anything else that decides, such as a {@link CedarDecisionPoint}. Refusals are `POLICY_…`; what it tells
   * is told to observers. Not for the routes of the library. Default: the `policy` of the agent, if that is one; else all is allowed.
   */
  readonly policy?: PolicyDecisionPoint;
  /**
   * How much a request is about, for rules of the policy that ask for amounts. `payload`: the JSON that was sealed, `undefined` for keys
   * and for bodies beside an envelope. `'unknown'` counts against the caller. Default: the member `amount` of the payload, if that is a number;
   * a payload without it is unknown, and so is a body that was not sealed. An empty one is about no amount.
   */
  readonly amountOf?: AmountOf;
  /** How long a client may switch its own key on again, in ms. Default one day. */
  readonly keySwitchGraceMs?: number;
  /** How long counts are held back before they are written to `clients`, in ms. Default 5000. */
  readonly clientFlushIntervalMs?: number;
  /**
   * Where invitations are kept, and what `keyUse` finds out: `FileOperationsStore`, `RedisOperationsStore`, `PostgresOperationsStore`.
   * Default: in the memory of this process, so that a restart forgets them and other instances do not know them.
   */
  readonly operations?: OperationsStore;
  /**
   * An audit log: gets an entry, with the signed envelope, for every request that is let through, for each that is refused to a
   * caller that is known, and for changes of modes, enrollments, revocations, rotations of keys and what operators do. Default none.
   */
  readonly audit?: AuditSink | AdapterAudit;
  /**
   * Keeps which programs still send the key of each client: product and version of the User-Agent, routes, and the network of the last
   * address (/24 of IPv4, /48 of IPv6), at most 20 programs with 20 routes each, and requests by the hour for seven days. In the report
   * and `adapter.preview()`. `true`, or what of it is to be kept. Needs `clients`. Default `false`: nothing of it is looked at.
   */
  readonly keyUse?: boolean | KeyUseOptions;
  /**
   * How many processes serve this API. Default 1, or several if this one is a worker of Node's cluster or under PM2 not the
   * first. With several, a `MemoryNonceStore` is a `warning` event, and an error in `xlink-only`. A number that is given
   * counts more than what was found out: 1 says that no other process takes envelopes for this agent.
   */
  readonly instances?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /** Told about requests, mode changes and faults; metrics and logs are observers. Default none. */
  readonly observers?: readonly Observer[];
  /** Opens a span around each authentication, as `openTelemetry()` does. Default: none. */
  readonly tracer?: Tracer;
}
