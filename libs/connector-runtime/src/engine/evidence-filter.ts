import type { Evidence } from '@sever/event-contracts';

const TEXT_MAX = 400;
const MEMBERS_MAX = 24;
/** Shorter identifiers would blot out ordinary words. */
const PERSONAL_MIN = 3;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Makes what connectors wrote fit for events, which are kept for ever: whole numbers, short texts, and no identifiers of the person.
 * Authors make mistakes, and vendors repeat names in their messages.
 */
export class EvidenceFilter {
  private readonly personal: RegExp | undefined;

  /** @param personal identifiers in the clear; compared without case */
  constructor(personal: readonly (string | undefined)[]) {
    const needles = personal
      .filter(p => p !== undefined)
      .filter(p => p.length >= PERSONAL_MIN)
      .sort((a, b) => b.length - a.length);
    this.personal = needles.length > 0 ? new RegExp(needles.map(escaped).join('|'), 'giu') : undefined;
  }

  text(text: string): string {
    const open = text.toWellFormed();
    const hidden = this.personal ? open.replace(this.personal, '[account]') : open;
    return hidden.slice(0, TEXT_MAX).toWellFormed();
  }

  clean(evidence: unknown): Evidence {
    if (typeof evidence !== 'object' || evidence === null) return {};
    const members = Object.entries(evidence)
      .filter(([name]) => name !== '__proto__')
      .slice(0, MEMBERS_MAX)
      .flatMap(([name, value]: [string, unknown]) => {
        const fit = this.member(value);
        return fit === undefined ? [] : [[this.text(name), fit] as const];
      });
    return Object.fromEntries(members);
  }

  private member(value: unknown): Evidence[string] | undefined {
    if (typeof value === 'string') return this.text(value);
    if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value);
    return typeof value === 'boolean' || value === null ? value : undefined;
  }
}
