// The type that a validator returns, on its way to `authOf`. Compiled and never run.
import {
  type Agent,
  type DualModeAdapter as AnyAdapter,
  type ApiKeyAuth,
  type Auth,
  authOf,
  DualModeAdapter,
  type DualModeOptions,
  type LegacyKeyValidator,
  MigrationPlan,
  type ModeStore,
  SharedMode,
  type XlinkAuth,
} from '@private.me/xlink';
import type { Equal, Expect } from './expect.js';

interface Customer {
  readonly customerId: string;
  readonly plan: 'free' | 'paid';
}

declare const agent: Agent;
declare const req: object;
declare const store: ModeStore;
declare const findCustomer: (apiKey: string) => Promise<Customer | null>;

const adapter = new DualModeAdapter({ agent, legacyKeyValidator: findCustomer });
const known = adapter.authOf(req);
const claimed = authOf<typeof adapter>(req);
type _Known = Expect<Equal<typeof known, XlinkAuth | ApiKeyAuth<Customer> | undefined>>;
type _Claimed = Expect<Equal<typeof claimed, typeof known>>;

if (known?.mode === 'api-key') {
  const plan: 'free' | 'paid' = known.plan;
  // @ts-expect-error no such member
  void known.plann;
  // @ts-expect-error what the adapter found is not changed
  known.plan = 'paid';
  void plan;
} else if (known) {
  const did: string = known.did;
  // @ts-expect-error envelopes have no plan
  void known.plan;
  void did;
}

// Without a claim every member is unknown, as it is where the options are not typed.
const unknown = authOf(req);
type _Unknown = Expect<Equal<typeof unknown, Auth | undefined>>;
if (unknown?.mode === 'api-key') {
  const plan: unknown = unknown.plan;
  // @ts-expect-error it may be anything
  const text: string = unknown.plan;
  void [plan, text];
}
declare const options: DualModeOptions;
const untyped = new DualModeAdapter(options);
type _Untyped = Expect<Equal<typeof untyped, AnyAdapter>>;

// All forms of a validator: at once, later, written in place, one of several kinds of customers, no customer at all.
const inPlace = new DualModeAdapter({
  agent,
  legacyKeyValidator: (key) => (key === 'k' ? { customerId: 'acme', seats: 5 } : null),
  clientId: (auth) => auth.customerId,
  // @ts-expect-error no such member
  clientScopes: (auth) => auth.scopess,
});
const inPlaceAuth = inPlace.authOf(req);
if (inPlaceAuth?.mode === 'api-key') void (inPlaceAuth.seats satisfies number);

const later = new DualModeAdapter({
  agent,
  legacyKeyValidator: async (key) => (key === 'k' ? { customerId: 'acme' } : undefined),
});
const laterAuth = later.authOf(req);
if (laterAuth?.mode === 'api-key') void (laterAuth.customerId satisfies string);

declare const ofTwoKinds: LegacyKeyValidator<{ person: string } | { company: string; vat: string }>;
const two = new DualModeAdapter({ agent, legacyKeyValidator: ofTwoKinds });
const twoAuth = two.authOf(req);
if (twoAuth?.mode === 'api-key' && 'company' in twoAuth) void (twoAuth.vat satisfies string);

new DualModeAdapter({ agent, legacyKeyValidator: () => null });
new DualModeAdapter<Customer>({ agent, legacyKeyValidator: findCustomer });
// @ts-expect-error another type than the validator returns
new DualModeAdapter<{ userId: string }>({ agent, legacyKeyValidator: findCustomer });
// @ts-expect-error a string does not say who the caller is
new DualModeAdapter({ agent, legacyKeyValidator: (key: string) => key });

// A member `mode` of the customer is replaced by that of the adapter.
declare const withMode: LegacyKeyValidator<{ mode: 'live' | 'test'; id: string }>;
const modes = new DualModeAdapter({ agent, legacyKeyValidator: withMode }).authOf(req);
if (modes?.mode === 'api-key') void (modes.id satisfies string);

// A typed adapter goes wherever any adapter goes.
const any: AnyAdapter = adapter;
new MigrationPlan({ adapter });
new SharedMode({ adapter, store });
void any;

// @ts-expect-error a typo
new DualModeAdapter({ agent, legacyKeyValidator: findCustomer, exposeDetail: true });
// @ts-expect-error a mode that does not exist
new DualModeAdapter({ agent, legacyKeyValidator: findCustomer, mode: 'xlink' });
// @ts-expect-error an option is missing
new DualModeAdapter({ agent });
