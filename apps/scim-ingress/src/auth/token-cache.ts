/** How long a token's owner is believed without asking the database, in milliseconds: a revocation takes effect within it. */
export const BELIEVED_MS = 3_000;
const ENTRIES_MAX = 10_000;

/** Remembers what a token stood for, never beyond its end; misses are not remembered. */
export class TokenCache<T> {
  private readonly entries = new Map<string, { owner: T; until: number }>();

  /**
   * @param look asks who owns a token
   * @param endOf when a token ends, in milliseconds since 1970, however fresh the look was
   */
  constructor(
    private readonly look: (token: string) => Promise<T | undefined>,
    private readonly endOf: (owner: T) => number = () => Infinity,
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
    this.entries.set(token, { owner, until: Math.min(this.now() + BELIEVED_MS, this.endOf(owner)) });
    return owner;
  }
}

/** The token of an `Authorization: Bearer …` header; the JWTs of big issuers are some kilobytes long. */
export const bearerToken = (header: string | undefined): string | undefined =>
  /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(header ?? '')?.[1];
