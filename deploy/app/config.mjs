// What the process is told, all of it in the environment; secrets stand in files whose names are there.
import { readFileSync } from 'node:fs';

const MODES = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
/** 5 s of draining leave five for everything else before anyone loses patience. */
const MAX_DRAIN_MS = 5000;

/**
 * Throws one error that names everything that is wrong, and quotes no value.
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function serverConfig(env) {
  const { check, url, secret, integer, oneOf } = reader(env);
  return check({
    host: env.HOST ?? '0.0.0.0',
    port: integer('PORT', 65_535),
    hosts: (env.API_HOSTS ?? '').split(',').filter((name) => name !== ''),
    internalPort: integer('INTERNAL_PORT', 65_535),
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:'], 'REDIS_PASSWORD_FILE'),
    redisTimeoutMs: integer('REDIS_TIMEOUT_MS', 60_000),
    postgresUrl: url('POSTGRES_URL', ['postgres:', 'postgresql:'], 'POSTGRES_PASSWORD_FILE'),
    pkcs8: secret('IDENTITY_FILE', 48),
    dashboardPassword: secret('DASHBOARD_PASSWORD_FILE', 16).toString().trim(),
    mode: /** @type {import('@private.me/xlink').Mode} */ (oneOf('MODE', MODES)),
    drainMs: integer('DRAIN_MS', MAX_DRAIN_MS),
  });
}

/**
 * What the programs of an operator need: the same variables, fewer of them.
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function operatorConfig(env) {
  const { check, url } = reader(env);
  return check({
    postgresUrl: url('POSTGRES_URL', ['postgres:', 'postgresql:'], 'POSTGRES_PASSWORD_FILE'),
  });
}

/** @param {Readonly<Record<string, string | undefined>>} env */
function reader(env) {
  /** @type {string[]} */
  const problems = [];

  /** @param {string} name @param {number} max */
  const integer = (name, max) => {
    const value = /^\d{1,9}$/.test(env[name] ?? '') ? Number(env[name]) : Number.NaN;
    if (!(value <= max)) problems.push(`${name}: a whole number from 0 to ${max}`);
    return value;
  };

  /** @param {string} name @param {readonly string[]} values */
  const oneOf = (name, values) => {
    const value = env[name] ?? '';
    if (!values.includes(value)) problems.push(`${name}: one of ${values.join(', ')}`);
    return value;
  };

  /** @param {string} name @param {number} minBytes */
  const secret = (name, minBytes) => {
    try {
      const bytes = readFileSync(env[name] ?? '');
      if (bytes.length < minBytes) problems.push(`${name}: a file of at least ${minBytes} bytes`);
      return bytes;
    } catch (error) {
      const why = /** @type {NodeJS.ErrnoException} */ (error).code;
      problems.push(`${name}: a file that can be read (${why})`);
      return Buffer.alloc(0);
    }
  };

  /** With the password put in. @param {string} name @param {readonly string[]} protocols @param {string} passwordName */
  const url = (name, protocols, passwordName) => {
    const password = secret(passwordName, 16).toString().trim();
    const value = URL.canParse(env[name] ?? '') ? new URL(env[name] ?? '') : undefined;
    if (!value || !protocols.includes(value.protocol) || value.password !== '') {
      problems.push(`${name}: a URL with ${protocols.join(' or ')} and without a password`);
      return '';
    }
    value.password = encodeURIComponent(password);
    return value.href;
  };

  /** @template T @param {T} config @returns {T} */
  const check = (config) => {
    if (problems.length > 0)
      throw new Error(`The environment is not as it should be:\n  ${problems.join('\n  ')}`);
    return config;
  };

  return { check, url, secret, integer, oneOf };
}
