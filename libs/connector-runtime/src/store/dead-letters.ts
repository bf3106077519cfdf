import type { LogRecord } from '@sever/event-log';
import type { DataSource } from 'typeorm';

/** Records that could not be read, with their exact bytes. */
export class DeadLetters {
  constructor(
    private readonly dataSource: DataSource,
    private readonly instance: string,
  ) {}

  async keep(record: LogRecord, code: string): Promise<void> {
    await this.dataSource.query(
      `insert into dead_letter (instance, topic, partition, "offset", code, value) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [this.instance, record.topic, record.partition, String(record.logOffset), code, record.value],
    );
  }
}
