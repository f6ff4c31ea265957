import type { Random } from '../../../base/random.js';
import { type AppEnvironment, type AppHandler, type AppRequest, type AppResponse, html, redirect } from '../app.js';
import { Backend, ServiceOffline } from './backend.js';
import type { Customer, MaintenanceJob, Vehicle } from './data.js';
import * as pages from './pages.js';

const CUSTOMER_FIELDS = [
  ['Name', 'Name'],
  ['Address', 'Address'],
  ['PostalCode', 'Postal code'],
  ['City', 'City'],
  ['TelephoneNumber', 'Telephone number'],
  ['EmailAddress', 'Email address'],
] as const;

const NOT_FOUND = html(404, pages.notFoundPage());
const OFFLINE = html(200, pages.offlinePage());

/** A version 4 UUID from the injected randomness. */
function uuid(random: Random): string {
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[Math.floor(random() * 4)]}${hex(3)}-${hex(12)}`;
}

const MEDAL_COLOURS: Readonly<Record<string, string>> = { bronze: '#a5682a', silver: '#9aa0a6', gold: '#d4a017' };

function medal(level: string): AppResponse {
  const colour = Object.hasOwn(MEDAL_COLOURS, level) ? MEDAL_COLOURS[level] : undefined;
  if (colour === undefined) return NOT_FOUND;
  const body = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="${colour}"/></svg>`;
  return { status: 200, headers: { 'content-type': 'image/svg+xml' }, body };
}

/** Pitstop's front end: HTML pages over the three APIs of its namespace. */
export function webApp(env: AppEnvironment): AppHandler {
  const customers = new Backend(env, 'customermanagementapi', 5100);
  const vehicles = new Backend(env, 'vehiclemanagementapi', 5000);
  const workshop = new Backend(env, 'workshopmanagementapi', 5200);
  const today = () => new Date(env.clock.wallMs()).toISOString().slice(0, 10);
  const listCustomers = async () => (await customers.get<Customer[]>('/api/customers')) ?? [];
  const listVehicles = async () => (await vehicles.get<Vehicle[]>('/api/vehicles')) ?? [];

  const customerForm = (problem?: string) =>
    pages.formPage(
      'Register customer',
      '/CustomerManagement/Register',
      CUSTOMER_FIELDS.map(([name, label]) => ({ name: `Customer.${name}`, label })),
      problem,
    );

  const vehicleForm = async (problem?: string) => {
    const owners = (await listCustomers()).map(({ customerId, name }) => [customerId, name] as const);
    const fields = [
      { name: 'Vehicle.LicenseNumber', label: 'License number' },
      { name: 'Vehicle.Brand', label: 'Brand' },
      { name: 'Vehicle.Type', label: 'Type' },
      { name: 'SelectedCustomerId', label: 'Owner', options: owners },
    ];
    return pages.formPage('Register vehicle', '/VehicleManagement/Register', fields, problem);
  };

  const jobForm = async (problem?: string) => {
    const choices = (await listVehicles()).map(
      ({ licenseNumber, brand }) => [licenseNumber, `${licenseNumber} ${brand}`] as const,
    );
    const fields = [
      { name: 'Date', label: 'Date', value: today() },
      { name: 'StartTime', label: 'Start', value: '08:00' },
      { name: 'EndTime', label: 'End', value: '10:00' },
      { name: 'Description', label: 'Description' },
      { name: 'SelectedVehicleLicenseNumber', label: 'Vehicle', options: choices },
    ];
    return pages.formPage('Register maintenance job', '/WorkshopManagement/RegisterMaintenanceJob', fields, problem);
  };

  async function customerPages(request: AppRequest, action: string, id: string): Promise<AppResponse> {
    if (action === '') return html(200, pages.customersPage(await listCustomers()));
    if (action === 'New') return html(200, customerForm());
    if (action === 'Details' && id !== '') {
      const customer = await customers.get<pages.CustomerView>(`/api/customers/${encodeURIComponent(id)}`);
      return customer ? html(200, pages.customerPage(customer)) : NOT_FOUND;
    }
    if (action !== 'Register' || request.method !== 'POST') return NOT_FOUND;
    const form = new URLSearchParams(request.body);
    const record: Record<string, string> = { customerId: uuid(env.random) };
    for (const [name] of CUSTOMER_FIELDS)
      record[name.charAt(0).toLowerCase() + name.slice(1)] = form.get(`Customer.${name}`) ?? '';
    return (await customers.post('/api/customers', record))
      ? redirect('/CustomerManagement')
      : html(400, customerForm('A customer needs a name.'));
  }

  async function vehiclePages(request: AppRequest, action: string, id: string): Promise<AppResponse> {
    if (action === '') return html(200, pages.vehiclesPage(await listVehicles()));
    if (action === 'New') return html(200, await vehicleForm());
    if (action === 'Details' && id !== '') {
      const vehicle = await vehicles.get<Vehicle>(`/api/vehicles/${encodeURIComponent(id)}`);
      if (!vehicle) return NOT_FOUND;
      const owner =
        vehicle.ownerId === ''
          ? undefined
          : await customers.get<Customer>(`/api/customers/${encodeURIComponent(vehicle.ownerId)}`);
      return html(200, pages.vehiclePage(vehicle, owner?.name ?? ''));
    }
    if (action !== 'Register' || request.method !== 'POST') return NOT_FOUND;
    const form = new URLSearchParams(request.body);
    const created = await vehicles.post('/api/vehicles', {
      licenseNumber: form.get('Vehicle.LicenseNumber') ?? '',
      brand: form.get('Vehicle.Brand') ?? '',
      type: form.get('Vehicle.Type') ?? '',
      ownerId: form.get('SelectedCustomerId') ?? '',
    });
    return created
      ? redirect('/VehicleManagement')
      : html(400, await vehicleForm('A license number looks like AB-12-CD.'));
  }

  async function workshopPages(request: AppRequest, action: string, rest: readonly string[]): Promise<AppResponse> {
    const date = (text: string | null | undefined) => (/^\d{4}-\d{2}-\d{2}$/.test(text ?? '') ? (text ?? '') : today());
    if (action === '') {
      const day = date(request.query.get('planningDate'));
      const jobs = (await workshop.get<MaintenanceJob[]>(`/api/workshopplanning/${day}/jobs`)) ?? [];
      return html(200, pages.workshopPage(day, jobs));
    }
    if (action === 'New' || (action === 'RegisterMaintenanceJob' && request.method === 'GET'))
      return html(200, await jobForm());
    if (action === 'Details') {
      const id = rest[1] ?? request.query.get('jobId') ?? '';
      const day = date(rest[0] ?? request.query.get('planningDate'));
      const job = await workshop.get<MaintenanceJob>(`/api/workshopplanning/${day}/jobs/${encodeURIComponent(id)}`);
      return job && id !== '' ? html(200, pages.jobPage(job)) : NOT_FOUND;
    }
    if (action !== 'RegisterMaintenanceJob' || request.method !== 'POST') return NOT_FOUND;
    const form = new URLSearchParams(request.body);
    const created = await workshop.post(`/api/workshopplanning/${date(form.get('Date'))}/jobs`, {
      id: uuid(env.random),
      startTime: form.get('StartTime') ?? '',
      endTime: form.get('EndTime') ?? '',
      description: form.get('Description') ?? '',
      licenseNumber: form.get('SelectedVehicleLicenseNumber') ?? '',
    });
    return created ? redirect('/WorkshopManagement') : html(400, await jobForm('A job needs a vehicle.'));
  }

  async function route(request: AppRequest): Promise<AppResponse> {
    const [, area = '', action = '', ...rest] = request.path.split('/');
    switch (area) {
      case '':
        return html(200, pages.homePage());
      case 'images':
        return medal(/^medal-(\w+)\.svg$/.exec(action)?.[1] ?? '');
      case 'CustomerManagement':
        return customerPages(request, action, rest[0] ?? '');
      case 'VehicleManagement':
        return vehiclePages(request, action, rest[0] ?? '');
      case 'WorkshopManagement':
        return workshopPages(request, action, rest);
      default:
        return NOT_FOUND;
    }
  }

  return (request) =>
    route(request).catch((error: unknown) => {
      if (error instanceof ServiceOffline) return OFFLINE;
      throw error;
    });
}
