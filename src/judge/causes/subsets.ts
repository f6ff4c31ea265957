import { type KubeObject, labelsMatch, objectRef } from '../../base/kubernetes.js';
import { list } from '../words.js';
import { liveFlow, losing, promisedFlow, seen } from './flow.js';
import type { Candidate, CauseKind, Prediction } from './kind.js';
import { at, type DiagnosisInput, labels, namespaceOf, ofKind, openSelector } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { liveRoutes } from './routes.js';
import { destinationRules, type Subset, subsetsOf } from './rules.js';
import { hiddenRules } from './visibility.js';

/** 5: a subset that no DestinationRule defines. */
export const subsetMissing: CauseKind = {
  code: 'SUBSET_MISSING',
  number: 5,
  title: 'a route names a subset that no DestinationRule defines',
  confirm: (input) =>
    fromObjects(
      usedSubsets(input).flatMap((used) =>
        subsetNamed(input, used.subset) || hiddenRules(input).length > 0 ? [] : [missing(input, used)],
      ),
    ),
  predict: (candidate, input) => lost(candidate, input, '503 NC'),
};

/** 6: a subset that is defined and selects nobody. */
export const subsetWithoutEndpoints: CauseKind = {
  code: 'SUBSET_WITHOUT_ENDPOINTS',
  number: 6,
  title: 'the labels of a subset select no pod',
  confirm: (input) => fromObjects(usedSubsets(input).flatMap((used) => empty(input, used))),
  predict: (candidate, input) => lost(candidate, input, '503 UH'),
};

/** 7: a subset that selects pods of another version, too or only. */
export const subsetsOverlap: CauseKind = {
  code: 'SUBSETS_OVERLAP',
  number: 7,
  title: 'a subset selects pods of another version',
  confirm: (input) => fromObjects(usedSubsets(input).flatMap((used) => mixed(input, used))),
  predict: (_candidate, input) => seen(liveFlow(input) ?? promisedFlow(input)),
};

const lost = ({ version = '' }: Candidate, input: DiagnosisInput, how: string): Prediction =>
  seen(losing(promisedFlow(input), version, how));

/** A subset that the route in force sends something to. */
interface Used {
  readonly route: KubeObject;
  readonly subset: string;
  readonly version: string | undefined;
  readonly field: string;
}

function usedSubsets(input: DiagnosisInput): Used[] {
  const [live] = liveRoutes(input);
  if (!live) return [];
  const entries = live.entries.map((entry) => ({
    ...entry,
    field: entry.field.replace(/weight$/, 'destination.subset'),
  }));
  const mirrors = live.mirrors.map((mirror) => ({ ...mirror, field: `${mirror.field}.subset` }));
  const used = [...entries, ...mirrors].flatMap(({ share, subset, version, field }) =>
    share > 0 && subset !== undefined ? [{ route: live.object, subset, version, field }] : [],
  );
  return used.filter((each, index) => used.findIndex(({ subset }) => subset === each.subset) === index);
}

const subsetNamed = (input: DiagnosisInput, name: string): Subset | undefined =>
  subsetsOf(input).find((each) => each.name === name);

const versionOf = ({ scenario }: DiagnosisInput, { subset, version }: Used): string | undefined =>
  version ?? (subset in scenario.versions ? subset : undefined);

const concerning = (version: string | undefined) => (version === undefined ? {} : { version });

function missing(input: DiagnosisInput, used: Used): Place {
  const { route, subset, field } = used;
  const version = concerning(versionOf(input, used));
  const [rule] = destinationRules(input);
  if (rule) {
    const found = list(subsetsOf(input).map(({ name }) => name)) || 'none';
    const fix = `Define subset ${subset}: requests that ${objectRef(route)} sends there answer 503.`;
    return placeAt(input, rule, 'spec.subsets', { found, expected: subset, fix, ...version });
  }
  const fix = `Apply a DestinationRule for ${input.scenario.service} that defines subset ${subset}: without it every request to the subset answers 503.`;
  return placeAt(input, route, field, { found: subset, expected: 'a subset of a DestinationRule', fix, ...version });
}

function empty(input: DiagnosisInput, used: Used): Place[] {
  const defined = subsetNamed(input, used.subset);
  const version = versionOf(input, used);
  const expected = input.scenario.versions[version ?? ''] ?? {};
  if (!defined || carriers(input, defined.labels).length > 0) return [];
  const wrong = Object.entries(defined.labels).find(([key, value]) =>
    expected[key] === undefined
      ? !carriers(input, expected).some((own) => own[key] === value)
      : expected[key] !== value,
  );
  // With the right labels it is the version that is not there.
  if (!wrong || (expected[wrong[0]] === undefined && carriers(input, expected).length === 0)) return [];
  const [key, found] = wrong;
  const fix = `Write the label that the pods of ${used.subset} carry: as it stands the subset is empty and its requests answer 503.`;
  const right = expected[key] ?? 'absent';
  const field = `${defined.field}.labels.${key}`;
  return [placeAt(input, defined.rule, field, { found, expected: right, fix, ...concerning(version) })];
}

function mixed(input: DiagnosisInput, used: Used): Place[] {
  const defined = subsetNamed(input, used.subset);
  const version = versionOf(input, used);
  if (!defined || version === undefined) return [];
  const others = Object.entries(input.scenario.versions).flatMap(([name, own]) =>
    name !== version && carriers(input, defined.labels).some((pod) => labelsMatch({ ...own }, pod)) ? [name] : [],
  );
  if (others.length === 0) return [];
  const expected = Object.entries(input.scenario.versions[version] ?? {}).map(([key, value]) => `${key}: ${value}`);
  const found = Object.entries(defined.labels).map(([key, value]) => `${key}: ${value}`);
  const fix = `Select ${list(expected)}: as it stands subset ${used.subset} sends its requests to pods of ${list(others)} too.`;
  const only = !carriers(input, defined.labels).some((pod) => labelsMatch(input.scenario.versions[version], pod));
  return [
    placeAt(input, defined.rule, `${defined.field}.labels`, {
      found: list(found) || 'none',
      expected: list(expected),
      fix: only ? fix.replace(' too.', '.') : fix,
      version,
    }),
  ];
}

/** Labels of pods of the Service, whatever version its selector pins, that carry these; of Deployments where no pod is known. */
function carriers(input: DiagnosisInput, wanted: Readonly<Record<string, string>>): Record<string, string>[] {
  const { scenario } = input;
  const here = (object: KubeObject) => namespaceOf(object) === scenario.namespace;
  const pods = ofKind(input, 'Pod').filter(here);
  const templates = ofKind(input, 'Deployment')
    .filter(here)
    .map((each) => labels(at(each.spec, 'template', 'metadata', 'labels')));
  const all = pods.length > 0 ? pods.map((pod) => labels(pod.metadata.labels)) : templates;
  const needed = { ...openSelector(input), ...wanted };
  return all.filter((each) => labelsMatch(needed, each));
}
