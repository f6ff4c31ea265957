/** Puts lists in order whose order is that of Go's maps or of parallel questions: another one at every call. */
function ordered(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.map((each) => ordered(each));
    const isRandom = ['', 'destServices', 'workloadStatuses'].includes(name);
    return isRandom ? list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : list;
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, ordered(each, key)]));
}

/** An answer of Kiali's API, JSON read and put in order. @param url with `/kiali`. */
export async function askKiali(url: string, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}${path}`);
  const text = await response.text();
  try {
    return { status: response.status, body: ordered(JSON.parse(text)) };
  } catch {
    return { status: response.status, body: text };
  }
}

export interface KialiGraphBody {
  readonly timestamp: number;
  readonly elements: {
    readonly nodes: readonly {
      readonly data: {
        readonly id: string;
        readonly service?: string;
        readonly workload?: string;
        readonly isIdle?: boolean;
      };
    }[];
    readonly edges: readonly {
      readonly data: {
        readonly source: string;
        readonly target: string;
        readonly traffic: {
          readonly rates?: Readonly<Record<string, string>>;
          readonly responses?: Readonly<Record<string, { readonly flags: Readonly<Record<string, string>> }>>;
        };
      };
    }[];
  };
}

type Named = { readonly service: string } | { readonly workload: string };

/** The edge between two nodes. */
export function edgeOf({ elements }: KialiGraphBody, from: Named, to: Named) {
  const idOf = (named: Named) =>
    elements.nodes.find(({ data }) =>
      'service' in named ? data.service === named.service : data.workload === named.workload,
    )?.data.id;
  const [source, target] = [idOf(from), idOf(to)];
  return elements.edges.find(({ data }) => data.source === source && data.target === target)?.data;
}
