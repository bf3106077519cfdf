import { types } from 'node:util';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '53300',
]);
const RETRYABLE_CODES = new Set(['40001', '40P01']);

/** SQLSTATE or system code of an error of the driver, wherever TypeORM put it. */
export function databaseErrorCode(error: unknown): string | undefined {
  if (!types.isNativeError(error)) return undefined;
  const own: unknown = 'code' in error ? error.code : undefined;
  if (typeof own === 'string') return own;
  const inner: unknown = 'driverError' in error ? error.driverError : error.cause;
  return inner === error ? undefined : databaseErrorCode(inner);
}

/** The server is away, restarting or out of connections: the same call may succeed later. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = databaseErrorCode(error);
  if (code && CONNECTION_CODES.has(code)) return true;
  return (
    types.isNativeError(error) &&
    /Connection terminated|timeout exceeded when trying to connect|connection timeout|Client has encountered a connection error/i.test(
      error.message,
    )
  );
}

/** Serialisation failure or deadlock: the transaction may be run again at once. */
export function isSerializationFailure(error: unknown): boolean {
  const code = databaseErrorCode(error);
  return code !== undefined && RETRYABLE_CODES.has(code);
}

/** Unique violation (23505), of the named index or of any. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  return databaseErrorCode(error) === '23505' && (index === undefined || violatedIndex(error) === index);
}

function violatedIndex(error: unknown): unknown {
  if (!types.isNativeError(error)) return undefined;
  if ('constraint' in error) return error.constraint;
  return 'driverError' in error ? violatedIndex(error.driverError) : undefined;
}
