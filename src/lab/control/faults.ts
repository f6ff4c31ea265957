/**
 * A rule of Prometheus' `metric_relabel_configs`, applied to every sample that is scraped. `regex` must match the whole of the source
 * labels' values joined by `;`; `replacement` may name its groups as `$1`.
 */
export type MetricRelabelling =
  | { readonly action: 'drop'; readonly sourceLabels: readonly string[]; readonly regex: string }
  | {
      readonly action: 'replace';
      readonly sourceLabels: readonly string[];
      readonly regex: string;
      readonly targetLabel: string;
      /** Empty removes the label. */
      readonly replacement: string;
    };

export interface ScrapeJob {
  /** Label `job` of its series. */
  readonly name: string;
  /** Whose pods it reads; default: of all. */
  readonly workloads?: readonly string[];
}

/** What goes wrong in the lab without an object that says so. */
export interface LabFaults {
  /** Further scrape jobs, which read pods that are read already; default none. */
  readonly scrapeJobs?: readonly ScrapeJob[];
  /** In their order; default none. */
  readonly metricRelabelling?: readonly MetricRelabelling[];
  /** Workload -> how often a second each of its pods makes its `calls` unasked; default never. */
  readonly ownCalls?: Readonly<Record<string, number>>;
  /** Workloads whose HTTP client keeps the cookies it is given, all in one jar, and sends them again; default none. */
  readonly cookieJars?: readonly string[];
  /** A zone (of a node's label) that fails: the cluster still believes its pods ready, and nobody reaches them, scrapes included; default none. */
  readonly zoneOutage?: string;
}
