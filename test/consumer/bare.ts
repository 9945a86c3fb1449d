// Someone who uses neither Express, Koa, prom-client nor OpenTelemetry, and has none of their types.
import { Agent, LoopbackTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { openTelemetry } from '@private.me/xlink/opentelemetry';

async function main(): Promise<void> {
  const registry = new MemoryTrustRegistry();
  const transport = new LoopbackTransport();
  const agent: Agent = await Agent.quickstart({ name: 'Solo', registry, transport });
  if (!agent.did.startsWith('did:key:')) throw new Error(`not a did:key: ${agent.did}`);
  if (await openTelemetry().ready) throw new Error('OpenTelemetry is not installed');
}

main();
