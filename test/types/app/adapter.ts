import { Agent, DualModeAdapter, MemoryTrustRegistry } from '@private.me/xlink';

/** As a data layer of an application declares it: an interface, found by a promise. */
export interface Customer {
  readonly customerId: string;
  readonly plan: 'free' | 'paid';
  readonly scopes: readonly string[];
}

async function findCustomer(apiKey: string): Promise<Customer | null> {
  return apiKey === 'k' ? { customerId: 'acme', plan: 'paid', scopes: ['*'] } : null;
}

const agent = await Agent.create({ registry: new MemoryTrustRegistry() }).then((created) => {
  if (!created.ok) throw created.error;
  return created.value;
});

export const adapter = new DualModeAdapter({ agent, legacyKeyValidator: findCustomer });

declare module '@private.me/xlink' {
  interface AppTypes {
    adapter: typeof adapter;
  }
}
