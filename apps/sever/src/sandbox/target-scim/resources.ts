import { randomUUID } from 'node:crypto';
import SCIMMY from 'scimmy';
import type { Journal } from './journal.js';

export type StoredUser = { id: string; userName: string; [attribute: string]: unknown };
export type StoredGroup = {
  id: string;
  displayName: string;
  members?: { value: string; display?: string }[];
  [attribute: string]: unknown;
};

/** What SCIMMY hands to a handler, as far as it is used here. */
type Asked = { id?: string; filter?: { match(values: object[]): object[] } };
type Handlers = {
  ingress(handler: (resource: Asked, data: object) => object): Handlers;
  egress(handler: (resource: Asked) => object): Handlers;
  degress(handler: (resource: Asked) => void): Handlers;
};

/** Plain data of a SCIMMY instance: its accessors are not what belongs on disk. */
const plain = (data: object): Record<string, unknown> => {
  const {
    schemas: _schemas,
    meta: _meta,
    ...rest
  } = JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
  return rest;
};

const notFound = (id: string): Error =>
  new SCIMMY.Types.Error(404, null as unknown as string, `Resource ${id} not found`);
const taken = (): Error => new SCIMMY.Types.Error(409, 'uniqueness', 'the name is taken');

function found<T>(value: T | undefined, id: string): T {
  if (value === undefined) throw notFound(id);
  return value;
}

function read<T extends object>(journal: Journal<T>, asked: Asked): object {
  if (asked.id !== undefined) return found(journal.get(asked.id), asked.id);
  const all = journal.all();
  return asked.filter ? asked.filter.match(all) : all;
}

/** Users; a removed user also leaves its groups. */
export function declareUsers(users: Journal<StoredUser>, groups: Journal<StoredGroup>): void {
  const handlers = SCIMMY.Resources.declare(SCIMMY.Resources.User) as unknown as Handlers;
  handlers
    .ingress((asked, data) => {
      const id = asked.id ?? randomUUID();
      if (asked.id !== undefined) found(users.get(asked.id), asked.id);
      const user = { ...plain(data), id } as StoredUser;
      const name = user.userName.toLowerCase();
      if (users.all().some(other => other.id !== id && other.userName.toLowerCase() === name)) throw taken();
      users.set(id, user);
      return user;
    })
    .egress(asked => read(users, asked))
    .degress(asked => {
      const id = found(users.get(asked.id ?? ''), asked.id ?? '').id;
      for (const group of groups.all())
        if (group.members?.some(m => m.value === id))
          groups.set(group.id, { ...group, members: group.members.filter(m => m.value !== id) });
      users.delete(id);
    });
}

export function declareGroups(groups: Journal<StoredGroup>): void {
  const handlers = SCIMMY.Resources.declare(SCIMMY.Resources.Group) as unknown as Handlers;
  handlers
    .ingress((asked, data) => {
      const id = asked.id ?? randomUUID();
      if (asked.id !== undefined) found(groups.get(asked.id), asked.id);
      const group = { ...plain(data), id } as StoredGroup;
      groups.set(id, group);
      return group;
    })
    .egress(asked => read(groups, asked))
    .degress(asked => groups.delete(found(groups.get(asked.id ?? ''), asked.id ?? '').id));
}
