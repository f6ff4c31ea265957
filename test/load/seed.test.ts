import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { EnvironmentError } from '../../src/base/errors.js';
import { millis } from '../../src/base/units.js';
import { decodeEntities, forms, links } from '../../src/load/html.js';
import { seedData } from '../../src/load/seed.js';
import { fillForm, SEED_RECORDS } from '../../src/load/seedRecords.js';
import type { SeedName } from '../../src/scenario/types.js';
import { freePort, type Served, serveHttp } from '../support/load.js';

describe('reading HTML', () => {
  it('decodes entities, and leaves what is none', () => {
    expect(decodeEntities('a&amp;b&lt;&#39;&#x41;&quot;&nope;&#99999999;')).toBe('a&b<\'A"&nope;&#99999999;');
  });

  it('finds links however they are quoted', () => {
    expect(
      links('<a class=x href="/a?b=1&amp;c=2">1</a><A HREF=\'/b\'>2</A><a href=/c>3</a><a name="x">4</a>'),
    ).toEqual(['/a?b=1&c=2', '/b', '/c']);
  });

  it('reads the fields that a browser would send', () => {
    const [form] = forms(`<form action="/search"></form>
      <form method="post" action="/Job/Register"><input type="hidden" name="Id" value="7"><input name="A.Name">
      <input type="submit" name="go" value="x"><input type="checkbox" name="c" value="1"><textarea name="Text">a &amp; b</textarea>
      <select name="S"><option value="">choose</option><option value="2" selected>two</option></select></form>`);
    expect(form?.action).toBe('/Job/Register');
    expect([...(form?.fields ?? [])]).toEqual([
      ['Id', '7'],
      ['A.Name', ''],
      ['Text', 'a & b'],
      ['S', '2'],
    ]);
  });

  it('takes no time on hostile pages', () => {
    const pages = [
      '<form '.repeat(50_000),
      `<input ${'a'.repeat(300_000)}>`,
      `<input ${'a '.repeat(150_000)}>`,
      `<a ${'b="'.repeat(100_001)}>`,
      `<form method="post">${'<select name="s"><option selected>'.repeat(20_000)}`,
      '<textarea name="t">'.repeat(20_000),
      '&#'.repeat(100_000),
    ];
    // Quadratic reading takes minutes for these, which the test's own timeout reports.
    for (const page of pages) expect([...links(page), ...forms(page).map(({ action }) => action)].join('')).toBe('');
  });
});

describe('records', () => {
  const base = 'http://pitstop.test';
  test.each<[SeedName, string, object | undefined]>([
    ['customer', '/CustomerManagement/Details/a%20b', { customerId: 'a b' }],
    ['customer', '/CustomerManagement/Details/', undefined],
    ['customer', '/CustomerManagement/New', undefined],
    ['vehicle', '/VehicleManagement/Details/AB-12-CD', { licenseNumber: 'AB-12-CD' }],
    ['maintenanceJob', '/WorkshopManagement/Details/2026-07-01/j1', { jobId: 'j1', planningDate: '2026-07-01' }],
    [
      'maintenanceJob',
      '/WorkshopManagement/Details?planningDate=2026-07-01T00:00&jobId=j1',
      { jobId: 'j1', planningDate: '2026-07-01' },
    ],
    ['maintenanceJob', '/WorkshopManagement/Details/j1', { jobId: 'j1' }],
    ['maintenanceJob', '/WorkshopManagement/Details', undefined],
  ])('%s: %s', (name, link, expected) => {
    expect(SEED_RECORDS[name].read(new URL(link, base))).toEqual(expected);
  });

  it('fills a form by the last part of its names, keeping hidden fields and proposed dates', () => {
    const [form] =
      forms(`<form method="post" action="/x"><input type="hidden" name="Id" value="7"><input name="Job.date" value="01-07-2026">
      <input name="Job.StartTime"><input name="Job.Description" value="old"></form>`);
    expect(fillForm(form, { Date: '2026-07-01', StartTime: '08:00', Description: 'new', Other: 'x' })).toEqual({
      Id: '7',
      'Job.date': '01-07-2026',
      'Job.StartTime': '08:00',
      'Job.Description': 'new',
    });
    expect(fillForm(undefined, { Date: 'd' })).toEqual({ Date: 'd' });
  });
});

describe('seeding', () => {
  const open: Served[] = [];
  afterEach(async () => {
    for (const served of open.splice(0)) await served.close();
  });

  /** Time passes only by sleeping. */
  function virtualClock(): Clock {
    let now = 0;
    return {
      now: () => millis(now),
      wallMs: () => Date.UTC(2026, 6, 1) + now,
      async sleepUntil(at) {
        now = Math.max(now, at);
      },
    };
  }
  const signal = new AbortController().signal;
  const seed = (baseUrl: string, names: SeedName[]) => seedData({ baseUrl, names, signal, clock: virtualClock() });

  /** A garage as the public sample writes it: job links by query, hidden ids, redirect after a post. */
  function garage(options: { refuseFirst?: number; showAfter?: number } = {}) {
    const state = { customers: [] as string[], vehicles: [] as string[], jobs: [] as string[] };
    const posts: string[] = [];
    let refuse = options.refuseFirst ?? 0;
    let hidden = options.showAfter ?? 0;
    const list = (items: string[], link: (id: string) => string) => {
      if (items.length > 0 && hidden-- > 0) return '<table></table>';
      return items.map((id) => `<a href="${link(id)}">${id}</a>`).join('');
    };
    const handle = async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      if (refuse-- > 0) return response.writeHead(503).end('starting');
      const form = Object.fromEntries(new URLSearchParams(body));
      const path = request.url ?? '';
      if (request.method === 'POST') posts.push(`${path} ${JSON.stringify(form)}`);
      const taken = (items: string[], id: string, to: string) => {
        items.push(id);
        response.writeHead(302, { location: to }).end();
      };
      switch (path) {
        case '/CustomerManagement':
          return response.end(list(state.customers, (id) => `/CustomerManagement/Details/${id}`));
        case '/CustomerManagement/New':
          return response.end(
            '<form method="post" action="/CustomerManagement/Register"><input name="Customer.Name"></form>',
          );
        case '/CustomerManagement/Register':
          return taken(state.customers, 'c1', '/CustomerManagement');
        case '/VehicleManagement':
          return response.end(list(state.vehicles, (id) => `/VehicleManagement/Details/${id}`));
        case '/VehicleManagement/New':
          return response.end('<p>no form that we know</p>');
        case '/VehicleManagement/Register':
          return taken(state.vehicles, form['Vehicle.LicenseNumber'] ?? '', '/VehicleManagement');
        case '/WorkshopManagement':
          return response.end(
            list(state.jobs, (id) => `/WorkshopManagement/Details?jobId=${id}&amp;planningDate=2026-07-01`),
          );
        case '/WorkshopManagement/New':
          return response.end(
            '<form method="post" action="/WorkshopManagement/RegisterMaintenanceJob"><input type="hidden" name="Id" value="9"><input name="Date" value="01-07-2026"><input name="SelectedVehicleLicenseNumber"></form>',
          );
        case '/WorkshopManagement/RegisterMaintenanceJob':
          return taken(state.jobs, 'j1', '/WorkshopManagement');
        default:
          return response.writeHead(404).end();
      }
    };
    return { state, posts, handle };
  }
  const serve = async (handle: (request: IncomingMessage, response: ServerResponse) => unknown) => {
    const served = await serveHttp((request, response) => void handle(request, response));
    open.push(served);
    return served.url;
  };

  it('creates what is missing in order, with what each record needs, and reads the variables back', async () => {
    const { posts, handle } = garage();
    const result = await seed(await serve(handle), ['maintenanceJob']);
    expect(result).toEqual({
      variables: { customerId: 'c1', licenseNumber: 'WB-10-GE', jobId: 'j1', planningDate: '2026-07-01' },
      created: ['customer', 'vehicle', 'maintenanceJob'],
    });
    expect(posts).toHaveLength(3);
    expect(posts[0]).toContain('"Customer.Name":"Wanda Waage"');
    expect(posts[1]).toContain('"SelectedCustomerId":"c1"');
    expect(posts[2]).toContain('{"Id":"9","Date":"01-07-2026","SelectedVehicleLicenseNumber":"WB-10-GE"}');
  });

  it('posts nothing when the records are there', async () => {
    const { state, posts, handle } = garage();
    state.customers.push('old');
    state.vehicles.push('AB-12-CD');
    const result = await seed(await serve(handle), ['customer', 'vehicle']);
    expect(result).toEqual({ variables: { customerId: 'old', licenseNumber: 'AB-12-CD' }, created: [] });
    expect(posts).toEqual([]);
  });

  it('waits for an application that is starting, and for a list that lags behind, without posting twice', async () => {
    const { posts, handle } = garage({ refuseFirst: 5, showAfter: 4 });
    expect(await seed(await serve(handle), ['customer'])).toEqual({
      variables: { customerId: 'c1' },
      created: ['customer'],
    });
    expect(posts).toHaveLength(1);
  });

  it('asks for nothing when nothing is wanted', async () => {
    expect(await seed(`http://127.0.0.1:${await freePort()}`, [])).toEqual({ variables: {}, created: [] });
  });

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown, RegExp]>([
    [
      'an error page',
      (_request, response) => response.writeHead(500).end('<style>x</style><h1>Oops</h1>'),
      /\/CustomerManagement answered 500: Oops/,
    ],
    [
      'the offline page with status 200',
      (_request, response) => response.end('<h1>We are offline</h1>'),
      /\/CustomerManagement answers that a service behind it is offline/,
    ],
    [
      'a page that takes the form but never shows the record',
      (request, response) => (request.method === 'POST' ? response.writeHead(302, { location: '/' }) : response).end(),
      /Register accepted the customer, but \/CustomerManagement does not show it/,
    ],
    [
      'a refused form',
      (request, response) => (request.method === 'POST' ? response.writeHead(400) : response).end('bad name'),
      /Register answered 400: bad name/,
    ],
    [
      'a log-in redirect',
      (_request, response) => response.writeHead(302, { location: '/login' }).end(),
      /answered 302/,
    ],
  ])('gives up with the address and what came back: %s', async (_case, handle, message) => {
    const url = await serve(handle);
    const error = await seed(url, ['customer']).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as EnvironmentError).message).toMatch(message);
    expect((error as EnvironmentError).message).toContain(url);
    expect((error as EnvironmentError).hint).toContain('base URL');
  });

  it('nobody listens', async () => {
    await expect(seed(`http://127.0.0.1:${await freePort()}`, ['customer'])).rejects.toThrow(
      /cannot be read: .*ECONNREFUSED/,
    );
  });

  it('ends at once when interrupted', async () => {
    const url = await serve(() => {});
    const abort = new AbortController();
    const seeding = seedData({ baseUrl: url, names: ['customer'], signal: abort.signal, clock: virtualClock() });
    abort.abort();
    await expect(seeding).rejects.toThrow('interrupted');
  });
});
