import { Injectable } from '@nestjs/common';
import { findResources, queryResources, type StoredResource, type Window } from '@sever/directory';
import {
  USER,
  attributeNames,
  parseFilter,
  parseSort,
  project,
  type DialectReading,
  type JsonObject,
  type ResourceType,
} from '@sever/scim';
import { IngressContext } from '../../ingress-context.js';
import type { List, Listed } from '../search/list-answers.js';
import type { ReadParameters } from '../search/query-parameters.js';
import { storeOfUsers, userDocument } from './user-document.js';

/** The users of a connection, as its clients see them. */
@Injectable()
export class UserReads {
  constructor(private readonly context: IngressContext) {}

  /** @param others types that are searched in the same request */
  list(connection: string, others: readonly ResourceType[] = []): List {
    return {
      type: USER.name,
      find: (query, window, reading) => this.find(connection, query, window, reading, others),
    };
  }

  /** The users with these ids, as far as they are there, by id. */
  async byId(
    connection: string,
    ids: readonly string[],
    query: ReadParameters,
  ): Promise<Map<string, JsonObject>> {
    const keys = ids.map(id => ({ connection, id }));
    const found = await findResources(this.context.dataSource, keys);
    const base = this.context.scimBase(connection);
    return new Map(found.flatMap(user => (user ? [[user.id, projectUser(user, base, query)]] : [])));
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
    const filter = query.filter === undefined ? undefined : parseFilter(query.filter, USER, reading, others);
    const sort = parseSort(query.sortBy, query.sortOrder, USER, others);
    const base = this.context.scimBase(connection);
    const { items, ...part } = await queryResources(
      this.context.dataSource,
      connection,
      { filter, sort, window },
      storeOfUsers(base),
    );
    return { ...part, documents: items.map(item => projectUser(item, base, query)) };
  }
}

/** What of a user a client asks for. */
export const projectUser = (user: StoredResource, base: string, query: ReadParameters): JsonObject =>
  project(
    userDocument(user, base),
    USER,
    attributeNames(query.attributes),
    attributeNames(query.excludedAttributes),
  );
