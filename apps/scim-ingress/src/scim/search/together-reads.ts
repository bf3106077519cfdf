import { Injectable } from '@nestjs/common';
import { queryTogether, type Mixed, type Window } from '@sever/directory';
import {
  GROUP,
  USER,
  parseFilter,
  parseSharedSort,
  type DialectReading,
  type Filter,
  type ResourceType,
} from '@sever/scim';
import { IngressContext } from '../../ingress-context.js';
import { storeOfGroups } from '../groups/group-document.js';
import { GroupReads } from '../groups/group-reads.js';
import type { List, Listed } from './list-answers.js';
import type { ReadParameters } from './query-parameters.js';
import { storeOfUsers } from '../users/user-document.js';
import { UserReads } from '../users/user-reads.js';

/** The users and groups of a connection in one order (RFC 7644 §3.4.3): who lacks the attribute comes last, in descending order first. */
@Injectable()
export class TogetherReads {
  constructor(
    private readonly context: IngressContext,
    private readonly users: UserReads,
    private readonly groups: GroupReads,
  ) {}

  list(connection: string): List {
    return {
      type: `${USER.name} and ${GROUP.name}`,
      find: (query, window, reading) => this.find(connection, query, window, reading),
    };
  }

  /** @throws ScimError 400 for a filter or an order that cannot be followed */
  private async find(
    connection: string,
    query: ReadParameters,
    window: Window,
    reading: DialectReading,
  ): Promise<Listed> {
    const filter = (type: ResourceType, other: ResourceType): Filter | undefined =>
      query.filter === undefined ? undefined : parseFilter(query.filter, type, reading, [other]);
    const base = this.context.scimBase(connection);
    const { items, ...part } = await queryTogether(this.context.dataSource, connection, {
      users: { store: storeOfUsers(base), filter: filter(USER, GROUP) },
      groups: { store: storeOfGroups(base), filter: filter(GROUP, USER) },
      sort: parseSharedSort(query.sortBy ?? '', query.sortOrder, [USER, GROUP]),
      window,
    });
    const idsOf = (type: Mixed['type']): string[] =>
      items.filter(item => item.type === type).map(item => item.id);
    const [users, groups] = await Promise.all([
      this.users.byId(connection, idsOf('User'), query),
      this.groups.byId(connection, idsOf('Group'), query),
    ]);
    // Whoever was deleted since the part was read is left out.
    const found = items.map(({ type, id }) => (type === 'User' ? users : groups).get(id));
    return { ...part, documents: found.filter(document => document !== undefined) };
  }
}
