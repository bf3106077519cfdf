import type { MatchRule } from '@sever/connector-sdk';
import { findBinding } from '@sever/directory';
import type { DataSource } from 'typeorm';

const TTL_MS = 5_000;

/** How a tenant's people are found in this instance; a binding changes rarely and is believed for seconds. */
export class BindingCache {
  private readonly entries = new Map<string, { match: MatchRule | undefined; until: number }>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly instance: string,
  ) {}

  async matchFor(tenant: string): Promise<MatchRule | undefined> {
    const hit = this.entries.get(tenant);
    if (hit && hit.until > performance.now()) return hit.match;
    const match = (await findBinding(this.dataSource, tenant, this.instance))?.match;
    this.entries.set(tenant, { match, until: performance.now() + TTL_MS });
    return match;
  }
}
