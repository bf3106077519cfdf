import type { AuthFailed, Conflict, NotFound, Transient } from '@sever/connector-sdk';

export const absent = (key: string): NotFound => ({
  kind: 'NotFound',
  confirmed: true,
  keysTried: [key],
  evidence: {},
});

const CREDENTIALS: ReadonlySet<string> = new Set(['28P01', '28000', '3D000']);
const DEPENDENT: ReadonlySet<string> = new Set(['2BP01', '55006']);

/** An error of the server or of the connection, by SQLSTATE. What is not known counts as passing, never as absence. */
export function failureOf(
  error: unknown,
  effectUnknown: boolean,
  help: string,
): AuthFailed | Conflict | Transient | NotFound {
  const code = codeOf(error);
  const evidence = { sqlstate: code };
  if (CREDENTIALS.has(code))
    return {
      kind: 'AuthFailed',
      code: 'credentials.rejected',
      help: 'renew the password of the connector role',
      evidence,
    };
  if (code === '42501') return { kind: 'AuthFailed', code: 'rights.missing', help, evidence };
  if (code === '42704') return absent('oid');
  if (DEPENDENT.has(code))
    return {
      kind: 'Conflict',
      code: 'role.still-referenced',
      help: 'objects or sessions still depend on the role',
      evidence,
    };
  return { kind: 'Transient', code: 'vendor.unavailable', effectUnknown, evidence };
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}
