import type { ScrapeJob } from './control/faults.js';
import { podIp, workloadOf } from './control/objects.js';
import { OWN_NODE } from './control/scheduling.js';
import { scrapedPlace } from './control/scraping.js';
import type { Store } from './control/store.js';
import type { ScrapeTarget } from './control/types.js';
import { REFUSING_PORT } from './envoy/preface.js';
import type { PodRuntime } from './podRuntime.js';

/** What the addon's scrape job `kubernetes-pods` finds, and others that find the same: pods whose annotations ask for it, labelled like their pods. */
export function scrapeTargets(store: Store, runtime: PodRuntime, jobs: readonly ScrapeJob[]): ScrapeTarget[] {
  return store.list('pods').flatMap((pod) => {
    const { name, namespace = 'default' } = pod.metadata;
    const place = scrapedPlace(pod);
    const served = place && runtime.localPort(namespace, name, place.port);
    if (served === undefined) return [];
    const port = runtime.cutOff(pod) ? REFUSING_PORT : served;
    const labels: Record<string, string> = {};
    for (const [key, value] of Object.entries(pod.metadata.labels ?? {})) labels[key.replace(/\W/g, '_')] = value;
    const reading = jobs.filter(({ workloads }) => workloads?.includes(workloadOf(pod)) ?? true);
    return reading.map((job) => ({
      url: `http://127.0.0.1:${port}${place?.path}`,
      labels: {
        ...labels,
        job: job.name,
        instance: `${podIp(pod) ?? '127.0.0.1'}:${place?.port}`,
        namespace,
        pod: name,
        node: String(pod.spec?.nodeName ?? OWN_NODE),
      },
    }));
  });
}
