/** Labels of one sample line. */
export function labelsOf(line: string): Record<string, string> {
  return Object.fromEntries([...line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
}

/** Requests of one side: `count x code flags workload version service` in text order. */
export function ledger(page: string, reporter: string): string[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('istio_requests_total{') && line.includes(`reporter="${reporter}"`))
    .map((line) => {
      const labels = labelsOf(line);
      const flags = labels.response_flags?.split(',').sort().join(',');
      const side = reporter === 'source' ? 'destination' : 'source';
      const workload =
        reporter === 'source'
          ? labels.destination_workload
          : `${labels.destination_workload}<${labels[`${side}_workload`]}`;
      return `${line.slice(line.lastIndexOf(' ') + 1)}x ${labels.response_code} ${flags} ${workload} ${labels.destination_version} ${labels.destination_service_name}`;
    })
    .sort();
}

/** Byte connections of one side: `opened/closed sent/received flags workload version service`. */
export function tcpLedger(page: string, reporter: string): string[] {
  const counts = new Map<string, Record<string, string>>();
  for (const line of page.split('\n')) {
    const what = /^istio_tcp_(\w+)_total\{/.exec(line)?.[1];
    const labels = labelsOf(line);
    if (!what || labels.reporter !== reporter) continue;
    const peer = reporter === 'source' ? '' : `<${labels.source_workload}`;
    const key = `${labels.response_flags} ${labels.destination_workload}${peer} ${labels.destination_version} ${labels.destination_service_name}`;
    const values = counts.get(key) ?? {};
    values[what] = line.slice(line.lastIndexOf(' ') + 1);
    counts.set(key, values);
  }
  return [...counts].map(
    ([key, { connections_opened, connections_closed, sent_bytes, received_bytes }]) =>
      `${connections_opened}/${connections_closed} ${sent_bytes}/${received_bytes} ${key}`,
  );
}
