import { Injectable } from '@nestjs/common';
import { findGroups, membersOf, queryGroups, type StoredGroup, type Window } from '@sever/directory';
import {
  GROUP,
  parseFilter,
  parseSort,
  type DialectReading,
  type JsonObject,
  type ResourceType,
} from '@sever/scim';
import { IngressContext } from '../../ingress-context.js';
import { groupDocument, projectGroup, showsMembers, storeOfGroups } from './group-document.js';
import type { List, Listed } from '../search/list-answers.js';
import type { ReadParameters } from '../search/query-parameters.js';

/** The groups of a connection, as its clients see them. */
@Injectable()
export class GroupReads {
  constructor(private readonly context: IngressContext) {}

  /** @param others types that are searched in the same request */
  list(connection: string, others: readonly ResourceType[] = []): List {
    return {
      type: GROUP.name,
      find: (query, window, reading) => this.find(connection, query, window, reading, others),
    };
  }

  /**
   * A part of those that a query asks for.
   * @param others types that are searched in the same request
   * @throws ScimError 400 for a filter or an order that cannot be followed
   */
  private async find(
    connection: string,
    query: ReadParameters,
    window: Window,
    reading: DialectReading,
    others: readonly ResourceType[],
  ): Promise<Listed> {
    const { items, ...part } = await queryGroups(
      this.context.dataSource,
      connection,
      {
        filter: query.filter === undefined ? undefined : parseFilter(query.filter, GROUP, reading, others),
        sort: parseSort(query.sortBy, query.sortOrder, GROUP, others),
        window,
      },
      storeOfGroups(this.context.scimBase(connection)),
    );
    return { ...part, documents: await this.documents(connection, items, query) };
  }

  /** The groups with these ids, as far as they are there, by id. */
  async byId(
    connection: string,
    ids: readonly string[],
    query: ReadParameters,
  ): Promise<Map<string, JsonObject>> {
    const found = ids.length > 0 ? await findGroups(this.context.dataSource, connection, ids) : [];
    const documents = await this.documents(connection, found, query);
    return new Map(found.map((group, i) => [group.id, documents[i] ?? {}]));
  }

  async document(connection: string, group: StoredGroup, query: ReadParameters): Promise<JsonObject> {
    const [document] = await this.documents(connection, [group], query);
    return document ?? {};
  }

  private async documents(
    connection: string,
    groups: readonly StoredGroup[],
    query: ReadParameters,
  ): Promise<JsonObject[]> {
    const full = groups.filter(group => group.memberCount > 0).map(group => group.id);
    const read = showsMembers(query) ? await membersOf(this.context.dataSource, connection, full) : [];
    const byGroup = Map.groupBy(read, member => member.groupId);
    return groups.map(group =>
      projectGroup(groupDocument(group, byGroup.get(group.id), this.context.scimBase(connection)), query),
    );
  }
}
