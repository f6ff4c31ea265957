import { type KubeObject, labelsMatch, namespaceOf, objectRef } from '../base/kubernetes.js';
import { byAge } from './age.js';
import { inventoryOf } from './inventory.js';
import { type Fields, isRecord, podSelector, record, records, text } from './read.js';
import type { MeshSettings } from './settings.js';
import type { MeshObjects, Place } from './types.js';

/** What one side of a proxy tells Prometheus of its requests. */
export interface CountedSide {
  /** `istio_requests_total` is not counted, because of this. */
  readonly dropped: Place | undefined;
  /** Nor is any other of Istio's metrics. */
  readonly everything: boolean;
  /** Labels that do not say what they are called after: removed, or with another value. */
  readonly labels: ReadonlyMap<string, Place & { readonly removed: boolean }>;
}

/** `client`: requests that the pod sends (reporter source); `server`: those it gets (reporter destination). */
export type CountingSide = 'client' | 'server';

/** The Telemetry objects of a mesh as Istio merges them: root namespace, namespace, then all that select the pod; the later entry counts. */
export class TelemetryPolicies {
  private readonly byAge: readonly KubeObject[];
  private readonly settings: Pick<MeshSettings, 'rootNamespace' | 'metricsProviders'>;

  constructor(objects: readonly KubeObject[], settings: Pick<MeshSettings, 'rootNamespace' | 'metricsProviders'>) {
    this.byAge = [...objects].sort(byAge);
    this.settings = settings;
  }

  of(namespace: string, podLabels: Readonly<Record<string, string>>): Readonly<Record<CountingSide, CountedSide>> {
    const { rootNamespace, metricsProviders } = this.settings;
    const entries = this.applying(namespace, podLabels, rootNamespace).flatMap(entriesOf);
    const sides = { client: new Side(), server: new Side() };
    let names = metricsProviders.byDefault;
    let chosen: Place | undefined;
    for (const { fields, place } of entries) {
      const written = records(fields.providers).flatMap(({ name }) => text(name) ?? []);
      if (written.length > 0) {
        names = written;
        chosen = { ...place, field: `${place.field}.providers` };
      }
      if (!names.some((name) => this.isPrometheus(name))) continue;
      records(fields.overrides).forEach((override, index) => {
        const at = { ...place, field: `${place.field}.overrides[${index}]` };
        for (const side of sidesOf(override)) sides[side].apply(override, at);
      });
    }
    const told = names.some((name) => this.isPrometheus(name));
    const counted = (side: Side): CountedSide => ({
      dropped: told ? side.dropped : chosen,
      everything: told ? side.everything : chosen !== undefined,
      labels: side.labels,
    });
    return { client: counted(sides.client), server: counted(sides.server) };
  }

  private isPrometheus(name: string): boolean {
    return this.settings.metricsProviders.prometheus.includes(name.toLowerCase());
  }

  private applying(namespace: string, podLabels: Readonly<Record<string, string>>, root: string): KubeObject[] {
    const of = (place: string) => this.byAge.filter((object) => namespaceOf(object) === place);
    const whole = (place: string) => of(place).find(isForAll);
    const wide = namespace === root ? [whole(root)] : [whole(root), whole(namespace)];
    const own = of(namespace).filter((object) => !isForAll(object) && selects(object, podLabels));
    return [...wide.flatMap((object) => object ?? []), ...own];
  }
}

/** @param objects as they are compiled. */
export function telemetryOf(objects: MeshObjects): TelemetryPolicies {
  const { snapshot, settings } = inventoryOf(objects);
  return new TelemetryPolicies(snapshot.telemetries, settings);
}

const targetsOf = ({ spec }: KubeObject): readonly Fields[] =>
  isRecord(spec?.targetRef) ? [spec.targetRef] : records(spec?.targetRefs);

const isForAll = (object: KubeObject): boolean =>
  Object.keys(podSelector(object)).length === 0 && targetsOf(object).length === 0;

/** Those with target references are for waypoints and gateways of the Gateway API. */
const selects = (object: KubeObject, podLabels: Readonly<Record<string, string>>): boolean =>
  targetsOf(object).length === 0 && labelsMatch({ ...podSelector(object) }, { ...podLabels });

const entriesOf = (object: KubeObject): { fields: Fields; place: Place }[] =>
  records(object.spec?.metrics).map((fields, index) => ({
    fields,
    place: { object: objectRef(object), field: `spec.metrics[${index}]` },
  }));

function sidesOf(override: Fields): CountingSide[] {
  const match = record(override.match);
  // A metric of one's own is another one.
  const metric = text(match.metric) ?? (match.customMetric === undefined ? 'ALL_METRICS' : '');
  if (metric !== 'ALL_METRICS' && metric !== 'REQUEST_COUNT') return [];
  const mode = text(match.mode) ?? 'CLIENT_AND_SERVER';
  return mode === 'CLIENT' ? ['client'] : mode === 'SERVER' ? ['server'] : ['client', 'server'];
}

/** Overrides of one side, applied in order. */
class Side {
  private all: Place | undefined;
  private count: Place | undefined;
  readonly labels = new Map<string, Place & { readonly removed: boolean }>();

  get dropped(): Place | undefined {
    return this.all ?? this.count;
  }

  get everything(): boolean {
    return this.all !== undefined;
  }

  apply(override: Fields, place: Place): void {
    const metric = text(record(override.match).metric) ?? 'ALL_METRICS';
    const disabled = isRecord(override.disabled) ? override.disabled.value : override.disabled;
    const at = { ...place, field: `${place.field}.disabled` };
    if (metric === 'ALL_METRICS' && disabled === true) {
      this.all = at;
      return;
    }
    // Any later override brings back what was dropped as a whole.
    this.all = undefined;
    if (disabled === true) this.count = at;
    if (disabled === false) this.count = undefined;
    for (const [label, change] of Object.entries(record(override.tagOverrides))) {
      const removed = text(record(change).operation) === 'REMOVE';
      this.labels.set(label, { ...place, field: `${place.field}.tagOverrides.${label}`, removed });
    }
  }
}
