import type { ClientAccess } from '../client.js';
import { ADMIN, BROKER_NAME } from '../node/server-properties.js';
import { grantAccess } from './access-rules.js';
import { ensureStores, type Stores } from './certificates.js';
import { Credentials, type Credential } from './credentials.js';
import type { KafkaUser } from './pipeline-users.js';
import { registerUser } from './register-user.js';

export type SecurityOptions = {
  /** Who exists besides the administrator, usually `pipelineUsers(instances)`. */
  users: readonly KafkaUser[];
};

/** What a secured cluster tells its clients. */
export type ClusterSecurity = {
  /** Certificate (PEM) of the authority that clients must trust. */
  ca: string;
  /** Name and password of a user; `admin` may do everything. */
  credential(user: string): Credential;
};

/** A cluster's security while it starts. */
export class ClusterKeys implements ClusterSecurity {
  readonly ca: string;

  private constructor(
    readonly stores: Stores,
    private readonly credentials: Credentials,
    private readonly users: readonly KafkaUser[],
  ) {
    this.ca = stores.ca;
  }

  /** Certificates and passwords of a data folder, made where they are missing. */
  static open(dataDir: string, o: SecurityOptions): ClusterKeys {
    const stores = ensureStores(dataDir, BROKER_NAME);
    const credentials = Credentials.open(dataDir, [ADMIN, ...o.users.map(u => u.name)]);
    return new ClusterKeys(stores, credentials, o.users);
  }

  credential(user: string): Credential {
    return this.credentials.of(user);
  }

  get adminAccess(): Omit<ClientAccess, 'brokers'> {
    return { ca: this.ca, credential: this.credentials.of(ADMIN) };
  }

  /** Users that a fresh data folder is formatted with. */
  initialUsers(): readonly Credential[] {
    return this.credentials.all();
  }

  /**
   * Brings users and access rules up to date on the running cluster.
   * @param isFresh the data folder was formatted in this start, so it has every user already
   */
  async apply(access: ClientAccess, dataDir: string, classPath: string, isFresh: boolean): Promise<void> {
    const missing = this.credentials.unregistered();
    if (!isFresh) for (const user of missing) await registerUser(access, user, dataDir, classPath);
    this.credentials.markRegistered(missing);
    await grantAccess(access, this.users);
  }
}
