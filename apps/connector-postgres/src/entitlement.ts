import type { SnapshotEntry } from '@sever/connector-sdk';
import { quoted } from './role.js';

/** Membership of a role, with the options that PostgreSQL 16 and newer keep for each grantor. */
export type Membership = {
  kind: 'membership';
  role: string;
  admin: boolean;
  inherit: boolean;
  set: boolean;
  grantor: string;
};
/** A privilege on an object of one database. Without a grantor it was granted by the object's owner. */
export type Privilege = {
  kind: 'privilege';
  database: string;
  object: string;
  privilege: string;
  grantable: boolean;
  grantor: string | null;
};
/** A privilege on what `creator` will make in future. */
export type DefaultPrivilege = {
  kind: 'default';
  database: string;
  creator: string;
  schema: string | null;
  objects: string;
  privilege: string;
  grantable: boolean;
};

/** One thing a role may do because it was granted. */
export type Entitlement = Membership | Privilege | DefaultPrivilege;

/** PostgreSQL from which each grantor's membership is one of its own, with INHERIT and SET. */
const PER_GRANTOR = 160_000;

/** Statements that take one entitlement away. What hangs on it was handed over before. */
export function revokeStatements(e: Entitlement, role: string, version: number): string[] {
  const from = quoted(role);
  switch (e.kind) {
    case 'membership':
      return [
        `revoke ${quoted(e.role)} from ${from}${version >= PER_GRANTOR ? ` granted by ${quoted(e.grantor)} cascade` : ''}`,
      ];
    case 'privilege':
      return as(e.grantor, `revoke ${e.privilege} on ${e.object} from ${from} cascade`);
    case 'default':
      return [`${forCreator(e)} revoke ${e.privilege} on ${e.objects} from ${from}`];
  }
}

/** Statements that give one entitlement back as it was. */
export function grantStatements(e: Entitlement, role: string, version: number): string[] {
  const to = quoted(role);
  switch (e.kind) {
    case 'membership':
      return [
        version >= PER_GRANTOR
          ? `grant ${quoted(e.role)} to ${to} ${memberOptions(e)} granted by ${quoted(e.grantor)}`
          : `grant ${quoted(e.role)} to ${to}${e.admin ? ' with admin option' : ''}`,
      ];
    case 'privilege':
      return as(e.grantor, `grant ${e.privilege} on ${e.object} to ${to}${grantable(e)}`);
    case 'default':
      return [`${forCreator(e)} grant ${e.privilege} on ${e.objects} to ${to}${grantable(e)}`];
  }
}

export const memberOptions = (m: Pick<Membership, 'admin' | 'inherit' | 'set'>): string =>
  `with admin ${m.admin}, inherit ${m.inherit}, set ${m.set}`;

export const grantable = (e: { grantable: boolean }): string => (e.grantable ? ' with grant option' : '');

/** The server records who runs a statement as the grantor, a superuser as the owner: another grantor must run it. */
const as = (grantor: string | null, statement: string): string[] =>
  grantor === null ? [statement] : [`set local role ${quoted(grantor)}`, statement, 'reset role'];

const forCreator = (e: DefaultPrivilege): string =>
  `alter default privileges for role ${quoted(e.creator)}${e.schema === null ? '' : ` in schema ${quoted(e.schema)}`}`;

export const toEntry = (e: Entitlement): SnapshotEntry => ({ ...e });

export function fromEntry(entry: SnapshotEntry): Entitlement {
  const text = (name: string): string => String(entry[name]);
  const orNull = (name: string): string | null => (typeof entry[name] === 'string' ? text(name) : null);
  const flag = (name: string): boolean => entry[name] === true;
  if (entry.kind === 'membership')
    return {
      kind: 'membership',
      role: text('role'),
      admin: flag('admin'),
      inherit: flag('inherit'),
      set: flag('set'),
      grantor: text('grantor'),
    };
  const common = { database: text('database'), privilege: text('privilege'), grantable: flag('grantable') };
  return entry.kind === 'default'
    ? {
        kind: 'default',
        ...common,
        creator: text('creator'),
        schema: orNull('schema'),
        objects: text('objects'),
      }
    : { kind: 'privilege', ...common, object: text('object'), grantor: orNull('grantor') };
}

/** The same entitlement, whatever the order of its members. */
export const keyOf = (e: Entitlement): string =>
  JSON.stringify(Object.entries(e).sort(([a], [b]) => (a < b ? -1 : 1)));
