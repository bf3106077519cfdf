/** How long a token's owner is believed without asking the database, in milliseconds: a revocation takes effect within it. */
const TTL_MS = 3_000;
const ENTRIES_MAX = 10_000;

/** Remembers what a token stood for; misses are not remembered. */
export class TokenCache<T> {
  private readonly entries = new Map<string, { owner: T; until: number }>();

  constructor(
    private readonly look: (token: string) => Promise<T | undefined>,
    private readonly now: () => number = Date.now,
  ) {}

  async owner(token: string): Promise<T | undefined> {
    const hit = this.entries.get(token);
    if (hit && hit.until > this.now()) return hit.owner;
    const owner = await this.look(token);
    if (owner === undefined) {
      this.entries.delete(token);
      return undefined;
    }
    if (this.entries.size >= ENTRIES_MAX) this.entries.clear();
    this.entries.set(token, { owner, until: this.now() + TTL_MS });
    return owner;
  }
}

/** The token of an `Authorization: Bearer …` header. */
export const bearerToken = (header: string | undefined): string | undefined =>
  /^Bearer ([\w.~+/=-]{1,512})$/i.exec(header ?? '')?.[1];
