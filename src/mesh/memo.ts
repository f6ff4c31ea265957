/** A pure function of one object, computed once per object. Objects are replaced when they change, never changed in place. */
export function perObject<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    let entry = known.get(key);
    if (!entry) {
      entry = { value: compute(key) };
      known.set(key, entry);
    }
    return entry.value;
  };
}

/** The same items, or lists of the same items, in the same order. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const [one, other] = [a[index], b[index]];
    if (one !== other && !(Array.isArray(one) && Array.isArray(other) && sameItems(one, other))) return false;
  }
  return true;
}

interface Entry {
  readonly inputs: readonly unknown[];
  /** What else was looked up while the value was made, and what was found. */
  readonly lookups: readonly Lookup[];
  readonly value: unknown;
  /** The last round that asked for it. */
  round: number;
}

interface Lookup {
  readonly map: string;
  readonly key: string;
  readonly found: unknown;
}

export interface Lookups {
  get(key: string): unknown;
}

type Maps = Readonly<Record<string, Lookups>>;

/**
 * Values of one round that may be taken over into the next: those whose inputs, and everything that was looked up to make them, are
 * still the same objects. So it changes how long a compilation takes and never what it yields.
 */
export class Rounds {
  /** By kind, then by key: keys stay the strings that they are elsewhere, whose hashes are known. */
  private readonly kinds = new Map<string, Map<string, Entry>>();
  private maps: Maps = {};
  private basis: unknown;
  private round = 0;
  private asked = 0;
  private known = 0;

  /** How many values the last round had. */
  get size(): number {
    return this.asked;
  }

  /**
   * @param basis an input of all values.
   * @param maps where values may look something up, by a name of their own.
   */
  begin(basis: unknown, maps: Maps): void {
    if (basis !== this.basis) {
      this.kinds.clear();
      this.known = 0;
    }
    this.basis = basis;
    this.maps = maps;
    this.round++;
    this.asked = 0;
  }

  /** Forgets what the round did not ask for. */
  end(): void {
    this.maps = {};
    if (this.known === this.asked) return;
    for (const [kind, entries] of this.kinds) {
      for (const [key, entry] of entries) if (entry.round !== this.round) entries.delete(key);
      if (entries.size === 0) this.kinds.delete(kind);
    }
    this.known = this.asked;
  }

  /** @param make gets views of the maps that note what is looked up. */
  value<T>(kind: string, key: string, inputs: readonly unknown[], make: (view: (map: string) => Lookups) => T): T {
    this.asked++;
    let entries = this.kinds.get(kind);
    if (!entries) {
      entries = new Map();
      this.kinds.set(kind, entries);
    }
    const before = entries.get(key);
    if (before && sameItems(before.inputs, inputs) && this.stillFound(before.lookups)) {
      before.round = this.round;
      return before.value as T;
    }
    if (!before) this.known++;
    const lookups: Lookup[] = [];
    const value = make((map) => ({
      get: (wanted) => {
        const found = this.find({ map, key: wanted });
        lookups.push({ map, key: wanted, found });
        return found;
      },
    }));
    entries.set(key, { inputs, lookups, value, round: this.round });
    return value;
  }

  private stillFound(lookups: readonly Lookup[]): boolean {
    for (const lookup of lookups) if (this.find(lookup) !== lookup.found) return false;
    return true;
  }

  private find({ map, key }: Pick<Lookup, 'map' | 'key'>): unknown {
    return this.maps[map]?.get(key);
  }
}
