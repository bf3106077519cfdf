import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from '@sever/event-contracts';
import fc from 'fast-check';
import { EvidenceFilter } from './evidence-filter.js';

describe('evidence in events', () => {
  it('never holds the person, whatever the case and wherever it stands', () => {
    const filter = new EvidenceFilter(['jürgen.o+1@acme.example', 'E-77(1)']);
    const clean = filter.clean({
      message: 'role "JÜRGEN.O+1@ACME.example" owns objects',
      'jürgen.o+1@acme.example': 1,
      key: 'e-77(1)',
    });
    expect(JSON.stringify(clean)).not.toMatch(/jürgen|e-77/iu);
    expect(clean.message).toBe('role "[account]" owns objects');
  });

  it('leaves ordinary words alone when an identifier is very short', () => {
    expect(new EvidenceFilter(['io']).text('ratio')).toBe('ratio');
  });

  it('can always be carried by an event', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ unit: 'binary' }), (evidence, name) => {
        const clean = new EvidenceFilter([name]).clean(evidence);
        expect(() => canonicalJson(clean)).not.toThrow();
      }),
    );
  });

  it('keeps what is fit as it is', () => {
    const evidence = { status: 503, sqlstate: '57P03', retried: true, version: null };
    expect(new EvidenceFilter(['someone@acme.example']).clean(evidence)).toEqual(evidence);
  });
});
