import type { AuthFailed, Conflict, NotFound, Transient } from '@sever/connector-sdk';
import { CredentialUnreadable } from './sessions.js';
import { sqlStateOf } from './sqlstate.js';

export const absent = (key: string): NotFound => ({
  kind: 'NotFound',
  confirmed: true,
  keysTried: [key],
  evidence: {},
});

const CREDENTIALS: ReadonlySet<string> = new Set(['28P01', '28000', '3D000']);
const DEPENDENT: ReadonlySet<string> = new Set(['2BP01', '55006']);
/** Something that a statement names is not there: a role, a table, a routine, a schema. */
const MISSING: ReadonlySet<string> = new Set(['42704', '42P01', '42883', '3F000', '42703']);
/** A grantor who has nothing to grant any more. */
const NOT_GRANTABLE = '0LP01';

export const isMissing = (error: unknown): boolean => MISSING.has(sqlStateOf(error));
export const isNotGrantable = (error: unknown): boolean => sqlStateOf(error) === NOT_GRANTABLE;

/**
 * An error of the server or of the connection, by SQLSTATE. What is not known counts as passing. None is absence: that
 * something is missing tells nothing about the role, which only a look at `pg_roles` does.
 */
export function failureOf(
  error: unknown,
  effectUnknown: boolean,
  help: string,
): AuthFailed | Conflict | Transient {
  const code = sqlStateOf(error);
  const evidence = { sqlstate: code };
  if (error instanceof CredentialUnreadable)
    return {
      kind: 'AuthFailed',
      code: 'credentials.unreadable',
      help: 'make the reference of the password readable',
      evidence: {},
    };
  if (CREDENTIALS.has(code))
    return {
      kind: 'AuthFailed',
      code: 'credentials.rejected',
      help: 'renew the password of the connector role',
      evidence,
    };
  if (code === '42501') return { kind: 'AuthFailed', code: 'rights.missing', help, evidence };
  if (MISSING.has(code) || code === NOT_GRANTABLE)
    return {
      kind: 'Conflict',
      code: 'object.missing',
      help: 'something that a grant names has gone meanwhile; look at the log of the server',
      evidence,
    };
  if (DEPENDENT.has(code))
    return {
      kind: 'Conflict',
      code: 'role.still-referenced',
      help: 'objects or sessions still depend on the role',
      evidence,
    };
  return { kind: 'Transient', code: 'vendor.unavailable', effectUnknown, evidence };
}
