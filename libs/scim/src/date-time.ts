const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(?:Z|([+-])(\d\d):(\d\d))?$/i;

/**
 * Reads an xsd:dateTime (RFC 7643 §2.3.5) of the years 0000 to 9999; without a zone it means UTC, digits beyond the millisecond are cut.
 * @returns the instant in canonical form, `2026-01-02T03:04:05.678Z`, in which text order is order in time; undefined for anything else
 */
export function canonicalDateTime(text: string): string | undefined {
  const parts = SHAPE.exec(text);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = zoneMinutes(parts[8], parts[9], parts[10]);
  if (offset === undefined) return undefined;
  const milliseconds = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const instant = new Date(0);
  // Not Date.UTC: it moves the years 0 to 99 into the twentieth century.
  instant.setUTCFullYear(year, month - 1, day);
  instant.setUTCHours(hour, minute - offset, second, milliseconds);
  const canonical = instant.toISOString();
  return canonical.length === 24 ? canonical : undefined;
}

function daysOf(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return isLeap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Minutes east of UTC. */
function zoneMinutes(sign = '+', hours = '00', minutes = '00'): number | undefined {
  const total = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || total > 14 * 60) return undefined;
  return sign === '-' ? -total : total;
}
