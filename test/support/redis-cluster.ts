import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, RedisServer, type RedisServerOptions } from './redis-server.js';
import { until } from './until.js';

const SLOTS = 16_384;
/** Nodes talk to each other on their port and so much. */
const BUS = 10_000;

/** Several masters that share the keys. Stopped after the tests of the file at the latest. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** Resolves once every node agrees that the cluster is whole. */
  static async start(masters = 3, options: RedisServerOptions = {}): Promise<RedisCluster> {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...(options.args ?? [])];
    const nodes: RedisServer[] = [];
    for (let at = 0; at < masters; at++)
      nodes.push(await RedisServer.start({ ...options, args }, freePortWithBus));
    for (const [at, node] of nodes.entries()) {
      const from = Math.floor((SLOTS * at) / masters);
      const to = Math.floor((SLOTS * (at + 1)) / masters);
      const slots = Array.from({ length: to - from }, (_, nth) => String(from + nth));
      await node.cli('CLUSTER', 'ADDSLOTS', ...slots);
      await node.cli('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
    }
    for (const { port } of nodes.slice(1)) await nodes[0]!.cli('CLUSTER', 'MEET', '127.0.0.1', String(port));
    const cluster = new RedisCluster(nodes);
    await until(() => cluster.#isWhole(), { withinMs: 20_000, what: 'the cluster to be whole' });
    return cluster;
  }

  /** Where clients find it. */
  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #isWhole(): Promise<boolean> {
    for (const node of this.nodes) {
      const info = await node.cli('CLUSTER', 'INFO');
      const nodes = `cluster_known_nodes:${this.nodes.length}`;
      if (!info.includes('cluster_state:ok') || !info.includes(nodes)) return false;
    }
    return true;
  }
}

async function freePortWithBus(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = await freePort();
    if (port + BUS < 65_536 && (await isFree(port + BUS))) return port;
  }
  throw new Error('there is no free pair of ports');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
