import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../write-atomically.js';

/** Name and password of a user. Passwords are made, never chosen, and have no characters that Kafka's tools would read as syntax. */
export type Credential = { username: string; password: string };

const fileSchema = z.record(
  z.string(),
  z.object({
    password: z.string(),
    /** Whether the brokers have this user for certain. */
    registered: z.boolean(),
  }),
);
type Users = z.infer<typeof fileSchema>;

/** The users of a cluster, kept in its data folder (mode 0600). */
export class Credentials {
  private constructor(
    private readonly file: string,
    private readonly users: Users,
  ) {}

  /** Makes passwords for those of `names` that have none yet. */
  static open(dataDir: string, names: readonly string[]): Credentials {
    const file = path.join(dataDir, 'users.json');
    const users = existsSync(file) ? fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
    for (const name of names)
      users[name] ??= { password: randomBytes(24).toString('base64url'), registered: false };
    const credentials = new Credentials(file, users);
    credentials.save();
    return credentials;
  }

  /** @throws Error for a user that the cluster was not started with */
  of(username: string): Credential {
    const user = this.users[username];
    if (!user) throw new Error(`the local Kafka cluster has no user ${username}`);
    return { username, password: user.password };
  }

  all(): Credential[] {
    return Object.keys(this.users).map(name => this.of(name));
  }

  /** Users that the brokers may not have yet. */
  unregistered(): Credential[] {
    return this.all().filter(({ username }) => this.users[username]?.registered === false);
  }

  /** Writes down that the brokers have these users. */
  markRegistered(users: readonly Credential[]): void {
    for (const { username, password } of users) this.users[username] = { password, registered: true };
    this.save();
  }

  private save(): void {
    writeAtomically(this.file, JSON.stringify(this.users));
  }
}
