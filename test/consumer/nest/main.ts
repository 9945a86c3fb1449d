import 'reflect-metadata';
import * as assert from 'node:assert';
import { Controller, Get, type MiddlewareConsumer, Module, type NestModule, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Agent, authOf, DualModeAdapter } from '@private.me/xlink';
import { redactUrl } from '@private.me/xlink/logging';

let adapter: DualModeAdapter;

@Controller()
class OrdersController {
  @Get('orders')
  list(@Req() request: object) {
    return authOf(request);
  }
}

@Module({ controllers: [OrdersController] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(adapter.middleware()).forRoutes('*');
  }
}

async function main() {
  assert.equal(redactUrl('/?token=x'), '/?token=[redacted]');
  const legacyKeyValidator = async (key: string) => (key === 'k' ? { userId: 'u1' } : null);
  adapter = new DualModeAdapter({ agent: await Agent.quickstart(), legacyKeyValidator, mode: 'hybrid' });
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/orders`;
  const get = (key: string) => fetch(url, { headers: { 'x-api-key': key, connection: 'close' } });
  const [good, bad] = [await get('k'), await get('wrong')];
  assert.equal(good.status, 200);
  assert.equal(((await good.json()) as { userId?: string }).userId, 'u1');
  assert.equal(bad.status, 401);
  await app.close();
}

main();
