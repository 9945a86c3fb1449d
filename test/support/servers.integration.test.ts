import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findProgram, verdictOn } from './needs-program.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis, freePort, RedisServer } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

describe('a program that is absent', () => {
  test('is told from one that is there', () => {
    expect(findProgram('sh')).toMatch(/\/sh$/);
    expect(findProgram('no-such-program-3f1a')).toBeUndefined();
    expect(findProgram('tmp', { PATH: '/' })).toBeUndefined();
  });

  test.each([
    [[], {}, 'run'],
    [[], { CI: 'true' }, 'run'],
    [['x'], {}, 'skip'],
    [['x'], { CI: 'false' }, 'skip'],
    [['x'], { CI: 'true' }, 'fail'],
    [['x'], { CI: '1' }, 'fail'],
  ])('%j with %j: %s', (absent, env, verdict) => {
    expect(verdictOn(absent, env)).toBe(verdict);
  });
});

describeWithRedis('a Redis server', () => {
  test('comes back on its port after a kill, empty', async () => {
    const server = await RedisServer.start();
    await server.cli('SET', 'a', '1');
    await server.kill();
    expect(server.running).toBe(false);
    await expect(server.cli('PING')).rejects.toThrow();
    await server.restart();
    expect(await server.cli('GET', 'a')).toBe('');
    await server.stop();
  });

  test('keeps what was written where that was asked for, and asks for its password', async () => {
    const server = await RedisServer.start({ persistent: true, password: 'open-sesame' });
    await server.cli('SET', 'a', '1');
    await server.restart();
    expect(await server.cli('GET', 'a')).toBe('1');
    expect(server.url).toBe(`redis://:open-sesame@127.0.0.1:${server.port}`);
  });

  test('takes another port if the first one is taken', async () => {
    const first = await RedisServer.start();
    const ports = [first.port, await freePort()];
    const second = await RedisServer.start({}, async () => ports.shift()!);
    expect(second.port).not.toBe(first.port);
    expect(await second.cli('PING')).toBe('PONG');
  });

  test('that cannot start says why', async () => {
    await expect(RedisServer.start({ args: ['--no-such-option', '1'] })).rejects.toThrow('no-such-option');
  });

  test('three of them make a cluster', async () => {
    const { nodes } = await RedisCluster.start();
    expect(await nodes[0]!.cli('-c', 'SET', 'a', '1')).toBe('OK');
    const kept = await Promise.all(nodes.map((node) => node.cli('DBSIZE')));
    expect(kept.sort()).toEqual(['0', '0', '1']);
  }, 30_000);
});

describe('a bad network', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let client: Socket;
  let heard: string;
  let served: string;

  beforeEach(async () => {
    [heard, served] = ['', ''];
    echo = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        served += chunk;
        socket.write(chunk);
      });
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await TcpProxy.start((echo.address() as { port: number }).port);
    client = connect(proxy.port, '127.0.0.1');
    client.on('error', () => {});
    client.on('data', (chunk) => (heard += chunk));
    await once(client, 'connect');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  test('is a good one at first', async () => {
    client.write('hello');
    await until(() => heard === 'hello');
  });

  test('delays both ways and keeps the order', async () => {
    proxy.delay(60);
    const began = performance.now();
    client.write('a');
    await until(() => served === 'a');
    client.write('b');
    proxy.delay(20);
    client.write('c');
    await until(() => heard === 'abc');
    expect(performance.now() - began).toBeGreaterThanOrEqual(80);
  });

  test('freezes and passes on what it held', async () => {
    client.write('a');
    await until(() => heard === 'a');
    proxy.freeze();
    client.write('b');
    const second = connect(proxy.port, '127.0.0.1');
    await once(second, 'connect');
    await until(() => proxy.connections === 2);
    second.destroy();
    expect(served).toBe('a');
    proxy.heal();
    await until(() => heard === 'ab');
    expect(client.destroyed).toBe(false);
  });

  test('holds only answers back', async () => {
    proxy.freeze('answers');
    client.write('a');
    await until(() => served === 'a');
    expect(heard).toBe('');
    proxy.heal();
    await until(() => heard === 'a');
  });

  test('cuts, refuses, and heals', async () => {
    client.write('a');
    await until(() => heard === 'a');
    proxy.cut();
    await until(() => client.closed);
    const refused = connect(proxy.port, '127.0.0.1').on('error', () => {});
    await until(() => refused.closed);
    proxy.heal();
    const again = connect(proxy.port, '127.0.0.1');
    again.write('z');
    expect(String(await once(again, 'data'))).toBe('z');
    again.destroy();
    await until(() => proxy.connections === 0);
  });
});
