// Someone who uses neither Express, Koa nor prom-client, and has none of their types.
import { Agent, LoopbackTransport, MemoryTrustRegistry } from '@private.me/xlink';

async function main(): Promise<void> {
  const registry = new MemoryTrustRegistry();
  const transport = new LoopbackTransport();
  const agent: Agent = await Agent.quickstart({ name: 'Solo', registry, transport });
  if (!agent.did.startsWith('did:key:')) throw new Error(`not a did:key: ${agent.did}`);
}

main();
