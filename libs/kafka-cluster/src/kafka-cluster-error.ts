export type KafkaClusterErrorCode =
  | 'kafka.java-missing'
  | 'kafka.java-too-old'
  | 'kafka.maven-missing'
  | 'kafka.maven-failed'
  | 'kafka.jar-mismatch'
  | 'kafka.format-failed'
  | 'kafka.certificate-failed'
  | 'kafka.user-failed'
  | 'kafka.layout-mismatch'
  | 'kafka.port-taken'
  | 'kafka.start-failed'
  | 'kafka.not-ready';

/** A local Kafka broker could not be prepared or started; the message says what is missing and what to do. */
export class KafkaClusterError extends Error {
  override readonly name = 'KafkaClusterError';
  constructor(
    readonly code: KafkaClusterErrorCode,
    message: string,
  ) {
    super(message);
  }
}
