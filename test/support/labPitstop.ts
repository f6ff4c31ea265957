import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/base/kubernetes.js';
import type { Lab } from '../../src/lab/lab.js';
import { labelsOf } from './labMesh.js';

const FOLDER = new URL('../../scenarios/pitstop/', import.meta.url);

/** Objects of files of the Pitstop scenario. */
export const manifests = (...files: string[]): KubeObject[] =>
  files.flatMap((file) =>
    parseAllDocuments(readFileSync(new URL(file, FOLDER), 'utf8')).flatMap((document) => {
      const object = document.toJSON() as KubeObject | null;
      return object ? [object] : [];
    }),
  );

/** Everything but the service under release. */
export const APP = readdirSync(new URL('app/', FOLDER))
  .filter((file) => file.endsWith('.yaml'))
  .sort()
  .map((file) => `app/${file}`);
export const V1 = ['customermanagementapi-v1.yaml', 'customermanagementapi-svc.yaml'];

const RESOURCES: Readonly<Record<string, string>> = {
  Deployment: 'deployments.apps',
  Service: 'services',
  VirtualService: 'virtualservices.networking.istio.io',
  DestinationRule: 'destinationrules.networking.istio.io',
};

/** As kubectl apply does: the new spec on the object that is there. */
export function apply(target: Lab, ...files: string[]): void {
  for (const object of manifests(...files)) {
    const resource = RESOURCES[object.kind] ?? '';
    const before = target.store.get(resource, object.metadata.namespace, object.metadata.name);
    const clusterIP = before?.spec?.clusterIP;
    const spec = { ...object.spec, ...(clusterIP ? { clusterIP } : {}) };
    target.store.put(resource, { ...object, spec, ...(before?.status ? { status: before.status } : {}) });
  }
}

/** Every sample that the sidecars serve now: labels, `name` and `value`. */
export async function samples(target: Lab): Promise<Record<string, string>[]> {
  const pages = await Promise.all(target.targets().map(async ({ url }) => (await fetch(url)).text()));
  return pages.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => ({
        ...labelsOf(line),
        name: line.slice(0, line.indexOf('{')),
        value: line.slice(line.lastIndexOf(' ') + 1),
      })),
  );
}

/** Requests to the customer API by version, as one side counted them. */
export async function byVersion(target: Lab, reporter: string): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const sample of await samples(target)) {
    if (sample.name !== 'istio_requests_total' || sample.reporter !== reporter) continue;
    if (sample.destination_service_name !== 'customermanagementapi') continue;
    const key = sample.destination_canonical_revision ?? '';
    counted[key] = (counted[key] ?? 0) + Number(sample.value);
  }
  return counted;
}
