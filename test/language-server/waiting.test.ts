/** How long a change is left to stand before it is checked. */
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../language-server/providers/diagnostics.ts';

describe('a change', () => {
  it('is checked at once if nothing came shortly before it, however long that takes', () => {
    expect(waitFor(Infinity, 900)).toBe(0);
    expect(waitFor(200, 180)).toBe(0);
  });

  it('in a run of changes that come faster than they are checked waits for the next, a moment at most', () => {
    expect(waitFor(5, 80)).toBe(80);
    expect(waitFor(50, 900)).toBe(150);
  });
});
