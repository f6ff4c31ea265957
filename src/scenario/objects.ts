import { type KubeObject, labelsMatch } from '../base/kubernetes.js';
import type { ReportAt } from './issues.js';
import { WORKLOAD_KINDS } from './kinds.js';
import { didYouMean, show } from './nearest.js';
import type { Sections } from './sections.js';
import type { ManifestObject } from './types.js';

interface Template {
  readonly workload: string;
  readonly namespace: string | undefined;
  readonly labels: Record<string, string>;
  readonly images: readonly string[];
}

/**
 * Compares the scenario's names with the objects of its manifests. Only when `lab.objects` says what exists: without it the rest may
 * already run in the cluster.
 */
export function checkAgainstObjects(sections: Sections, objects: readonly ManifestObject[], report: ReportAt): void {
  const here = objects.map(({ object }) => object).filter((object) => object.metadata.namespace === sections.namespace);
  const templates = here.flatMap(podTemplate);
  const services = here.filter((object) => object.kind === 'Service').map((object) => object.metadata.name);
  const { service, from, versions, namespace } = sections;
  if (namespace === undefined) return;
  if (service !== undefined && !services.includes(service)) {
    report(
      ['service'],
      `no manifest holds a Service ${show(service)} in namespace ${namespace}`,
      didYouMean(service, services),
    );
  }
  const workloads = templates.map((template) => template.workload);
  if (from !== undefined && !workloads.includes(from)) {
    report(
      ['from'],
      `no manifest holds a workload ${show(from)} in namespace ${namespace}`,
      didYouMean(from, workloads),
    );
  }
  for (const [name, labels] of Object.entries(versions ?? {})) {
    if (templates.some((template) => labelsMatch(labels, template.labels))) continue;
    const wanted = Object.entries(labels)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ');
    report(['versions', name], `no object carries ${wanted}`, carriedHint(labels, templates));
  }
  const apps = templates.flatMap((template) => [
    template.workload,
    ...template.images,
    ...(template.labels.app ? [template.labels.app] : []),
  ]);
  for (const key of Object.keys(sections.lab?.apps ?? {})) {
    if (!apps.includes(key)) {
      report(
        ['lab', 'apps', key],
        `no manifest holds a workload, image or app label ${show(key)}`,
        didYouMean(key, apps),
        'key',
      );
    }
  }
}

function carriedHint(labels: Readonly<Record<string, string>>, templates: readonly Template[]): string {
  const found = Object.keys(labels).map((key) => {
    const values = [...new Set(templates.flatMap((template) => template.labels[key] ?? []))].sort();
    return values.length === 0
      ? `no pod template has a label ${key}`
      : `pod templates carry ${key}: ${values.slice(0, 8).join(', ')}`;
  });
  return found.join('; ');
}

function podTemplate(object: KubeObject): Template[] {
  const spec = object.kind === 'Pod' ? object.spec : templateOf(object)?.spec;
  const metadata = object.kind === 'Pod' ? object.metadata : templateOf(object)?.metadata;
  if (!spec || !metadata) return [];
  const containers = Array.isArray(spec.containers) ? spec.containers : [];
  return [
    {
      workload: object.metadata.name,
      namespace: object.metadata.namespace,
      labels: (metadata.labels ?? {}) as Record<string, string>,
      images: containers.flatMap((container: { image?: unknown } | null) =>
        typeof container?.image === 'string' ? [container.image] : [],
      ),
    },
  ];
}

function templateOf(object: KubeObject) {
  if (!(WORKLOAD_KINDS as readonly string[]).includes(object.kind)) return undefined;
  return object.spec?.template as
    | { metadata?: Record<string, unknown>; spec?: Record<string, unknown> }
    | null
    | undefined;
}
