import {
  boundTargetsOf,
  findResources,
  type BoundTarget,
  type ResourceKey,
  type StoredResource,
} from '@sever/directory';
import { SharedCalls } from '@sever/postgres';
import type { SubjectKeys } from '@sever/subject-keys';
import type { DataSource } from 'typeorm';

const LIMITS = { atOnce: 1, together: 100 };

/** Looks into the directory outside of transactions, shared by the requests that need them at the same time. */
export class SharedLooks {
  private readonly resources: SharedCalls<ResourceKey, StoredResource | undefined>;
  private readonly bound: SharedCalls<string, BoundTarget[]>;
  private readonly people: SharedCalls<{ tenant: string; subject: string }, undefined>;

  constructor(dataSource: DataSource, keys: SubjectKeys) {
    this.resources = new SharedCalls(asked => findResources(dataSource, asked), LIMITS);
    this.bound = new SharedCalls(tenants => boundTargetsOf(dataSource, tenants), LIMITS);
    this.people = new SharedCalls(async people => {
      await keys.warm(dataSource, people);
      return people.map(() => undefined);
    }, LIMITS);
  }

  /** A resource as it is now. */
  resource(connection: string, id: string): Promise<StoredResource | undefined> {
    return this.resources.call({ connection, id });
  }

  /** What a tenant is bound to now. */
  targets(tenant: string): Promise<BoundTarget[]> {
    return this.bound.call(tenant);
  }

  /** Has a person's key at hand for what is encrypted next. */
  async key(tenant: string, subject: string): Promise<void> {
    await this.people.call({ tenant, subject });
  }
}
