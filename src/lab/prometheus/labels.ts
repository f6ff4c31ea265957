/** Labels of a series, the metric's name under `__name__`, in the order of their names; never changed once made, never an empty value. */
export type Labels = ReadonlyMap<string, string>;

export const METRIC_NAME = '__name__';

/** Decoded UTF-8 never holds a lone surrogate, so no label can contain the separator. */
const SEPARATOR = '\ud800';

/** Drops empty values (Prometheus: an empty label is an absent one) and sorts by name. */
export function makeLabels(entries: Iterable<readonly [string, string]>): Labels {
  const kept = [...new Map(entries)].filter(([, value]) => value !== '');
  kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return new Map(kept);
}

/** Label sets live as long as their series: what is made of them is made once. */
const keys = new WeakMap<Labels, string>();
const nameless = new WeakMap<Labels, Labels>();

/** Equal for equal label sets and only for those. */
export function labelKey(labels: Labels): string {
  let key = keys.get(labels);
  if (key === undefined) {
    key = '';
    for (const [name, value] of labels) key += name + SEPARATOR + value + SEPARATOR;
    keys.set(labels, key);
  }
  return key;
}

/** Prometheus' order of series: name by name, each with its value; of two that begin alike the shorter comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  const right = b.entries();
  for (const [name, value] of a) {
    const { value: other } = right.next();
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    if (value !== other[1]) return value < other[1] ? -1 : 1;
  }
  return right.next().done ? 0 : -1;
}

/** The key of the named labels only; an absent label counts as empty. */
export function groupKey(labels: Labels, names: readonly string[]): string {
  let key = '';
  for (const name of names) key += (labels.get(name) ?? '') + SEPARATOR;
  return key;
}

export function keepLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  return new Map([...labels].filter(([name]) => names.has(name)));
}

export function dropLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  return new Map([...labels].filter(([name]) => !names.has(name)));
}

export function dropMetricName(labels: Labels): Labels {
  if (!labels.has(METRIC_NAME)) return labels;
  let rest = nameless.get(labels);
  if (rest === undefined) {
    const copy = new Map(labels);
    copy.delete(METRIC_NAME);
    rest = copy;
    nameless.set(labels, rest);
  }
  return rest;
}

/** `{a="1", b="2"}` as Prometheus writes label sets in its error texts. */
export function labelText(labels: Labels): string {
  return `{${[...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
}
