import type { MatchRule } from '@sever/connector-sdk';
import type { ScimUser } from './resources.js';

/**
 * Whether a user belongs to a tenant's part of a shared service: every attribute that the binding names has its value. A user who
 * lacks such an attribute cannot be told, and is nobody's by guess. Paths are `userType`, `name.familyName` or
 * `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization`.
 */
export function scopeOf(user: ScimUser, scope: MatchRule['scope']): 'inside' | 'outside' | 'unknown' {
  const wishes = Object.entries(scope ?? {}).map(([path, wanted]) => ({
    values: valuesAt(user, path),
    wanted,
  }));
  if (wishes.some(({ values }) => values.length === 0)) return 'unknown';
  return wishes.every(({ values, wanted }) => values.includes(wanted)) ? 'inside' : 'outside';
}

function valuesAt(user: ScimUser, path: string): string[] {
  const isUrn = path.toLowerCase().startsWith('urn:');
  const colon = path.lastIndexOf(':');
  const names = isUrn ? [path.slice(0, colon), path.slice(colon + 1)] : path.split('.');
  const found = names.reduce<unknown[]>(
    (values, name) => values.flatMap(value => memberOf(value, name)),
    [user],
  );
  return found.filter(value => typeof value === 'string');
}

/** Attribute names have no case; of several values each counts. */
function memberOf(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const member: unknown = Object.entries(value).find(
    ([key]) => key.toLowerCase() === name.toLowerCase(),
  )?.[1];
  return Array.isArray(member) ? member : [member];
}
