import type { OptionCheck } from '../../util/options.js';
import { isIoredis, isNodeRedis } from './client.js';

export const isRedisClient: OptionCheck = (value) =>
  isIoredis(value) || isNodeRedis(value) ? undefined : 'a client or cluster of ioredis or redis (node-redis)';

export const isKey: OptionCheck = (value) =>
  typeof value === 'string' && /^[^\s{}]{1,128}$/.test(value)
    ? undefined
    : 'a text of 1 to 128 characters without spaces and braces';
