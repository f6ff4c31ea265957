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

export const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

interface Entry {
  readonly inputs: readonly unknown[];
  /** What else was looked up while the value was made, and what was found. */
  readonly lookups: readonly Lookup[];
  readonly value: unknown;
}

interface Lookup {
  readonly map: string;
  readonly key: string;
  readonly found: unknown;
}

type Maps = Readonly<Record<string, ReadonlyMap<string, unknown>>>;

/**
 * Values of one round that may be taken over into the next: those whose inputs, and everything that was looked up to make them, are
 * still the same objects. So it changes how long a compilation takes and never what it yields.
 */
export class Rounds {
  private before = new Map<string, Entry>();
  private now = new Map<string, Entry>();
  private maps: Maps = {};

  /** How many values the last round had. */
  get size(): number {
    return this.now.size;
  }

  /** @param maps where values may look something up, by a name of their own. */
  begin(maps: Maps): void {
    this.before = this.now;
    this.now = new Map();
    this.maps = maps;
  }

  end(): void {
    this.before.clear();
    this.maps = {};
  }

  /** @param make gets views of the maps that note what is looked up. */
  value<T>(key: string, inputs: readonly unknown[], make: (view: (map: string) => Lookups) => T): T {
    const entry = this.before.get(key);
    if (
      entry &&
      sameItems(entry.inputs, inputs) &&
      entry.lookups.every((lookup) => this.find(lookup) === lookup.found)
    ) {
      this.now.set(key, entry);
      return entry.value as T;
    }
    const lookups: Lookup[] = [];
    const value = make((map) => ({
      get: (wanted) => {
        const found = this.find({ map, key: wanted });
        lookups.push({ map, key: wanted, found });
        return found;
      },
    }));
    this.now.set(key, { inputs, lookups, value });
    return value;
  }

  private find({ map, key }: Pick<Lookup, 'map' | 'key'>): unknown {
    return this.maps[map]?.get(key);
  }
}

export interface Lookups {
  get(key: string): unknown;
}
