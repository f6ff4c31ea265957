/** Where the lab's Prometheus reads a pod's metrics. */
export interface ScrapeTarget {
  /** `http://127.0.0.1:40123/stats/prometheus` */
  readonly url: string;
  /** Labels of the target: job, instance, namespace, pod, node and every pod label in Prometheus' spelling. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Where a port of a pod really listens on this machine; what port-forward and the API server's proxy need. */
export type ResolvePodPort = (
  namespace: string,
  pod: string,
  port: number,
) => { readonly host: string; readonly port: number } | undefined;
