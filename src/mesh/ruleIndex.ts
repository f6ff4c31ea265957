import { expandHost, type KubeObject, labelsMatch, namespaceOf } from '../base/kubernetes.js';
import { perObject, sameItems } from './memo.js';
import { labels, record, text, texts } from './read.js';
import { hostMatches } from './services.js';

/** The host of a DestinationRule, a short name expanded by its namespace. */
export const ruleHost = perObject((rule: KubeObject): string =>
  expandHost(text(rule.spec?.host) ?? '', namespaceOf(rule)),
);

const selectorOf = perObject((rule: KubeObject): Readonly<Record<string, string>> | undefined =>
  record(rule.spec).workloadSelector === undefined
    ? undefined
    : labels(record(record(rule.spec).workloadSelector).matchLabels),
);

/** A rule with a workloadSelector is private, whatever it says. */
const exportsOf = perObject(
  (rule: KubeObject): ReadonlySet<string> => new Set(selectorOf(rule) ? ['.'] : texts(rule.spec?.exportTo)),
);

/** DestinationRules of one host and namespace that act as one. */
export interface MergedRule {
  /** In the order in which they were merged: the first of two equal subset names, and the first policy, counts. */
  readonly objects: readonly KubeObject[];
}

/** DestinationRules of one namespace by host. */
interface RuleIndex {
  readonly exact: ReadonlyMap<string, readonly MergedRule[]>;
  /** The longest host first. */
  readonly wildcards: readonly (readonly [host: string, rules: readonly MergedRule[]])[];
}

export interface RuleIndexes {
  /** By namespace what its own clients see first. */
  readonly local: ReadonlyMap<string, RuleIndex>;
  /** By namespace what other namespaces may see. */
  readonly exported: ReadonlyMap<string, RuleIndex>;
  /** What clients in the root namespace see first: its private rules. */
  readonly root: RuleIndex;
  readonly rootNamespace: string;
}

/**
 * Sorted into what each namespace keeps to itself and what it exports, and merged as Istio merges them.
 * @param rules oldest first.
 */
export function indexRules(
  rules: readonly KubeObject[],
  rootNamespace: string,
  defaultExportTo: readonly string[],
): RuleIndexes {
  const local = new Map<string, KubeObject[]>();
  const exported = new Map<string, KubeObject[]>();
  const root: KubeObject[] = [];
  const selective = rules.filter((rule) => selectorOf(rule));
  for (const rule of [...selective, ...rules.filter((rule) => !selectorOf(rule))]) {
    const namespace = namespaceOf(rule);
    const exports = exportsOf(rule);
    if (exports.size === 0 || ['*', '.', namespace].some((entry) => exports.has(entry))) push(local, namespace, rule);
    const isPrivate =
      exports.size === 0
        ? defaultExportTo.includes('.')
        : exports.size === 1 && (exports.has('.') || exports.has(namespace));
    if (!isPrivate) push(exported, namespace, rule);
    else if (namespace === rootNamespace) root.push(rule);
  }
  const indexed = (all: ReadonlyMap<string, readonly KubeObject[]>) =>
    new Map([...all].map(([namespace, own]) => [namespace, index(own)]));
  return { local: indexed(local), exported: indexed(exported), root: index(root), rootNamespace };
}

function push(map: Map<string, KubeObject[]>, key: string, value: KubeObject): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

interface Merging extends MergedRule {
  objects: KubeObject[];
  readonly exports: ReadonlySet<string>;
}

function index(rules: readonly KubeObject[]): RuleIndex {
  const exact = new Map<string, Merging[]>();
  const wildcards = new Map<string, Merging[]>();
  for (const rule of rules) {
    const host = ruleHost(rule);
    const hosts = host.includes('*') ? wildcards : exact;
    const known = hosts.get(host);
    if (!known) hosts.set(host, [{ objects: [rule], exports: exportsOf(rule) }]);
    else if (mergeInto(known, rule)) known.push({ objects: [rule], exports: exportsOf(rule) });
  }
  return { exact, wildcards: [...wildcards].sort(([a], [b]) => b.length - a.length) };
}

/** Rules that are exported alike and select alike are merged. @returns true when the rule must also stand alone. */
function mergeInto(known: readonly Merging[], rule: KubeObject): boolean {
  const [exports, selector] = [exportsOf(rule), selectorOf(rule)];
  let alone = true;
  for (const merging of known) {
    const same = exports.size === merging.exports.size && [...merging.exports].every((entry) => exports.has(entry));
    const wider = merging.exports.size > 0 && [...merging.exports].every((entry) => exports.has(entry));
    alone = !same;
    if (!same && !wider) continue;
    const other = selectorOf(merging.objects[0] as KubeObject);
    if (selector && other && !sameLabels(selector, other)) {
      alone = true;
      continue;
    }
    if ((selector === undefined) === (other === undefined)) alone = false;
    merging.objects = [...merging.objects, rule];
  }
  return alone;
}

const sameLabels = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  sameItems(Object.entries(a).flat().sort(), Object.entries(b).flat().sort());

interface Client {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The rule that a client uses for a host: of its own namespace, else of those that are exported to it the Service's, else the root
 * namespace's. Inside the first that has any, one whose workloadSelector fits counts, else the last without a selector.
 */
export function ruleFor(
  { local, exported, root, rootNamespace }: RuleIndexes,
  host: string,
  owner: string,
  client: Client,
): MergedRule | undefined {
  const own = client.namespace === rootNamespace ? root : local.get(client.namespace);
  const found = mostSpecific(own, host);
  if (found) return chosen(found, client);
  for (const namespace of [owner, rootNamespace]) {
    const visible = mostSpecific(exported.get(namespace), host)?.filter(({ objects: [first] }) => {
      const exports = exportsOf(first as KubeObject);
      return exports.size === 0 || exports.has('*') || exports.has(client.namespace);
    });
    if (visible && visible.length > 0) return chosen(visible, client);
  }
  return undefined;
}

function mostSpecific(index: RuleIndex | undefined, host: string): readonly MergedRule[] | undefined {
  return index?.exact.get(host) ?? index?.wildcards.find(([pattern]) => hostMatches(pattern, host))?.[1];
}

function chosen(rules: readonly MergedRule[], client: Client): MergedRule | undefined {
  let found: MergedRule | undefined;
  for (const rule of rules) {
    const first = rule.objects[0] as KubeObject;
    const selector = selectorOf(first);
    if (!selector) found = rule;
    else if (namespaceOf(first) === client.namespace && labelsMatch({ ...selector }, { ...client.labels })) return rule;
  }
  return found;
}
