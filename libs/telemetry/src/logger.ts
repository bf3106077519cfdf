import { pino, type Logger } from 'pino';

export type { Logger };

/** Paths that never reach a log line, wherever they stand in a logged object. */
const REDACTED = [
  'password',
  'token',
  'secret',
  'authorization',
  'userName',
  'externalId',
  'emails',
  'identifiers',
  'credential',
  'databaseUrl',
  'url',
];

/**
 * A JSON logger on standard error (standard output belongs to machine-readable answers).
 * Known secret and personal members are replaced by `[redacted]` at three depths; URLs in messages lose their password.
 */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED.flatMap(p => [p, `*.${p}`, `*.*.${p}`]), censor: '[redacted]' },
      serializers: { err: serializeError, error: serializeError },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}

/** Name, code, message and stack of an error; connection strings in the text lose their credentials. */
export function serializeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: withoutCredentials(String(error)) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: withoutCredentials(error.message),
    ...(typeof code === 'string' && { code }),
    ...(error.stack && { stack: withoutCredentials(error.stack) }),
    ...(error.cause instanceof Error && { cause: serializeError(error.cause) }),
  };
}

const withoutCredentials = (text: string): string => text.replace(/(\w+:\/\/)[^/\s@]+@/g, '$1[redacted]@');
