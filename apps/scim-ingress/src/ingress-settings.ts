import { durationSeconds, onOff, port, positiveInteger, postgresUrl, setting } from '@sever/config';
import { telemetrySettings } from '@sever/telemetry';
import { z } from 'zod';

/** Everything the ingress reads from its environment. */
export const ingressSettings = {
  ...telemetrySettings,
  databaseUrl: setting('DATABASE_URL', 'the database, as the role of the ingress', postgresUrl, {
    secret: true,
  }),
  host: setting('SEVER_HTTP_HOST', 'address to listen on', z.string().default('127.0.0.1')),
  port: setting('SEVER_HTTP_PORT', 'port to listen on', port),
  publicUrl: setting('SEVER_PUBLIC_URL', 'address under which clients reach this service', z.url()),
  keysDir: setting('SEVER_KEYS_DIR', 'folder of the key-encryption keys', z.string().min(1)),
  hold: setting(
    'SEVER_HOLD',
    'wait between cut and purge: 10s, 30d, none or never',
    z.union([z.literal('none'), z.literal('never'), durationSeconds]).default(30 * 86_400),
  ),
  holdIgnoresResidual: setting(
    'SEVER_HOLD_IGNORES_RESIDUAL',
    'whether the purge ignores residual access',
    onOff.default(false),
  ),
  cutDeadline: setting(
    'SEVER_CUT_DEADLINE',
    'time within which every cut step must be verified',
    durationSeconds.default(300),
  ),
  rateLimit: setting(
    'SEVER_RATE_LIMIT',
    'requests per second and connection, or off',
    z.union([z.literal('off').transform(() => null), positiveInteger]).default(100),
  ),
  governor: setting(
    'SEVER_GOVERNOR',
    'whether opt-outs of unusually many people at once wait for an operator',
    onOff.default(true),
  ),
  poolMax: setting(
    'SEVER_DATABASE_POOL',
    'largest number of database connections',
    positiveInteger.default(16),
  ),
};
