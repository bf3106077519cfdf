import type { HoldPolicy } from '@sever/event-contracts';
import type { EventLogWriter } from '@sever/event-log';
import type { KeyEncryptionKeys, SubjectKeys } from '@sever/subject-keys';
import type { Logger } from '@sever/telemetry';
import type { Registry } from 'prom-client';
import type { DataSource, EntityManager } from 'typeorm';

/** What the parts of the ingress share, made once at start and never changed. */
export class IngressContext {
  constructor(
    readonly dataSource: DataSource,
    readonly writer: EventLogWriter<EntityManager>,
    readonly keys: SubjectKeys,
    readonly keyEncryption: KeyEncryptionKeys,
    readonly policy: {
      hold: HoldPolicy;
      cutDeadlineSeconds: number;
      rateLimit: number | null;
      publicUrl: string;
    },
    readonly metrics: Registry,
    readonly logger: Logger,
  ) {}

  /** Address under which a connection finds its resources. */
  scimBase(connection: string): string {
    return `${this.policy.publicUrl}/scim/v2/${connection}`;
  }
}
