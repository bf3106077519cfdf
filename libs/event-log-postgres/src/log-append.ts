import { EventLogError, partitionOf, type NewRecord } from '@sever/event-log';
import { binaryArray, databaseErrorCode } from '@sever/postgres';

const ERRORS = { SV001: 'log.forbidden', SV002: 'log.unknown-topic', SV003: 'log.event-conflict' } as const;

/** Types of the lists that `log_append` takes. */
export const LOG_APPEND_TYPES = ['text[]', 'int[]', 'uuid[]', 'text[]', 'text[]', 'text[]', 'bytea[]'];

/** A call of `log_append` with placeholders from `first` on; `guard` is a condition that must have been computed before it. */
export function logAppendCall(first: number, guard?: string): string {
  const placeholders = LOG_APPEND_TYPES.map((type, i) => `$${first + i}::${type}`);
  if (guard !== undefined) placeholders[0] = `case when ${guard} then ${placeholders[0]} end`;
  return `log_append(${placeholders.join(', ')})`;
}

/** The parameters of {@link logAppendCall}. */
export function logAppendParameters(records: readonly NewRecord[]): unknown[] {
  return [
    binaryArray('text', records, r => r.topic),
    binaryArray('int4', records, r => partitionOf(r.key)),
    binaryArray('uuid', records, r => r.eventId),
    binaryArray('text', records, r => r.key),
    binaryArray('text', records, r => r.type),
    binaryArray('text', records, r => JSON.stringify(r.headers)),
    binaryArray('bytea', records, r => r.value),
  ];
}

/** Gives the errors that the append raises their code. @throws EventLogError log.forbidden, log.unknown-topic, log.event-conflict */
export async function inLog<T>(statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    const code = databaseErrorCode(error);
    if (code && code in ERRORS) {
      const message = error instanceof Error ? error.message : String(error);
      throw new EventLogError(ERRORS[code as keyof typeof ERRORS], message, { cause: error });
    }
    throw error;
  }
}
