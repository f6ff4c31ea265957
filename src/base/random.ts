/** A deterministic generator of doubles in [0, 1). */
export type Random = () => number;

/** SplitMix32 step; used to spread one seed over many independent streams. */
function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush.
 * @param seed any integer; the same seed and stream give the same sequence on every platform.
 * @param stream one independent sequence per user or purpose, so that adding one changes nobody else's.
 */
export function seededRandom(seed: number, stream = 0): Random {
  let a = mix(seed);
  let b = mix(a ^ mix(stream));
  let c = mix(b ^ 0x1b873593);
  let counter = 1;
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
