import { named, sample, type Check, type Finding } from '../finding.js';
import type { History } from '../history.js';
import { placeKey } from '../known-log.js';
import type { AuditOperation, PlacedRecord, RecordOperation } from '../operation.js';
import { deliveries } from './owed-records.js';

/** Reader that writes the audit stream. */
export const AUDITOR = 'projector';

/** The audit stream is not the log, byte for byte: a row differs, is missing, or tells what the log does not hold. */
export const auditDiffers: Check<History> = history => {
  const rows = new Map<string, AuditOperation>();
  for (const row of history.audit) rows.set(keyOf(row), row);
  const { mayHaveGot } = deliveries(history);
  const findings: Finding[] = [];
  const logged = new Set<string>();
  for (const record of history.records) {
    logged.add(keyOf(record));
    const row = rows.get(keyOf(record));
    if (row) findings.push(...difference(record, row));
    else if (mayHaveGot(AUDITOR, record)) findings.push(finding(record, 'has no audit row'));
  }
  for (const row of rows.values())
    if (!logged.has(keyOf(row))) findings.push(finding(row, 'has an audit row and is not in the log'));
  return findings;
};

const keyOf = (at: PlacedRecord): string => `${placeKey(at)} ${at.logOffset}`;

function difference(record: RecordOperation, row: AuditOperation): Finding[] {
  if (row.eventId !== record.eventId)
    return [finding(record, `has an audit row for another event, ${row.eventId}`)];
  if (row.sha256 !== record.sha256) return [finding(record, 'has an audit row with other bytes')];
  if (row.stated !== undefined && row.stated !== record.sha256)
    return [finding(record, 'has an audit row whose digest is not that of its bytes')];
  return [];
}

const finding = (record: PlacedRecord, what: string): Finding => ({
  anomaly: 'audit-differs',
  explanation: `${named(record)} ${what}`,
  records: sample([record]),
});
