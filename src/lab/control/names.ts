import type { Random } from '../../base/random.js';

// Kubernetes' alphabet for generated names: no vowels and no look-alikes, so that no words appear.
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** The five characters that Kubernetes appends to generated names. */
export function randomSuffix(random: Random): string {
  let suffix = '';
  for (let i = 0; i < 5; i++) suffix += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return suffix;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** JSON with sorted keys: equal values give equal text whatever the order of their fields. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** The `pod-template-hash` of a template: ten characters of Kubernetes' alphabet, equal for equal templates. */
export function templateHash(template: unknown): string {
  const text = canonicalJson(template);
  let rest = BigInt(hash32(text)) * 4294967296n + BigInt(hash32(`${text}#`));
  let hash = '';
  while (hash.length < 10) {
    hash += ALPHABET[Number(rest % 27n)];
    rest /= 27n;
  }
  return hash;
}

/** Hands out the addresses of a network one after the other and takes returned ones again only when all were used. */
export class AddressPool {
  private next = 2;
  private readonly prefix: string;
  private readonly used = new Set<string>();

  /** @param prefix the first two bytes, such as `10.244`. */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** @throws RangeError when all 65,000 addresses are taken. */
  take(): string {
    for (let tried = 0; tried < 65_000; tried++) {
      const n = this.next;
      this.next = this.next >= 65_001 ? 2 : this.next + 1;
      const address = `${this.prefix}.${n >> 8}.${n & 255}`;
      if ((n & 255) !== 0 && (n & 255) !== 255 && !this.used.has(address)) {
        this.used.add(address);
        return address;
      }
    }
    throw new RangeError(`All addresses of ${this.prefix}.0.0/16 are taken.`);
  }

  /** Marks an address as taken that somebody else chose. */
  claim(address: string): void {
    this.used.add(address);
  }

  release(address: string): void {
    this.used.delete(address);
  }
}
