import type { EncryptedField, HoldPolicy } from '@sever/event-contracts';
import type { EventLogWriter } from '@sever/event-log';
import type { GovernorLimits } from '@sever/opt-out';
import type { Queryable } from '@sever/postgres';
import type { FieldBinding, KeyEncryptionKeys, SubjectKeys } from '@sever/subject-keys';
import type { Logger } from '@sever/telemetry';
import type { Registry } from 'prom-client';
import type { DataSource, EntityManager } from 'typeorm';
import { CompletionExpiry } from './completions/completion-expiry.js';
import { Governor } from './governor/governor.js';
import { GovernorReport } from './governor/governor-report.js';
import { OtherWrites } from './other-writes.js';
import { RoutedMethods } from './routed-methods.js';
import { SharedLooks } from './writes/shared-looks.js';

/** What the parts of the ingress share, made once at start and never changed. */
export class IngressContext {
  /** Looks into the directory that requests share. */
  readonly looks: SharedLooks;
  /** The guard against mass deprovisioning. */
  readonly governor: Governor;
  /** Whether anybody but imports is writing. */
  readonly otherWrites = new OtherWrites();
  /** Forgets how requests ended when nobody asks. */
  readonly completionExpiry: CompletionExpiry;
  /** Which methods the addresses of both doors take. */
  readonly routedMethods = new RoutedMethods();

  constructor(
    readonly dataSource: DataSource,
    readonly writer: EventLogWriter<EntityManager>,
    private readonly secrets: { keys: SubjectKeys; keyEncryption: KeyEncryptionKeys },
    readonly policy: {
      hold: HoldPolicy;
      cutDeadlineSeconds: number;
      rateLimit: number | null;
      publicUrl: string;
      /** Null: opt-outs are never held. */
      governor: GovernorLimits | null;
    },
    readonly metrics: Registry,
    readonly logger: Logger,
  ) {
    this.looks = new SharedLooks(dataSource, secrets.keys);
    this.completionExpiry = new CompletionExpiry(dataSource, logger);
    this.governor = new Governor(dataSource, policy.governor, new GovernorReport(metrics, logger));
  }

  /** Keys of people, for what events hold of them. */
  get keys(): SubjectKeys {
    return this.secrets.keys;
  }

  /** Encrypts with people's keys as a transaction, or the database outside of one, sees them. */
  encryptIn(on: Queryable): (field: FieldBinding, text: string) => Promise<EncryptedField> {
    return (field, text) => this.keys.encrypt(on, field, text);
  }

  /** Keys outside the database, under which others are wrapped. */
  get keyEncryption(): KeyEncryptionKeys {
    return this.secrets.keyEncryption;
  }

  /** Address under which a connection finds its resources. */
  scimBase(connection: string): string {
    return `${this.policy.publicUrl}/scim/v2/${connection}`;
  }
}
