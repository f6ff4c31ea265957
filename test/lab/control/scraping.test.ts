import { describe, expect, it } from 'vitest';
import { applicationPlace, mergeScraping, scrapedPlace } from '../../../src/lab/control/scraping.js';

const AGENT = {
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/port': '15020',
  'prometheus.io/scrape': 'true',
};
const TOLD = 'ISTIO_PROMETHEUS_ANNOTATIONS';

const podWith = (annotations: Readonly<Record<string, string>>, env: readonly object[] = []) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', annotations },
  spec: {
    containers: [
      { name: 'app', ports: [{ containerPort: 8080 }] },
      { name: 'istio-proxy', env },
    ],
  },
});

describe("a pod's scrape annotations", () => {
  it.each([
    ['without any, the agent alone is scraped', {}, AGENT, undefined, undefined],
    [
      'a port is kept for the agent; the path is /metrics by default',
      { 'prometheus.io/port': '9102', team: 'a' },
      { ...AGENT, team: 'a' },
      { port: '9102' },
      { port: 9102, path: '/metrics' },
    ],
    [
      'without a port it is 80, as for a URL',
      { 'prometheus.io/scrape': 'true', 'prometheus.io/path': 'm' },
      AGENT,
      { scrape: 'true', path: 'm' },
      { port: 80, path: '/m' },
    ],
    [
      'every spelling that Prometheus takes for one is replaced',
      { 'prometheus-io/port': '9102', 'prometheus.io.path': '/m' },
      AGENT,
      { port: '9102', path: '/m' },
      { port: 9102, path: '/m' },
    ],
    [
      'a pod that is not to be scraped is left alone',
      { 'prometheus.io/scrape': 'false', 'prometheus.io/port': '9102' },
      { 'prometheus.io/scrape': 'false', 'prometheus.io/port': '9102' },
      undefined,
      undefined,
    ],
    [
      'one that wants no merging is scraped itself',
      { 'prometheus.istio.io/merge-metrics': 'false', 'prometheus.io/scrape': 'true', 'prometheus.io/path': '/m' },
      { 'prometheus.istio.io/merge-metrics': 'false', 'prometheus.io/scrape': 'true', 'prometheus.io/path': '/m' },
      undefined,
      { port: 8080, path: '/m' },
    ],
    ['what was injected before stays', AGENT, AGENT, undefined, undefined],
    [
      'a port of the sidecar is no application: the page would hold itself',
      { 'prometheus.io/port': '15090' },
      AGENT,
      { port: '15090' },
      undefined,
    ],
    ['a port that is none is left out', { 'prometheus.io/port': 'http' }, AGENT, { port: 'http' }, undefined],
  ] as const)('%s', (_what, written, annotations, told, application) => {
    const merged = mergeScraping(written);
    expect(merged.annotations).toEqual(annotations);
    expect(merged.env.map(({ name, value }) => ({ name, value: JSON.parse(value) }))).toEqual(
      told ? [{ name: TOLD, value: told }] : [],
    );
    expect(applicationPlace(podWith(merged.annotations, merged.env))).toEqual(application);
  });

  it('is scraped only when it says true', () => {
    expect(scrapedPlace(podWith(AGENT))).toEqual({ port: 15_020, path: '/stats/prometheus' });
    expect(scrapedPlace(podWith({ 'prometheus.io/port': '9102' }))).toBeUndefined();
  });

  it('survives an agent that was told nonsense', () => {
    expect(applicationPlace(podWith({}, [{ name: TOLD, value: '{' }]))).toBeUndefined();
    expect(applicationPlace(podWith({}, [{ name: TOLD, value: '{"port":"70000"}' }]))).toBeUndefined();
  });
});
